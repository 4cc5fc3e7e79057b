"""The convolutional LSTM cell of Shi et al. (arXiv 1506.04214).

It has peephole connections and layer normalisation, and works with `tf.nn.static_rnn`. It has no
base class because TensorFlow with Keras 3 has none for it. Feature maps have one or two spatial
dimensions, channels last.
"""
import collections

import tensorflow.compat.v1 as tf

from npu_runtime.devices.precision import kept_in_float32

LSTMStateTuple = collections.namedtuple('LSTMStateTuple', 'c h')
LSTMStateTuple.__doc__ = """State of the cell: c and h, each <float>[B, H, W, F] or [B, W, F]."""

# Underflows in float16: `layer_norm` computes in float32.
_EPSILON = 1e-12


@kept_in_float32()
def layer_norm(x, gamma, beta):
    """Normalises each sample of `x` over all axes but the first, always in float32.

    `x` and the result are <float>[B, ..., F]; scale and shift per channel are <float32>[F].
    """
    axes = list(range(1, x.shape.ndims))
    wide = tf.cast(x, tf.float32)
    centred = wide - tf.reduce_mean(wide, axes, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axes, keepdims=True)
    scale = tf.rsqrt(variance + _EPSILON) * gamma
    return tf.cast(centred * scale + beta, x.dtype)


class ConvLSTMCell:
    """A convolutional LSTM cell, whose variables are those of the scope in which it is called.

        y = conv([x, h]) (+ bias without normalisation);  j, i, f, o = split(y, 4)
        i += W_ci * c;  f += W_cf * c                       (peepholes)
        j, i, f = LN(j), LN_1(i), LN_2(f)
        c = c * sigmoid(f + forget_bias) + sigmoid(i) * activation(j)
        o += W_co * c                                       (the new c)
        o, c = LN_3(o), LN_4(c)                             (the normalised c is carried on)
        h = sigmoid(o) * activation(c)

    Args:
      shape: spatial size of the feature maps, [H, W] or [W].
      filters: number of channels F of output and state.
      kernel: spatial size of the kernel, as many values as `shape`.
      forget_bias: added to the forget gate before its sigmoid.
      activation: nonlinearity of candidate and output.
      normalize: whether to layer-normalise gates and cell; the convolution then has no bias.
      peephole: whether the gates see the cell, with one weight per value of the map.
    """

    def __init__(self, shape, filters, kernel, forget_bias=1.0, activation=tf.tanh, normalize=True,
                 peephole=True):
        self._map_shape = list(shape) + [filters]
        self._filters = filters
        self._kernel_size = list(kernel)
        self._forget_bias = forget_bias
        self._activation = activation
        self._normalize = normalize
        self._peephole = peephole

    # The interface that tf.nn.static_rnn requires.
    @property
    def output_size(self):
        """tf.TensorShape [H, W, F] (or [W, F]) of the output of one example."""
        return tf.TensorShape(self._map_shape)

    @property
    def state_size(self):
        """LSTMStateTuple of the tf.TensorShapes of c and h of one example."""
        return LSTMStateTuple(self.output_size, self.output_size)

    def zero_state(self, batch_size, dtype):
        """LSTMStateTuple of zeros, [batch_size, H, W, F] each."""
        shape = [batch_size] + self._map_shape
        return LSTMStateTuple(tf.zeros(shape, dtype), tf.zeros(shape, dtype))

    def __call__(self, inputs, state):
        """One time step, in the variable scope `conv_lstm_cell`.

        Maps inputs <float>[B, H, W, C] (or [B, W, C]) and LSTMStateTuple to outputs
        <float>[B, H, W, F] (or [B, W, F]) and LSTMStateTuple.
        """
        c, h = state
        with tf.variable_scope('conv_lstm_cell', reuse=tf.AUTO_REUSE):
            # All variables come first, in the published order: the initial values of a variable
            # depend on the number of operations before it.
            kernel = tf.get_variable('kernel', self._kernel_size + [
                inputs.shape.as_list()[-1] + self._filters, 4 * self._filters])
            if not self._normalize:
                bias = tf.get_variable('bias', [4 * self._filters],
                                       initializer=tf.zeros_initializer())
            if self._peephole:
                w_ci, w_cf = (tf.get_variable(name, self._map_shape) for name in ('W_ci', 'W_cf'))
            norm_j, norm_i, norm_f = map(self._make_norm, range(3))
            if self._peephole:
                w_co = tf.get_variable('W_co', self._map_shape)
            norm_o, norm_c = map(self._make_norm, range(3, 5))

            y = tf.nn.convolution(tf.concat([inputs, h], axis=-1), kernel, padding='SAME')
            if not self._normalize:
                y = tf.nn.bias_add(y, bias)
            j, i, f, o = tf.split(y, 4, axis=-1)
            if self._peephole:
                i += w_ci * c
                f += w_cf * c
            j, i, f = norm_j(j), norm_i(i), norm_f(f)
            c = c * tf.sigmoid(f + self._forget_bias) + tf.sigmoid(i) * self._activation(j)
            if self._peephole:
                o += w_co * c
            o, c = norm_o(o), norm_c(c)
            h = tf.sigmoid(o) * self._activation(c)
            return h, LSTMStateTuple(c, h)

    def _make_norm(self, index):
        """Layer norm number `index` as a function of a tensor; the identity if not `normalize`."""
        if not self._normalize:
            return lambda x: x
        with tf.variable_scope('LayerNorm_%d' % index if index else 'LayerNorm'):
            beta = tf.get_variable('beta', [self._filters], initializer=tf.zeros_initializer())
            gamma = tf.get_variable('gamma', [self._filters], initializer=tf.ones_initializer())
        return lambda x: layer_norm(x, gamma, beta)
