"""The layers of all nets, with the published variable names."""
import zlib

import tensorflow.compat.v1 as tf

from geonet.upconvolution import upconvolve

_BATCH_NORM_EPSILON = 0.001
_L2_WEIGHT = 0.0001


class Layers:
    """Builds the layers of one net: <float32>[B, H, W, C] -> [B, H', W', filters].

    Kernels have size x size pixels, an odd size.

    Args:
      norm_decay: decay of batch norm's moving averages in training, where batch norm uses the
        batch's statistics and its updates go to the collection UPDATE_OPS. None for inference,
        where batch norm uses its moving averages.
    """

    def __init__(self, norm_decay):
        self._norm_decay = norm_decay

    def conv(self, features, filters, size, stride=1, relu=True):
        """Pads (size - 1) // 2 zeros on every side, then applies convolution, batch norm and ReLU.

        The stride, 1 or 2, gives [B, ceil(H / stride), ceil(W / stride), filters].
        """
        padding = 'SAME'
        if size > 1 and stride > 1:
            features, padding = zero_pad(features, (size - 1) // 2), 'VALID'
        return self.conv_same(features, filters, size, stride, relu, padding)

    def conv_same(self, features, filters, size, stride=1, relu=True, padding='SAME'):
        """As `conv`, with TensorFlow's SAME padding, which differs for stride 2."""
        with tf.variable_scope(None, 'Conv'):
            weights = self._weights(features, filters, size)
            return self._normalize(tf.nn.conv2d(features, weights, stride, padding), relu)

    def upconv(self, features, filters):
        """Upsamples by 2 (nearest neighbour), then applies a 3x3 `conv`: [B, 2H, 2W, filters]."""
        with tf.variable_scope(None, 'Conv'):
            features = upconvolve(features, self._weights(features, filters, 3))
            return self._normalize(features, relu=True)

    def linear_conv(self, features, filters, size, initial_bias=0.0, initial_gain=1.0):
        """The last layer of a net: convolution of stride 1 with biases, [B, H, W, filters].

        `initial_bias` is the initial value of the biases, `initial_gain` a factor on the initial
        weights.
        """
        with tf.variable_scope(None, 'Conv'):
            weights = self._weights(features, filters, size, initial_gain)
            biases = _model_variable('biases', [filters],
                                     initializer=tf.constant_initializer(initial_bias))
            return tf.nn.bias_add(tf.nn.conv2d(features, weights, 1, 'SAME'), biases)

    def _weights(self, features, filters, size, initial_gain=1.0):
        # Without a seed of its own, TensorFlow would derive one from the number of operations in
        # the graph, so that any change of the graph changed the initial values.
        seed = zlib.crc32(tf.get_variable_scope().name.encode()) >> 1
        return _model_variable(
            'weights', [size, size, features.shape.as_list()[-1], filters],
            tf.variance_scaling_initializer(initial_gain ** 2, 'fan_avg', 'uniform', seed))

    def _normalize(self, features, relu):
        """Batch norm with an offset and without a scale."""
        channels, is_training = features.shape.as_list()[-1], self._norm_decay is not None
        with tf.variable_scope('BatchNorm'):
            beta = _model_variable('beta', [channels], initializer=tf.zeros_initializer())
            moving = [_model_variable(name, [channels], initializer=initializer, trainable=False)
                      for name, initializer in (('moving_mean', tf.zeros_initializer()),
                                                ('moving_variance', tf.ones_initializer()))]
            mean, variance = (None, None) if is_training else moving
            normalized, *batch = tf.nn.fused_batch_norm(
                features, tf.ones([channels]), beta, mean, variance, _BATCH_NORM_EPSILON,
                is_training=is_training)
            if is_training:
                for variable, value in zip(moving, batch):
                    change = (variable - value) * (1.0 - self._norm_decay)
                    tf.add_to_collection(tf.GraphKeys.UPDATE_OPS,
                                         tf.assign_sub(variable, change).op)
        return tf.nn.relu(normalized) if relu else normalized


def l2_loss():
    """The published weight decay over all convolutions in the graph: <float32>[]."""
    return _L2_WEIGHT * tf.add_n([
        tf.nn.l2_loss(variable) for variable in tf.get_collection(tf.GraphKeys.MODEL_VARIABLES)
        if variable.op.name.endswith('/weights')])


def _model_variable(name, shape, initializer, trainable=True):
    """A variable of the model; prediction restores only these."""
    return tf.get_variable(
        name, shape, initializer=initializer, trainable=trainable,
        collections=[tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.MODEL_VARIABLES])


def max_pool(features):
    """Pads one zero on every side, then takes 3x3 maxima with stride 2, which halves the size."""
    return tf.nn.max_pool(zero_pad(features, 1), [1, 3, 3, 1], [1, 2, 2, 1], 'VALID')


def upsample_nearest(features):
    """Repeats every pixel 2 x 2 times: <float32>[B, H, W, C] -> [B, 2H, 2W, C]."""
    _, height, width, _ = features.shape.as_list()
    return tf.image.resize_nearest_neighbor(features, [2 * height, 2 * width])


def crop(features, height, width):
    """Crops the last row or column, which upsampling adds to an odd size: [B, height, width, C].

    Equals nearest-neighbour resizing from n + 1 to n pixels.
    """
    if features.shape.as_list()[1:3] == [height, width]:
        return features
    return features[:, :height, :width]


def zero_pad(features, width):
    """Pads zeros on all sides: <float32>[B, H, W, C] -> [B, H + 2 width, W + 2 width, C]."""
    return tf.pad(features, [[0, 0], [width, width], [width, width], [0, 0]])
