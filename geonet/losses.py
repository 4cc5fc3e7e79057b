"""Photometric, smoothness and consistency terms, as pure functions of tensors.

All are computed in float32, also in mixed precision: the variances in SSIM are differences of
nearly equal numbers, and the epsilons that keep denominators above 0 underflow in float16.
"""
import numpy as np
import tensorflow.compat.v1 as tf

from npu_runtime.devices.precision import kept_in_float32

_SSIM_C1 = 0.01 ** 2
_SSIM_C2 = 0.03 ** 2
_NORM_EPSILON = 1e-10


def photometric_error(x, y, ssim_weight=0.85):
    """The dissimilarity of two images at each pixel (Yin & Shi 2018, equation 3).

    The gradient is written by hand, which keeps the training graph below 10,000 nodes; with
    TensorFlow's it has 11,027.

    Args:
      x: <float32>[M, H, W, C].
      y: <float32>[M, H, W, C], constant: it receives no gradient.
      ssim_weight: weight of structural dissimilarity; |x - y| has weight 1 - ssim_weight.

    Returns:
      <float32>[M, H, W, C], at least 0.
    """
    @tf.custom_gradient
    @kept_in_float32()
    def with_gradient(x, y):
        similarity, gradient_of_similarity = _similarity(x, y)
        structural, difference = 0.5 - 0.5 * similarity, x - y
        clipped = tf.clip_by_value(structural, 0.0, 1.0)

        # No decorator: TensorFlow 1.15 would take the **kwargs of its wrapper for `variables`.
        def gradient(upstream):
            with kept_in_float32():
                inside = tf.cast(tf.equal(structural, clipped), tf.float32)
                of_similarity = upstream * inside * (-0.5 * ssim_weight)
                of_difference = upstream * tf.sign(difference) * (1.0 - ssim_weight)
                return gradient_of_similarity(of_similarity) + of_difference, None

        return ssim_weight * clipped + (1.0 - ssim_weight) * tf.abs(difference), gradient

    return with_gradient(x, y)


def _similarity(x, y):
    """SSIM in windows of 3 x 3 pixels (Wang et al. 2004, equation 13), at most 1.

    Computed as the product of two quotients, luminance and contrast: the product of both
    denominators may be as small as 9e-8, whose inverse overflows in float16.

    Returns:
      (<float32>[M, H, W, C], function that maps the gradient with respect to SSIM to that with
      respect to x).
    """
    a, b, squares, products = tf.split(
        _window_means(tf.concat([x, y, x * x + y * y, x * y], axis=-1)), 4, axis=-1)
    squares_of_means, product_of_means = a * a + b * b, a * b
    d1 = squares_of_means + _SSIM_C1
    # Rounding may make a variance negative; the denominator must stay positive.
    d2 = tf.maximum(squares - squares_of_means, 0.0) + _SSIM_C2
    luminance = (2.0 * product_of_means + _SSIM_C1) / d1
    contrast = (2.0 * (products - product_of_means) + _SSIM_C2) / d2

    def gradient_of_x(upstream):
        twice = 2.0 * upstream
        of_products = twice * luminance / d2
        # Minus twice the gradient; the factor 2 is that of the derivative of x^2, used below.
        of_squares = of_products * contrast
        of_a = (twice * contrast / d1 * (b - luminance * a)
                + of_products * (contrast * a - b))
        of_a, of_squares, of_products = tf.split(
            _of_window_means(tf.concat([of_a, of_squares, of_products], axis=-1)), 3, axis=-1)
        return of_a - x * of_squares + y * of_products

    return luminance * contrast, gradient_of_x


def _window_means(images):
    """Means over windows of 3 x 3 pixels, cut at the border: <float32>[M, H, W, C].

    Average pooling would give the same values, but an NPU computes it only in float16.
    """
    return _window_sums(images) * _window_shares(images)


def _of_window_means(upstream):
    """The gradient of `_window_means`; window sums are self-adjoint."""
    return _window_sums(upstream * _window_shares(upstream))


def _window_shares(images):
    """The reciprocal of each window's number of pixels: numpy float32 [1, H, W, 1]."""
    rows, columns = [np.convolve(np.ones(size), np.ones(3), 'same')
                     for size in images.shape.as_list()[1:3]]
    return (1.0 / np.outer(rows, columns)[np.newaxis, ..., np.newaxis]).astype(np.float32)


def _window_sums(images):
    """Sums over windows of 3 x 3 pixels, with zeros outside the image: <float32>[M, H, W, C]."""
    for axis in (1, 2):
        margins = np.zeros([3, 4, 2], np.int32)
        margins[:, axis] = [[0, 2], [1, 1], [2, 0]]
        images = tf.add_n([tf.pad(images, margin) for margin in margins])
    return images[:, 1:-1, 1:-1]


@kept_in_float32()
def smoothness(field, images):
    """Mean |gradient| of a field, weighted less at image edges (Yin & Shi 2018, equation 4).

        mean |dx field| exp(-mean |dx image|) and the same in y, added: <float32>[]

    Args:
      field: <float32>[M, H, W, C], disparity or flow; channels are averaged.
      images: <float32>[M, H, W, 3], constant: they receive no gradient.
    """
    weights = [tf.exp(-tf.reduce_mean(tf.abs(difference), axis=-1, keepdims=True))
               for difference in _differences(tf.stop_gradient(images))]
    return tf.add_n([tf.reduce_mean(tf.abs(difference) * weight)
                     for difference, weight in zip(_differences(field), weights)])


@kept_in_float32()
def least_error(errors, num_views):
    """Each pixel's smallest error over N views (Godard et al., ICCV 2019, equation 4).

    Averages errors <float32>[N M, H, W, C], view-major, over channels, then takes the minimum over
    views: <float32>[M, H, W, 1].
    """
    means = tf.reduce_mean(errors, axis=-1, keepdims=True)
    rows, height, width, _ = means.shape.as_list()
    return tf.reduce_min(tf.reshape(means, [num_views, rows // num_views, height, width, 1]),
                         axis=0)


def explained_by_motion(errors, unmoved_errors):
    """1 where warping reduces the error of a view (Godard et al., ICCV 2019, equation 5).

    Excludes pixels that do not change between frames, because the camera stands still or the object
    moves with it; they would be predicted as infinitely far away. Both errors, of the warped and
    the unwarped view, are <float32>[M, H, W, 1], as is the result, which has no gradient.
    """
    return tf.stop_gradient(tf.cast(errors < unmoved_errors, tf.float32))


@kept_in_float32()
def depth_inconsistency(computed, predicted, sizes):
    """Inconsistency of two frames' depths (Bian et al., NeurIPS 2019, equations 3 and 5).

        |computed - predicted| / (computed + predicted), over pixels that stay in the image

    Args:
      computed: <float32>[M, P, 1], flat pyramid: depth of the first frame, moved to the second.
      predicted: <float32>[M, P, 1]: the second frame's depth, sampled there; 0 outside the image.
      sizes: [(H_s, W_s)], finest first.

    Returns:
      <float32>[S, 2] in [0, 1], as `masked_means`.
    """
    seen = tf.stop_gradient(tf.cast((computed > 0) & (predicted > 0), tf.float32))
    # The sum may be 0 for points behind the camera.
    both = tf.where(seen > 0, computed + predicted, tf.ones_like(computed))
    return masked_means(tf.abs(computed - predicted) / both, seen, sizes)


@kept_in_float32()
def inconsistency(flow, warped_opposite_flow):
    """|flow + the other direction's flow warped by it|, 0 where the two directions agree.

    All are <float32>[..., 2] in pixels.
    """
    return tf.abs(warped_opposite_flow + flow)


def non_occluded_mask(flow, flow_inconsistency, scale, alpha, beta):
    """1 where a pixel is visible in both frames (Yin & Shi 2018, equation 6), without gradient.

    Args:
      flow: <float32>[..., 2], pixels at this scale.
      flow_inconsistency: <float32>[..., 2] of `inconsistency`.
      scale: width of a pixel of this scale in pixels of the full image (2 ** level); a number or
        an array that broadcasts against [..., 1].
      alpha: tolerance in pixels of the full image.
      beta: tolerance as a fraction of the length of the flow.

    Returns:
      <float32>[..., 1], 0 or 1.
    """
    tolerance = tf.maximum(beta * scale * channel_norm(flow), alpha)
    return tf.stop_gradient(
        tf.cast(channel_norm(flow_inconsistency) * scale < tolerance, tf.float32))


@kept_in_float32()
def channel_norm(vectors):
    """L2 norm over channels, <float32>[..., C] -> [..., 1]; 1e-10 keeps it above 0."""
    shifted = tf.abs(vectors) + _NORM_EPSILON
    return tf.sqrt(tf.reduce_sum(shifted * shifted, axis=-1, keepdims=True))


@kept_in_float32()
def masked_means(values, mask, sizes):
    """Means over the channels of `values` and the pixels where `mask` is 1; 0 if there are none.

    Args:
      values, mask: flat pyramids <float32>[M, P, C] and [M, P, 1], 0 or 1.
      sizes: [(H_s, W_s)], finest first.

    Returns:
      <float32>[S, 2]: for each scale, the means over the first and the second half of the M rows.
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
