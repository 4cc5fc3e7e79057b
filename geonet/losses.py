"""Photometric, smoothness and consistency terms: each a pure function of tensors.

Two have their gradients by hand: TensorFlow's would also follow what is constant. Nodes of loss and
gradient, and CPU milliseconds, one core, by hand and by TensorFlow in turn:

                                        nodes        TensorFlow 1.15    2.21
    photometric_error, 16x128x416x3     108, 200     274, 324           183, 221
    smoothness, 4x128x416               103, 126     9.1, 12.1          5.1, 12.6
"""
import tensorflow.compat.v1 as tf

_SSIM_C1 = 0.01 ** 2
_SSIM_C2 = 0.03 ** 2
_NORM_EPSILON = 1e-10


def photometric_error(x, y, ssim_weight=0.85):
    """How different two images are at each pixel (Yin & Shi 2018, equation 3).

    Args:
      x: <float32>[M, H, W, C].
      y: <float32>[M, H, W, C], taken as constant: the gradient is that of x alone.
      ssim_weight: the share of structural dissimilarity; the rest is |x - y|.

    Returns:
      <float32>[M, H, W, C], at least 0.
    """
    @tf.custom_gradient
    def with_gradient(x, y):
        moments = _WindowMoments(x, y)
        structural = 0.5 - 0.5 * moments.similarity()
        difference = x - y

        def gradient(upstream):
            inside = tf.cast(tf.equal(structural, _clip(structural)), tf.float32)
            of_similarity = upstream * inside * (-0.5 * ssim_weight)
            of_difference = upstream * tf.sign(difference) * (1.0 - ssim_weight)
            return moments.gradient_of_x(of_similarity) + of_difference, None

        return (ssim_weight * _clip(structural)
                + (1.0 - ssim_weight) * tf.abs(difference)), gradient

    return with_gradient(x, y)


class _WindowMoments:
    """SSIM in windows of 3 x 3 pixels, and its gradient in closed form.

    With the window means a of x, b of y, q of x^2 + y^2 and p of xy, SSIM is n1 n2 / (d1 d2).
    """

    def __init__(self, x, y):
        self._x, self._y = x, y
        self._window = dict(ksize=[1, 3, 3, 1], strides=[1, 1, 1, 1], padding='SAME')
        moments = tf.nn.avg_pool(tf.concat([x, y, x * x + y * y, x * y], axis=-1), **self._window)
        self._a, self._b, q, p = tf.split(moments, 4, axis=-1)
        squares, product = self._a * self._a + self._b * self._b, self._a * self._b
        self._n1, self._n2 = 2 * product + _SSIM_C1, 2 * (p - product) + _SSIM_C2
        self._d1, self._d2 = squares + _SSIM_C1, q - squares + _SSIM_C2
        self._scale = 1.0 / (self._d1 * self._d2)
        self._similarity = self._n1 * self._n2 * self._scale

    def similarity(self):
        """SSIM, <float32>[M, H, W, C], at most 1."""
        return self._similarity

    def gradient_of_x(self, upstream):
        """<float32>[M, H, W, C] from the gradient of `similarity`, of the same shape."""
        twice = 2.0 * upstream
        of_a = twice * self._scale * (self._b * (self._n2 - self._n1)
                                      - self._similarity * self._a * (self._d2 - self._d1))
        of_q = twice * self._similarity / self._d2
        of_p = twice * self._scale * self._n1
        pooled = tf.raw_ops.AvgPoolGrad(
            orig_input_shape=[int(size) for size in of_a.shape[:3]] + [3 * int(of_a.shape[3])],
            grad=tf.concat([of_a, of_q, of_p], axis=-1), **self._window)
        of_a, of_q, of_p = tf.split(pooled, 3, axis=-1)
        # of_q stands for minus twice the gradient of q, whose derivative is 2x.
        return of_a - self._x * of_q + self._y * of_p


def _clip(values):
    return tf.clip_by_value(values, 0.0, 1.0)


def smoothness(field, images):
    """Mean |gradient| of a field, less where the image has edges (Yin & Shi 2018, equation 4).

    Args:
      field: <float32>[M, H, W, C], disparity or flow; channels are averaged.
      images: <float32>[M, H, W, 3], constant: the gradient is that of the field alone.

    Returns:
      <float32>[]: mean |dx field| exp(-mean |dx image|) and the same in y, added.
    """
    @tf.custom_gradient
    def with_gradient(field, images):
        differences = _differences(field)
        weights = [tf.exp(-tf.reduce_mean(tf.abs(difference), axis=-1, keepdims=True))
                   * (1.0 / difference.shape.num_elements() * int(images.shape[-1])
                      / int(field.shape[-1]))
                   for difference in _differences(images)]

        def gradient(upstream):
            of_x, of_y = [upstream * weight * tf.sign(difference)
                          for weight, difference in zip(weights, differences)]
            return (tf.pad(of_x, [[0, 0], [0, 0], [1, 0], [0, 0]])
                    - tf.pad(of_x, [[0, 0], [0, 0], [0, 1], [0, 0]])
                    + tf.pad(of_y, [[0, 0], [1, 0], [0, 0], [0, 0]])
                    - tf.pad(of_y, [[0, 0], [0, 1], [0, 0], [0, 0]])), None

        return tf.add_n([tf.reduce_sum(tf.abs(difference) * weight)
                         for difference, weight in zip(differences, weights)]), gradient

    return with_gradient(field, images)


def least_error(errors, num_views):
    """The least of a pixel's errors over the views it is seen in (Godard et al., ICCV 2019, eq. 4).

    Args:
      errors: <float32>[N M, H, W, C], view after view.
      num_views: N; 1 leaves each error as it is.

    Returns:
      <float32>[M, H, W, 1]: the errors' means over channels, the least over views.
    """
    means = tf.reduce_mean(errors, axis=-1, keepdims=True)
    if num_views == 1:
        return means
    rows, height, width, _ = means.shape.as_list()
    return tf.reduce_min(tf.reshape(means, [num_views, rows // num_views, height, width, 1]),
                         axis=0)


def explained_by_motion(errors, unmoved_errors):
    """1 where the warped view is nearer than the view as it is (Godard et al., ICCV 2019, eq. 5).

    A standing car, or something that moves as the camera does, looks as if infinitely far away.

    Args:
      errors: <float32>[M, H, W, 1] of the warped view.
      unmoved_errors: <float32>[M, H, W, 1] of the same view, not warped.

    Returns:
      <float32>[M, H, W, 1], 0 or 1, without gradient.
    """
    return tf.stop_gradient(tf.cast(errors < unmoved_errors, tf.float32))


def depth_inconsistency(computed, predicted, sizes):
    """How the depth of one frame differs from another's (Bian et al., NeurIPS 2019, eq. 3 and 5).

        |computed - predicted| / (computed + predicted), over pixels that stay in the image

    Args:
      computed: <float32>[M, P, 1], flat pyramid: depth of this frame, moved into the other one.
      predicted: <float32>[M, P, 1]: that frame's own depth there; 0 outside the image.
      sizes: [(H_s, W_s)], finest first.

    Returns:
      <float32>[S, 2] from 0 to 1, as `masked_means`.
    """
    seen = tf.stop_gradient(tf.cast((computed > 0) & (predicted > 0), tf.float32))
    # Behind the camera a sum of depths may be 0.
    both = tf.where(seen > 0, computed + predicted, tf.ones_like(computed))
    return masked_means(tf.abs(computed - predicted) / both, seen, sizes)


def inconsistency(flow, warped_opposite_flow):
    """|flow + opposite flow seen through it|, 0 where the two directions agree.

    Args:
      flow: <float32>[..., 2], pixels.
      warped_opposite_flow: <float32>[..., 2], the other direction's flow warped by `flow`.

    Returns:
      <float32>[..., 2], pixels, at least 0.
    """
    return tf.abs(warped_opposite_flow + flow)


def non_occluded_mask(flow, flow_inconsistency, scale, alpha, beta):
    """1 where a pixel is seen in both frames (Yin & Shi 2018, equation 6), without gradient.

    Args:
      flow: <float32>[..., 2], pixels at this scale.
      flow_inconsistency: <float32>[..., 2] of `inconsistency`.
      scale: pixels of the full image in one pixel of this scale (2 ** level); a number or an
        array that broadcasts against [..., 1].
      alpha: tolerance in pixels of the full image.
      beta: tolerance as a share of the length of the flow.

    Returns:
      <float32>[..., 1], 0 or 1.
    """
    tolerance = tf.maximum(beta * scale * channel_norm(flow), alpha)
    return tf.stop_gradient(
        tf.cast(channel_norm(flow_inconsistency) * scale < tolerance, tf.float32))


def channel_norm(vectors):
    """L2 norm over channels, <float32>[..., C] -> [..., 1]; 1e-10 keeps it from 0."""
    shifted = tf.abs(vectors) + _NORM_EPSILON
    return tf.sqrt(tf.reduce_sum(shifted * shifted, axis=-1, keepdims=True))


def masked_means(values, mask, sizes):
    """Means over the channels of `values` and the pixels where `mask` is 1; 0 without any.

    Args:
      values: <float32>[M, P, C], flat pyramid.
      mask: <float32>[M, P, 1], 0 or 1.
      sizes: [(H_s, W_s)], finest first.

    Returns:
      <float32>[S, 2]: for each scale, over the first and over the second half of the M rows.
    """
    terms = tf.concat([tf.reduce_mean(values, axis=-1, keepdims=True) * mask, mask], axis=-1)
    pixels = terms.shape.as_list()[1]
    halves = tf.reduce_sum(tf.reshape(terms, [2, -1, pixels, 2]), axis=1)
    scales = tf.split(halves, [height * width for height, width in sizes], axis=1)
    sums = tf.stack([tf.reduce_sum(scale, axis=1) for scale in scales])
    return sums[..., 0] / tf.maximum(sums[..., 1], 1.0)


def _differences(field):
    """Forward differences in x [M, H, W-1, C] and in y [M, H-1, W, C]."""
    return field[:, :, 1:] - field[:, :, :-1], field[:, 1:] - field[:, :-1]
