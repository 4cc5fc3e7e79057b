"""The layers all the nets are made of, with the variable names and collections slim gives them."""
import numpy as np
import tensorflow.compat.v1 as tf
import tf_slim as slim

_BATCH_NORM_DECAY = 0.999
_BATCH_NORM_EPSILON = 0.001
_L2_WEIGHT = 0.0001


def conv(features, filters, size, stride=1, is_training=False, relu=True):
    """Zero-pads (size - 1) // 2 on every side, then convolution, batch norm and ReLU.

    Args:
      features: <float32>[B, H, W, C].
      filters: the number of output channels.
      size: odd, of the square kernel.
      stride: 1 or 2.
      is_training: whether batch norm uses the batch's statistics and updates its averages.
      relu: whether a ReLU follows.

    Returns:
      <float32>[B, ceil(H / stride), ceil(W / stride), filters].
    """
    if size > 1 and stride > 1:
        features, padding = zero_pad(features, (size - 1) // 2), 'VALID'
    else:
        padding = 'SAME'
    return _conv_norm(features, filters, size, stride, padding, is_training, relu)


def conv_same(features, filters, size, stride=1, is_training=False):
    """As `conv` with TensorFlow's SAME padding, which differs where the stride is 2."""
    return _conv_norm(features, filters, size, stride, 'SAME', is_training, relu=True)


def linear_conv(features, filters, size):
    """Convolution of stride 1 with SAME padding and biases: a net's last layer.

    Args:
      features: <float32>[B, H, W, C].
      filters: the number of output channels.
      size: odd, of the square kernel.

    Returns:
      <float32>[B, H, W, filters].
    """
    with tf.variable_scope(None, 'Conv'):
        weights = _weights(features, filters, size)
        biases = slim.model_variable('biases', [filters], initializer=tf.zeros_initializer())
        features = tf.nn.conv2d(features, weights, strides=[1, 1, 1, 1], padding='SAME')
        return tf.nn.bias_add(features, biases)


def upconv(features, filters, is_training=False):
    """Nearest-neighbour upsampling by 2, then a 3x3 `conv`.

    Args:
      features: <float32>[B, H, W, C].
      filters: the number of output channels.
      is_training: see `conv`.

    Returns:
      <float32>[B, 2H, 2W, filters].
    """
    return conv(upsample_nearest(features), filters, 3, 1, is_training)


def max_pool(features):
    """Zero-pads 1 on every side, then 3x3 maxima of stride 2: [B, H, W, C] -> half the size."""
    return tf.nn.max_pool(zero_pad(features, 1), [1, 3, 3, 1], [1, 2, 2, 1], 'VALID')


def upsample_nearest(features):
    """Repeats every pixel 2 x 2 times: <float32>[B, H, W, C] -> [B, 2H, 2W, C]."""
    _, height, width, _ = features.shape.as_list()
    return tf.image.resize_nearest_neighbor(features, [2 * height, 2 * width])


def crop_like(features, other):
    """Cuts off the last row or column that upsampling an odd size has added.

    Nearest-neighbour resizing from n + 1 to n pixels would do the same.

    Args:
      features: <float32>[B, H', W', C], H' in {H, H + 1}, W' in {W, W + 1}.
      other: <float32>[B, H, W, D].

    Returns:
      <float32>[B, H, W, C].
    """
    _, height, width, _ = other.shape.as_list()
    if features.shape.as_list()[1:3] == [height, width]:
        return features
    return features[:, :height, :width]


def zero_pad(features, width):
    """Zeros on all four sides: <float32>[B, H, W, C] -> [B, H + 2 width, W + 2 width, C]."""
    return tf.pad(features, [[0, 0], [width, width], [width, width], [0, 0]])


def _conv_norm(features, filters, size, stride, padding, is_training, relu):
    with tf.variable_scope(None, 'Conv'):
        weights = _weights(features, filters, size)
        features = tf.nn.conv2d(
            features, weights, strides=[1, stride, stride, 1], padding=padding)
        features = _batch_norm(features, is_training)
        return tf.nn.relu(features) if relu else features


def _weights(features, filters, size):
    return slim.model_variable(
        'weights', [size, size, features.shape.as_list()[-1], filters],
        initializer=slim.xavier_initializer(), regularizer=slim.l2_regularizer(_L2_WEIGHT))


def _batch_norm(features, is_training):
    """Batch norm with an offset and without a scale; its updates go to UPDATE_OPS."""
    channels = features.shape.as_list()[-1]
    with tf.variable_scope('BatchNorm'):
        beta = slim.model_variable('beta', [channels], initializer=tf.zeros_initializer())
        moving_mean = slim.model_variable(
            'moving_mean', [channels], initializer=tf.zeros_initializer(), trainable=False)
        moving_variance = slim.model_variable(
            'moving_variance', [channels], initializer=tf.ones_initializer(), trainable=False)
        gamma = np.ones([channels], np.float32)
        if not is_training:
            return tf.nn.fused_batch_norm(
                features, gamma, beta, moving_mean, moving_variance,
                epsilon=_BATCH_NORM_EPSILON, is_training=False)[0]
        features, mean, variance = tf.nn.fused_batch_norm(
            features, gamma, beta, epsilon=_BATCH_NORM_EPSILON, is_training=True)
        for moving, value in ((moving_mean, mean), (moving_variance, variance)):
            change = (moving - value) * (1.0 - _BATCH_NORM_DECAY)
            tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, tf.assign_sub(moving, change).op)
        return features
