"""Photometric, smoothness and consistency terms: each a pure function of tensors.

They are computed in float32 whatever the precision of the nets: a variance of SSIM is a difference
of nearly equal numbers, and what keeps a denominator from 0 is 0 in 16 bits.
"""
import numpy as np
import tensorflow.compat.v1 as tf

from npu_runtime.devices.precision import kept_in_float32

_SSIM_C1 = 0.01 ** 2
_SSIM_C2 = 0.03 ** 2
_NORM_EPSILON = 1e-10


def photometric_error(x, y, ssim_weight=0.85):
    """How different two images are at each pixel (Yin & Shi 2018, equation 3).

    The gradient by hand keeps the training graph below 10,000 nodes; TensorFlow's has 11,027.

    Args:
      x: <float32>[M, H, W, C].
      y: <float32>[M, H, W, C], taken as constant: the gradient is that of x alone.
      ssim_weight: the share of structural dissimilarity; the rest is |x - y|.

    Returns:
      <float32>[M, H, W, C], at least 0.
    """
    @tf.custom_gradient
    @kept_in_float32()
    def with_gradient(x, y):
        similarity, gradient_of_similarity = _similarity(x, y)
        structural, difference = 0.5 - 0.5 * similarity, x - y
        clipped = tf.clip_by_value(structural, 0.0, 1.0)

        def gradient(upstream):  # undecorated: TensorFlow 1.15 takes **kwargs for variables
            with kept_in_float32():
                inside = tf.cast(tf.equal(structural, clipped), tf.float32)
                of_similarity = upstream * inside * (-0.5 * ssim_weight)
                of_difference = upstream * tf.sign(difference) * (1.0 - ssim_weight)
                return gradient_of_similarity(of_similarity) + of_difference, None

        return ssim_weight * clipped + (1.0 - ssim_weight) * tf.abs(difference), gradient

    return with_gradient(x, y)


def _similarity(x, y):
    """SSIM in windows of 3 x 3 pixels (Wang et al. 2004, equation 13), at most 1.

    The product of two quotients, luminance and contrast: the product of both denominators may be
    as small as 9e-8, and its inverse does not exist in float16.

    Returns:
      (<float32>[M, H, W, C], function from its gradient to that of x)
    """
    a, b, squares, products = tf.split(
        _window_means(tf.concat([x, y, x * x + y * y, x * y], axis=-1)), 4, axis=-1)
    squares_of_means, product_of_means = a * a + b * b, a * b
    d1 = squares_of_means + _SSIM_C1
    # Rounding may take variances below 0, and must not take the denominator there.
    d2 = tf.maximum(squares - squares_of_means, 0.0) + _SSIM_C2
    luminance = (2.0 * product_of_means + _SSIM_C1) / d1
    contrast = (2.0 * (products - product_of_means) + _SSIM_C2) / d2

    def gradient_of_x(upstream):
        twice = 2.0 * upstream
        of_products = twice * luminance / d2
        of_squares = of_products * contrast  # minus twice it: the derivative of x^2 is 2x
        of_a = (twice * contrast / d1 * (b - luminance * a)
                + of_products * (contrast * a - b))
        of_a, of_squares, of_products = tf.split(
            _of_window_means(tf.concat([of_a, of_squares, of_products], axis=-1)), 3, axis=-1)
        return of_a - x * of_squares + y * of_products

    return luminance * contrast, gradient_of_x


def _window_means(images):
    """Means of windows of 3 x 3 pixels <float32>[M, H, W, C]; at the border, of those that exist.

    An NPU's average pool, which has the same numbers, is float16 alone.
    """
    return _window_sums(images) * _window_shares(images)


def _of_window_means(upstream):
    """The gradient of `_window_means`: sums of windows are their own transpose."""
    return _window_sums(upstream * _window_shares(upstream))


def _window_shares(images):
    """What each pixel counts in its window: numpy float32 [1, H, W, 1]."""
    rows, columns = [np.convolve(np.ones(size), np.ones(3), 'same')
                     for size in images.shape.as_list()[1:3]]
    return (1.0 / np.outer(rows, columns)[np.newaxis, ..., np.newaxis]).astype(np.float32)


def _window_sums(images):
    """Sums of windows of 3 x 3 pixels <float32>[M, H, W, C], zeros around the image."""
    for axis in (1, 2):
        margins = np.zeros([3, 4, 2], np.int32)
        margins[:, axis] = [[0, 2], [1, 1], [2, 0]]
        images = tf.add_n([tf.pad(images, margin) for margin in margins])
    return images[:, 1:-1, 1:-1]


@kept_in_float32()
def smoothness(field, images):
    """Mean |gradient| of a field, less where the image has edges (Yin & Shi 2018, equation 4).

    Args:
      field: <float32>[M, H, W, C], disparity or flow; channels are averaged.
      images: <float32>[M, H, W, 3], constant: the gradient is that of the field alone.

    Returns:
      <float32>[]: mean |dx field| exp(-mean |dx image|) and the same in y, added.
    """
    weights = [tf.exp(-tf.reduce_mean(tf.abs(difference), axis=-1, keepdims=True))
               for difference in _differences(tf.stop_gradient(images))]
    return tf.add_n([tf.reduce_mean(tf.abs(difference) * weight)
                     for difference, weight in zip(_differences(field), weights)])


@kept_in_float32()
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


@kept_in_float32()
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


@kept_in_float32()
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


@kept_in_float32()
def channel_norm(vectors):
    """L2 norm over channels, <float32>[..., C] -> [..., 1]; 1e-10 keeps it from 0."""
    shifted = tf.abs(vectors) + _NORM_EPSILON
    return tf.sqrt(tf.reduce_sum(shifted * shifted, axis=-1, keepdims=True))


@kept_in_float32()
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
