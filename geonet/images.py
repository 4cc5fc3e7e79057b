"""Images in and out of the model: value ranges and the area-averaged pyramid."""
import numpy as np
import tensorflow.compat.v1 as tf


def to_float(images):
    """<uint8>[..., C] in [0, 255] -> <float32>[..., C] in [-1, 1]."""
    return tf.cast(images, tf.float32) * (2.0 / 255.0) - 1.0


def to_uint8(images):
    """<float32>[..., C] in [-1, 1] -> <uint8>[..., C] in [0, 255]; the inverse of `to_float`."""
    return tf.saturate_cast(tf.round((images + 1.0) * 127.5), tf.uint8)


def area_pyramid(images, num_scales):
    """Each level the full image averaged over areas, level s of size (H // 2^s, W // 2^s).

    Args:
      images: <float32>[M, H, W, C].
      num_scales: the number of levels.

    Returns:
      A list of <float32>[M, H // 2^s, W // 2^s, C], finest first.
    """
    _, height, width, _ = images.shape.as_list()
    levels = [images]
    for scale in range(1, num_scales):
        factor = 2 ** scale
        if height % factor or width % factor:
            levels.append(resize_area(images, height // factor, width // factor))
        else:
            levels.append(tf.nn.avg_pool(levels[-1], [1, 2, 2, 1], [1, 2, 2, 1], 'VALID'))
    return levels


def resize_area(images, height, width):
    """Averages over areas, pixels on a border counting by their share, as tf.image.resize_area.

    Two products with constant matrices, which every accelerator has, unlike the op.

    Args:
      images: <float32>[M, H, W, C].
      height, width: the new size in pixels.

    Returns:
      <float32>[M, height, width, C].
    """
    _, old_height, old_width, _ = images.shape.as_list()
    columns = tf.tensordot(images, _area_weights(old_width, width), [[2], [1]])
    rows = tf.tensordot(columns, _area_weights(old_height, height), [[1], [1]])
    return tf.transpose(rows, [0, 3, 2, 1])


def _area_weights(old_size, new_size):
    """numpy float32 [new_size, old_size]: the share of old pixel j in new pixel i; rows sum to 1."""
    edges = np.arange(new_size + 1) * (old_size / new_size)
    pixel = np.arange(old_size)
    overlap = (np.minimum(edges[1:, np.newaxis], pixel + 1)
               - np.maximum(edges[:-1, np.newaxis], pixel))
    return (np.maximum(overlap, 0) * (new_size / old_size)).astype(np.float32)
