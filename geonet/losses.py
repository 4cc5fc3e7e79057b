"""Photometric, smoothness and consistency terms: each a pure function of tensors."""
import tensorflow.compat.v1 as tf

_SSIM_C1 = 0.01 ** 2
_SSIM_C2 = 0.03 ** 2
_NORM_EPSILON = 1e-10


def dissimilarity(x, y, ssim_weight=0.85):
    """How different two images are at each pixel (Yin & Shi 2018, equation 3).

    Args:
      x, y: <float32>[M, H, W, C].
      ssim_weight: the share of structural dissimilarity; the rest is |x - y|.

    Returns:
      <float32>[M, H, W, C], at least 0.
    """
    return (ssim_weight * structural_dissimilarity(x, y)
            + (1.0 - ssim_weight) * tf.abs(x - y))


def structural_dissimilarity(x, y):
    """(1 - SSIM) / 2, clipped to [0, 1], in windows of 3 x 3 pixels.

    Args:
      x, y: <float32>[M, H, W, C].

    Returns:
      <float32>[M, H, W, C].
    """
    moments = tf.concat([x, y, x * x, y * y, x * y], axis=-1)
    moments = tf.nn.avg_pool(moments, [1, 3, 3, 1], [1, 1, 1, 1], 'SAME')
    mean_x, mean_y, mean_xx, mean_yy, mean_xy = tf.split(moments, 5, axis=-1)
    means_squared = mean_x * mean_x + mean_y * mean_y
    means_product = mean_x * mean_y
    numerator = (2 * means_product + _SSIM_C1) * (2 * (mean_xy - means_product) + _SSIM_C2)
    denominator = (means_squared + _SSIM_C1) * (mean_xx + mean_yy - means_squared + _SSIM_C2)
    return tf.clip_by_value(0.5 - 0.5 * numerator / denominator, 0.0, 1.0)


def edge_weights(images):
    """Where smoothness counts: exp(-mean over channels of |gradient|), horizontal and vertical.

    Args:
      images: <float32>[M, H, W, C].

    Returns:
      (<float32>[M, H, W-1, 1], <float32>[M, H-1, W, 1]).
    """
    return tuple(tf.exp(-tf.reduce_mean(tf.abs(gradient), axis=-1, keepdims=True))
                 for gradient in _gradients(images))


def smoothness(field, images):
    """Mean |gradient| of a field, less where the image has edges (Yin & Shi 2018, equation 4).

    Args:
      field: <float32>[M, H, W, C], disparity or flow; channels are averaged.
      images: <float32>[M, H, W, 3].

    Returns:
      <float32>[].
    """
    return sum(tf.reduce_mean(tf.abs(gradient * weight))
               for gradient, weight in zip(_gradients(field), edge_weights(images)))


def inconsistency(flow, warped_opposite_flow):
    """|flow + opposite flow seen through it|, 0 where the two directions agree.

    Args:
      flow: <float32>[M, H, W, 2], pixels.
      warped_opposite_flow: <float32>[M, H, W, 2], the other direction's flow warped by `flow`.

    Returns:
      <float32>[M, H, W, 2], pixels, at least 0.
    """
    return tf.abs(warped_opposite_flow + flow)


def visibility(flow, flow_inconsistency, scale, alpha, beta):
    """1 where a pixel is seen in both frames (Yin & Shi 2018, equation 6), without gradient.

    Args:
      flow: <float32>[M, H, W, 2], pixels at this scale.
      flow_inconsistency: <float32>[M, H, W, 2] of `inconsistency`.
      scale: pixels of the full image in one pixel of this scale (2 ** level).
      alpha: tolerance in pixels of the full image.
      beta: tolerance as a share of the length of the flow.

    Returns:
      <float32>[M, H, W, 1], 0 or 1.
    """
    tolerance = tf.maximum(beta * scale * channel_norm(flow), alpha)
    return tf.stop_gradient(
        tf.cast(channel_norm(flow_inconsistency) * scale < tolerance, tf.float32))


def channel_norm(vectors):
    """L2 norm over channels, <float32>[..., C] -> [..., 1]; 1e-10 keeps it from 0."""
    shifted = tf.abs(vectors) + _NORM_EPSILON
    return tf.sqrt(tf.reduce_sum(shifted * shifted, axis=-1, keepdims=True))


def masked_means(values, mask, groups):
    """Means over the channels of `values` and the pixels where `mask` is 1; 0 without any.

    Args:
      values: <float32>[M, H, W, C].
      mask: <float32>[M, H, W, 1], 0 or 1.
      groups: G, which divides M; M / G successive rows share a mean.

    Returns:
      <float32>[G].
    """
    mask = tf.reshape(mask, [groups, -1])
    values = tf.reshape(tf.reduce_mean(values, axis=-1), [groups, -1])
    count = tf.reduce_sum(mask, axis=1)
    return tf.reduce_sum(values * mask, axis=1) / tf.maximum(count, 1.0)


def _gradients(field):
    """Forward differences in x and in y."""
    return field[:, :, 1:] - field[:, :, :-1], field[:, 1:] - field[:, :-1]
