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

    Args:
      x: <float>[B, ..., F].
      gamma: <float32>[F], scale per channel.
      beta: <float32>[F], shift per channel.

    Returns:
      Tensor with the shape and dtype of `x`.
    """
    axes = list(range(1, x.shape.ndims))
    wide = tf.cast(x, tf.float32)
    centred = wide - tf.reduce_mean(wide, axes, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axes, keepdims=True)
    scale = tf.rsqrt(variance + _EPSILON) * gamma
    return tf.cast(centred * scale + beta, x.dtype)


class ConvLSTMCell:
    """A convolutional LSTM cell.

        y = conv([x, h]) (+ bias without normalisation);  j, i, f, o = split(y, 4)
        i += W_ci * c;  f += W_cf * c                       (peepholes)
        j, i, f = LN(j), LN_1(i), LN_2(f)
        c = c * sigmoid(f + forget_bias) + sigmoid(i) * activation(j)
        o += W_co * c                                       (the new c)
        o, c = LN_3(o), LN_4(c)                             (the normalised c is carried on)
        h = sigmoid(o) * activation(c)

    Inputs are <float>[B, H, W, C] (or [B, W, C]), outputs <float>[B, H, W, F], the state
    LSTMStateTuple(c, h) of two such maps.

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
        self._shape = list(shape)
        self._filters = filters
        self._kernel_size = list(kernel)
        self._forget_bias = forget_bias
        self._activation = activation
        self._normalize = normalize
        self._peephole = peephole
        self._variables = None

    # The interface that tf.nn.static_rnn requires.
    @property
    def output_size(self):
        """tf.TensorShape [H, W, F] (or [W, F]) of the output of one example."""
        return tf.TensorShape(self._shape + [self._filters])

    @property
    def state_size(self):
        """LSTMStateTuple of the tf.TensorShapes of c and h of one example."""
        return LSTMStateTuple(self.output_size, self.output_size)

    def zero_state(self, batch_size, dtype):
        """LSTMStateTuple of zeros, [batch_size, H, W, F] each."""
        shape = [batch_size] + self._shape + [self._filters]
        return LSTMStateTuple(tf.zeros(shape, dtype), tf.zeros(shape, dtype))

    def __call__(self, inputs, state):
        """Computes one time step.

        The first call creates the variables, in the published order, in the variable scope
        `conv_lstm_cell`.

        Args:
          inputs: <float>[B, H, W, C].
          state: LSTMStateTuple.

        Returns:
          (output <float>[B, H, W, F], LSTMStateTuple).
        """
        if self._variables is None:
            with tf.variable_scope(None, default_name='conv_lstm_cell'):
                self._variables = self._make_variables(inputs.shape.as_list()[-1])
        with tf.name_scope('conv_lstm_cell'):
            return self._step(inputs, state, self._variables)

    def _make_variables(self, channels):
        """dict: kernel, bias and W_ci, W_cf, W_co if used; norms, a list of functions."""
        state_shape = self._shape + [self._filters]
        made = {'kernel': tf.get_variable(
            'kernel', self._kernel_size + [channels + self._filters, 4 * self._filters])}
        if not self._normalize:
            made['bias'] = tf.get_variable('bias', [4 * self._filters],
                                           initializer=tf.zeros_initializer())
        if self._peephole:
            made['W_ci'] = tf.get_variable('W_ci', state_shape)
            made['W_cf'] = tf.get_variable('W_cf', state_shape)
        norms = [self._make_norm(index) for index in range(3)]
        if self._peephole:
            made['W_co'] = tf.get_variable('W_co', state_shape)
        made['norms'] = norms + [self._make_norm(index) for index in range(3, 5)]
        return made

    def _make_norm(self, index):
        """Layer norm number `index` as a function of a tensor; the identity if not `normalize`."""
        if not self._normalize:
            return lambda x: x
        with tf.variable_scope('LayerNorm_%d' % index if index else 'LayerNorm'):
            beta = tf.get_variable('beta', [self._filters], initializer=tf.zeros_initializer())
            gamma = tf.get_variable('gamma', [self._filters], initializer=tf.ones_initializer())
        return lambda x: layer_norm(x, gamma, beta)

    def _step(self, inputs, state, variables):
        c, h = state
        norm_j, norm_i, norm_f, norm_o, norm_c = variables['norms']
        y = tf.nn.convolution(tf.concat([inputs, h], axis=-1), variables['kernel'], padding='SAME')
        if not self._normalize:
            y = tf.nn.bias_add(y, variables['bias'])
        j, i, f, o = tf.split(y, 4, axis=-1)
        if self._peephole:
            i += variables['W_ci'] * c
            f += variables['W_cf'] * c
        j, i, f = norm_j(j), norm_i(i), norm_f(f)
        c = c * tf.sigmoid(f + self._forget_bias) + tf.sigmoid(i) * self._activation(j)
        if self._peephole:
            o += variables['W_co'] * c
        o, c = norm_o(o), norm_c(c)
        h = tf.sigmoid(o) * self._activation(c)
        return h, LSTMStateTuple(c, h)
