"""Image pyramids, as lists of levels or flat.

A *flat pyramid* is <float32>[M, P, C]: the pixels of all levels row by row, finest level first,
P = sum of H_s W_s. Pixelwise operations on it apply to all scales at once.
"""
import numpy as np
import tensorflow.compat.v1 as tf

from geonet.config import NUM_SCALES


def sizes_of(levels):
    """[(height, width)] of tensors <float32>[M, H_s, W_s, C]."""
    return [tuple(level.shape.as_list()[1:3]) for level in levels]


def flatten(levels):
    """List of <float32>[M, H_s, W_s, C] -> flat pyramid [M, P, C]."""
    batch, _, _, channels = levels[0].shape.as_list()
    return tf.concat([tf.reshape(level, [batch, height * width, channels])
                      for level, (height, width) in zip(levels, sizes_of(levels))], axis=1)


def unflatten(flat, sizes):
    """Flat pyramid [M, P, C] -> list of <float32>[M, H_s, W_s, C]; the inverse of `flatten`."""
    batch, _, channels = flat.shape.as_list()
    parts = tf.split(flat, [height * width for height, width in sizes], axis=1)
    return [tf.reshape(part, [batch, height, width, channels])
            for part, (height, width) in zip(parts, sizes)]


def per_pixel(values, sizes):
    """Repeats the value of each level for all its pixels: numpy [P, ...]."""
    return np.repeat(values, [height * width for height, width in sizes], axis=0)


def pixel_grid(sizes):
    """Coordinates of each pixel in its own level: numpy float32 [P, 2], x first."""
    grids = [np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).reshape([-1, 2])
             for height, width in sizes]
    return np.concatenate(grids).astype(np.float32)


def full_image_grid(sizes, half_pixel_centers=False):
    """Coordinates and size of each pixel, in pixels of the finest level.

    With half_pixel_centers, a pixel is at the centre of the area that it averages, as
    tf.image.resize places it; else, as published, at 2^s times its coordinates, the centre of the
    upper left pixel of that area.

    Returns:
      (numpy float32 [P, 2], x first; numpy float32 [P, 2]).
    """
    grid = pixel_grid(sizes)
    if not half_pixel_centers:
        factors = per_pixel(2.0 ** np.arange(len(sizes), dtype=np.float32)[:, np.newaxis], sizes)
        return grid * factors, np.tile(factors, (1, 2))
    own = np.array(sizes, np.float32)[:, ::-1]
    factors = per_pixel(own[0] / own, sizes)
    return (grid + 0.5) * factors - 0.5, factors


def area_pyramid(images):
    """Pyramid of area averages of images <float32>[M, H, W, C].

    A list of <float32>[M, H // 2^s, W // 2^s, C], finest first.
    """
    _, height, width, _ = images.shape.as_list()
    levels = [images]
    for scale in range(1, NUM_SCALES):
        factor = 2 ** scale
        if height % factor or width % factor:
            levels.append(_resize_area(images, height // factor, width // factor))
        else:
            levels.append(tf.nn.avg_pool(levels[-1], [1, 2, 2, 1], [1, 2, 2, 1], 'VALID'))
    return levels


def _resize_area(images, height, width):
    """Averages over areas, as tf.image.resize_area: [M, H, W, C] -> [M, height, width, C].

    Splits a pixel in two areas between them. Multiplies by two constant matrices: unlike the op,
    every accelerator supports that.
    """
    _, old_height, old_width, _ = images.shape.as_list()
    columns = tf.tensordot(images, _area_weights(old_width, width), [[2], [1]])
    rows = tf.tensordot(columns, _area_weights(old_height, height), [[1], [1]])
    return tf.transpose(rows, [0, 3, 2, 1])


def _area_weights(old_size, new_size):
    """Weight of old pixel j in new pixel i, rows sum to 1: numpy float32 [new_size, old_size]."""
    edges = np.arange(new_size + 1) * (old_size / new_size)
    pixel = np.arange(old_size)
    overlap = (np.minimum(edges[1:, np.newaxis], pixel + 1)
               - np.maximum(edges[:-1, np.newaxis], pixel))
    return (np.maximum(overlap, 0) * (new_size / old_size)).astype(np.float32)
