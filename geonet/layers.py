"""Layers of all nets, with the published variable names."""
import zlib

import tensorflow.compat.v1 as tf

from geonet.upconvolution import upconvolve

_BATCH_NORM_EPSILON = 0.001
_L2_WEIGHT = 0.0001


class Layers:
    """Builds the layers of one net.

    Args:
      norm_decay: decay of batch norm's moving averages in training: batch norm uses the statistics
        of the batch and adds the updates of its averages to UPDATE_OPS. None for inference: batch
        norm uses its averages.
    """

    def __init__(self, norm_decay):
        self._norm_decay = norm_decay

    def conv(self, features, filters, size, stride=1, relu=True):
        """Zero-pads (size - 1) // 2 on every side, then convolution, batch norm and ReLU.

        Args:
          features: <float32>[B, H, W, C].
          filters: the number of output channels.
          size: odd, of the square kernel.
          stride: 1 or 2.
          relu: whether a ReLU follows.

        Returns:
          <float32>[B, ceil(H / stride), ceil(W / stride), filters].
        """
        padding = 'SAME'
        if size > 1 and stride > 1:
            features, padding = zero_pad(features, (size - 1) // 2), 'VALID'
        with tf.variable_scope(None, 'Conv'):
            features = tf.nn.conv2d(features, _weights(features, filters, size), stride, padding)
            return self._normalize(features, relu)

    def conv_same(self, features, filters, size, stride=1):
        """As `conv` with TensorFlow's SAME padding, which differs for stride 2."""
        with tf.variable_scope(None, 'Conv'):
            features = tf.nn.conv2d(features, _weights(features, filters, size), stride, 'SAME')
            return self._normalize(features, relu=True)

    def upconv(self, features, filters):
        """Nearest-neighbour upsampling by 2, then a 3x3 `conv`.

        Args:
          features: <float32>[B, H, W, C].
          filters: the number of output channels.

        Returns:
          <float32>[B, 2H, 2W, filters].
        """
        with tf.variable_scope(None, 'Conv'):
            features = upconvolve(features, _weights(features, filters, 3))
            return self._normalize(features, relu=True)

    def linear_conv(self, features, filters, size, initial_bias=0.0, initial_gain=1.0):
        """Convolution of stride 1 with SAME padding and biases: the last layer of a net.

        Args:
          features: <float32>[B, H, W, C].
          filters: the number of output channels.
          size: odd, of the square kernel.
          initial_bias: initial value of the biases.
          initial_gain: factor on the initial weights.

        Returns:
          <float32>[B, H, W, filters].
        """
        with tf.variable_scope(None, 'Conv'):
            weights = _weights(features, filters, size, initial_gain)
            biases = _model_variable('biases', [filters], tf.constant_initializer(initial_bias))
            return tf.nn.bias_add(tf.nn.conv2d(features, weights, 1, 'SAME'), biases)

    def _normalize(self, features, relu):
        """Batch norm with an offset and without a scale."""
        channels = features.shape.as_list()[-1]
        is_training = self._norm_decay is not None
        with tf.variable_scope('BatchNorm'):
            beta = _model_variable('beta', [channels], tf.zeros_initializer())
            moving = [
                _model_variable('moving_mean', [channels], tf.zeros_initializer(), trainable=False),
                _model_variable('moving_variance', [channels], tf.ones_initializer(),
                                trainable=False)]
            mean, variance = (None, None) if is_training else moving
            features, *statistics = tf.nn.fused_batch_norm(
                features, tf.ones([channels]), beta, mean, variance, _BATCH_NORM_EPSILON,
                is_training=is_training)
            if is_training:
                for variable, value in zip(moving, statistics):
                    update = tf.assign_sub(variable, (variable - value) * (1 - self._norm_decay))
                    tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, update.op)
        return tf.nn.relu(features) if relu else features


def _weights(features, filters, size, initial_gain=1.0):
    """<float32>[size, size, C, filters], Glorot uniform (Glorot and Bengio, 2010).

    The initial values depend only on the graph's seed and the name of the layer.
    """
    seed = zlib.crc32(tf.get_variable_scope().name.encode()) >> 1
    return _model_variable(
        'weights', [size, size, features.shape.as_list()[-1], filters],
        tf.variance_scaling_initializer(initial_gain ** 2, 'fan_avg', 'uniform', seed),
        regularizer=lambda weights: _L2_WEIGHT * tf.nn.l2_loss(weights))


def _model_variable(name, shape, initializer, regularizer=None, trainable=True):
    """A variable of the model, as opposed to the optimizer: prediction restores only these."""
    return tf.get_variable(
        name, shape, initializer=initializer, regularizer=regularizer, trainable=trainable,
        collections=[tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.MODEL_VARIABLES])


def max_pool(features):
    """Zero-pads 1 on every side, then 3x3 max pooling of stride 2: half the size."""
    return tf.nn.max_pool(zero_pad(features, 1), [1, 3, 3, 1], [1, 2, 2, 1], 'VALID')


def upsample_nearest(features):
    """Repeats every pixel 2 x 2 times: <float32>[B, H, W, C] -> [B, 2H, 2W, C]."""
    _, height, width, _ = features.shape.as_list()
    return tf.image.resize_nearest_neighbor(features, [2 * height, 2 * width])


def crop_like(features, other):
    """Crops the last row or column that upsampling an odd size has added.

    Equals nearest-neighbour resizing from n + 1 to n pixels.

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
