"""Nearest-neighbour upsampling and convolution as one operation with fewer products."""
import numpy as np
import tensorflow.compat.v1 as tf

_TAPS = 3
# Pixels per image from which the merged kernel pays. In smaller maps the kernel is the larger
# tensor, and merging it costs more than the products it saves.
_MERGE_FROM = 128


def upsample_nearest(features):
    """Repeats every pixel 2 x 2 times: <float32>[B, H, W, C] -> [B, 2H, 2W, C]."""
    _, height, width, _ = features.shape.as_list()
    return tf.image.resize_nearest_neighbor(features, [2 * height, 2 * width])


def upconvolve(features, weights):
    """Repeats every pixel 2 x 2 times, then convolves with SAME padding.

    Args:
      features: <float32>[B, H, W, C].
      weights: <float32>[3, 3, C, F].

    Returns:
      <float32>[B, 2H, 2W, F].
    """
    _, height, width, _ = features.shape.as_list()
    if height * width < _MERGE_FROM:
        return tf.nn.conv2d(upsample_nearest(features), weights, 1, 'SAME')
    return _by_merged_kernel(features, weights)


def _by_merged_kernel(features, weights):
    """Upsamples and convolves as a single transposed convolution.

    Upsampling is a transposed convolution of stride 2 with 2 x 2 ones. Its kernel and `weights`
    merge into a 4 x 4 kernel: 16 products per input pixel instead of 36.
    """
    batch, height, width, channels = features.shape.as_list()
    filters = weights.shape.as_list()[-1]
    # Tap t of the 3 reaches output pixel 2i + d + 1 - t from pixel 2i + d, copy d of input pixel i.
    merge = np.zeros([4, _TAPS], np.float32)
    for copy in range(2):
        for tap in range(_TAPS):
            merge[2 + copy - tap, tap] = 1.0
    merge = np.einsum('ap,bq->abpq', merge, merge).reshape([16, _TAPS ** 2])
    kernel = tf.matmul(merge, tf.reshape(weights, [_TAPS ** 2, channels * filters]))
    kernel = tf.transpose(tf.reshape(kernel, [4, 4, channels, filters]), [0, 1, 3, 2])
    return tf.nn.conv2d_transpose(features, kernel, [batch, 2 * height, 2 * width, filters],
                                  strides=[1, 2, 2, 1], padding='SAME')
