"""Convolution of nearest-neighbour upsampled maps, computed before the upsampling."""
import numpy as np
import tensorflow.compat.v1 as tf

_TAPS = 3
# Below so many pixels an image, the kernel is the larger tensor: making another one of it costs
# more than the fewer products of the maps.
_MERGED_FROM = 128


def upconvolve(features, weights):
    """Repeats every pixel 2 x 2 times, then convolves with SAME padding.

    Args:
      features: <float32>[B, H, W, C].
      weights: <float32>[3, 3, C, F].

    Returns:
      <float32>[B, 2H, 2W, F].
    """
    _, height, width, _ = features.shape.as_list()
    if height * width < _MERGED_FROM:
        return _by_products(features, weights)
    return _by_merged_kernel(features, weights)


def _by_merged_kernel(features, weights):
    """The transposed convolution that upsampling and convolution are together.

    Upsampling is a transposed convolution with 2 x 2 ones, of stride 2; its kernel and the other
    merge into one of 4 x 4: 16 products for an input pixel instead of 36.
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


@tf.custom_gradient
def _by_products(features, weights):
    """The products of each pixel with each tap, added up where they belong.

    The four copies of a pixel share them: 9 products for an input pixel instead of 36, and the
    weights are used as they lie in memory. The gradient by hand takes as long as TensorFlow's, but
    45 nodes with it instead of 79, of which a net has up to seven.
    """
    batch, height, width, channels = features.shape.as_list()
    filters = weights.shape.as_list()[-1]
    pixels, taps = height * width, _TAPS ** 2
    reach = tf.constant(_reached_pixels(height, width))
    flat = tf.reshape(features, [1, 1, batch * pixels, channels])
    products = tf.reshape(tf.matmul(flat, weights), [taps, batch, pixels, filters])
    sums = tf.reshape(tf.reduce_sum(tf.matmul(reach, products), axis=0),
                      [batch, 2 * height, 2 * width, filters])

    def gradient(upstream):
        upstream = tf.reshape(upstream, [1, batch, 4 * pixels, filters])
        of_products = tf.reshape(tf.matmul(reach, upstream, transpose_a=True),
                                 [_TAPS, _TAPS, batch * pixels, filters])
        of_flat = tf.reduce_sum(tf.matmul(of_products, weights, transpose_b=True), axis=[0, 1])
        of_weights = tf.matmul(flat, of_products, transpose_a=True)
        return tf.reshape(of_flat, features.shape), of_weights

    return sums, gradient


def _reached_pixels(height, width):
    """numpy float32 [9, 1, 4 H W, H W]: for each tap, 1 where an upsampled pixel sees that input
    pixel."""
    hits = []
    for size in (height, width):
        seen = np.arange(2 * size)[:, np.newaxis] + np.arange(_TAPS) - _TAPS // 2
        hits.append(seen[..., np.newaxis] // 2 == np.arange(size))
    together = np.einsum('hpi,wqj->pqhwij', *(hit.astype(np.float32) for hit in hits))
    return together.reshape([_TAPS ** 2, 1, 4 * height * width, height * width])
