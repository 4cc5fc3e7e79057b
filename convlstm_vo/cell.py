"""Recurrent cells whose state is a feature map: ConvLSTM and its GRU sibling.

Shi et al., Convolutional LSTM Network (arXiv 1506.04214), with peephole connections and layer
normalisation. Both cells are ordinary `tf.nn.rnn_cell.RNNCell`s, for `tf.nn.static_rnn` and
`tf.nn.dynamic_rnn`; feature maps have one or two spatial dimensions, channels last.
"""
import contextlib

import tensorflow.compat.v1 as tf
from tensorflow.core.framework import attr_value_pb2

# Does not exist in float16, which is why `layer_norm` computes in float32.
_EPSILON = 1e-12


@contextlib.contextmanager
def _kept_in_float32():
    """Ops made here keep their dtype where an NPU lowers precision; elsewhere it has no effect.

    The plugin's own scope sets this very attribute in this very way. TensorFlow has no public one:
    what a graph offers openly (devices, gradient overrides) sets other attributes, and an
    operation's node_def is a copy.
    """
    keep = {'_keep_dtype': attr_value_pb2.AttrValue(i=1)}
    with tf.get_default_graph()._attr_scope(keep):  # pylint: disable=protected-access
        yield


def layer_norm(x, gamma, beta):
    """Normalises every sample of `x` over all axes but the batch.

    Computed in float32 whatever the dtype of `x`, and under mixed precision: the variance guard
    1e-12 is zero in float16.

    Args:
      x: <float>[B, ..., F]
      gamma: <float32>[F] scale of each channel.
      beta: <float32>[F] shift of each channel.

    Returns:
      A tensor like `x`.
    """
    axes = list(range(1, x.shape.ndims))
    with _kept_in_float32():
        wide = tf.cast(x, tf.float32)
        mean = tf.reduce_mean(wide, axes, keepdims=True)
        centred = wide - mean
        variance = tf.reduce_mean(tf.square(centred), axes, keepdims=True)
        scale = tf.rsqrt(variance + _EPSILON) * tf.cast(gamma, tf.float32)
        normal = centred * scale + tf.cast(beta, tf.float32)
    return tf.cast(normal, x.dtype)


class _FeatureMapCell(tf.nn.rnn_cell.RNNCell):
    """What both cells have in common: arguments, the size of their maps, the check of the input."""

    def __init__(self, shape, filters, kernel, activation, normalize, data_format, reuse, name):
        super().__init__(_reuse=reuse, name=name)
        _check_arguments(shape, filters, kernel, data_format)
        self._shape = list(shape)
        self._filters = filters
        self._kernel_size = list(kernel)
        self._activation = activation
        self._normalize = normalize

    @property
    def output_size(self):
        return tf.TensorShape(self._shape + [self._filters])

    def build(self, inputs_shape):
        """Makes the variables, in the published order."""
        found = tf.TensorShape(inputs_shape).as_list()
        if len(found) != len(self._shape) + 2 or found[1:-1] != self._shape or found[-1] is None:
            raise ValueError('inputs are %s, the cell wants [B, %s, C]'
                             % (found, ', '.join(str(size) for size in self._shape)))
        self._build_variables(found[-1])
        self.built = True


def _check_arguments(shape, filters, kernel, data_format):
    if data_format != 'channels_last':
        raise ValueError('data_format %r is not supported: the cells are channels_last only'
                         % (data_format,))
    if len(shape) not in (1, 2) or len(kernel) != len(shape):
        raise ValueError('shape and kernel want one or two spatial sizes each, got shape %s and '
                         'kernel %s' % (list(shape), list(kernel)))
    if min(list(shape) + list(kernel) + [filters]) < 1:
        raise ValueError('sizes must be positive, got shape %s, kernel %s, filters %s'
                         % (list(shape), list(kernel), filters))


class _LayerNorms:
    """Variables of a cell's layer norms, named as published: LayerNorm, LayerNorm_1, ..."""

    def __init__(self, cell, filters):
        self._cell = cell
        self._filters = filters
        self._scopes = {}

    def create(self, prefix=''):
        """Makes the next norm's variables and returns the norm as a function of a tensor."""
        count = self._scopes.get(prefix, 0)
        self._scopes[prefix] = count + 1
        name = prefix + ('LayerNorm_%d' % count if count else 'LayerNorm')
        beta = self._cell.add_weight(name + '/beta', shape=[self._filters],
                                     initializer=tf.zeros_initializer())
        gamma = self._cell.add_weight(name + '/gamma', shape=[self._filters],
                                      initializer=tf.ones_initializer())
        return lambda x: layer_norm(x, gamma, beta)


def _no_norm(x):
    return x


class ConvLSTMCell(_FeatureMapCell):
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
      activation: nonlinearity of the candidate and the output.
      normalize: layer normalisation of gates and cell; the convolution then has no bias.
      peephole: gates see the cell, with one weight a value of the map.
      data_format: 'channels_last', the only one there is.
    """

    def __init__(self, shape, filters, kernel, forget_bias=1.0, activation=tf.tanh, normalize=True,
                 peephole=True, data_format='channels_last', reuse=None, name=None):
        super().__init__(shape, filters, kernel, activation, normalize, data_format, reuse, name)
        self._forget_bias = forget_bias
        self._peephole = peephole

    @property
    def state_size(self):
        return tf.nn.rnn_cell.LSTMStateTuple(self.output_size, self.output_size)

    def _build_variables(self, channels):
        state_shape = self._shape + [self._filters]
        norms = _LayerNorms(self, self._filters)
        make_norm = norms.create if self._normalize else lambda: _no_norm
        self._kernel = self.add_weight(
            'kernel', shape=self._kernel_size + [channels + self._filters, 4 * self._filters])
        if not self._normalize:
            self._bias = self.add_weight('bias', shape=[4 * self._filters],
                                         initializer=tf.zeros_initializer())
        if self._peephole:
            self._w_ci = self.add_weight('W_ci', shape=state_shape)
            self._w_cf = self.add_weight('W_cf', shape=state_shape)
        self._norm_j, self._norm_i, self._norm_f = make_norm(), make_norm(), make_norm()
        if self._peephole:
            self._w_co = self.add_weight('W_co', shape=state_shape)
        self._norm_o, self._norm_c = make_norm(), make_norm()

    @tf.autograph.experimental.do_not_convert
    def call(self, inputs, state):
        """One step: <float>[B, H, W, C] and a state to (output, new state)."""
        c, h = state
        y = tf.nn.convolution(tf.concat([inputs, h], axis=-1), self._kernel, padding='SAME')
        if not self._normalize:
            y = tf.nn.bias_add(y, self._bias)
        j, i, f, o = tf.split(y, 4, axis=-1)
        if self._peephole:
            i += self._w_ci * c
            f += self._w_cf * c
        j, i, f = self._norm_j(j), self._norm_i(i), self._norm_f(f)
        c = c * tf.sigmoid(f + self._forget_bias) + tf.sigmoid(i) * self._activation(j)
        if self._peephole:
            o += self._w_co * c
        o, c = self._norm_o(o), self._norm_c(c)
        h = tf.sigmoid(o) * self._activation(c)
        return h, tf.nn.rnn_cell.LSTMStateTuple(c, h)


class ConvGRUCell(_FeatureMapCell):
    """A convolutional GRU cell.

        r, u = split(conv([x, h]), 2);  r, u = sigmoid(LN(r)), sigmoid(LN_1(u))
        y = activation(LN(conv([x, r * h])))
        h = u * h + (1 - u) * y

    Shapes and arguments are those of `ConvLSTMCell`; the state is h alone.
    """

    def __init__(self, shape, filters, kernel, activation=tf.tanh, normalize=True,
                 data_format='channels_last', reuse=None, name=None):
        super().__init__(shape, filters, kernel, activation, normalize, data_format, reuse, name)

    @property
    def state_size(self):
        return self.output_size

    def _build_variables(self, channels):
        norms = _LayerNorms(self, self._filters)
        self._gates, (self._norm_r, self._norm_u) = self._build_convolution(
            'gates/', channels, 2, norms)
        self._candidate, (self._norm_y,) = self._build_convolution(
            'candidate/', channels, 1, norms)

    def _build_convolution(self, prefix, channels, outputs, norms):
        kernel = self.add_weight(
            prefix + 'kernel',
            shape=self._kernel_size + [channels + self._filters, outputs * self._filters])
        if self._normalize:
            norm_list = [norms.create(prefix) for _ in range(outputs)]
            return lambda x: tf.nn.convolution(x, kernel, padding='SAME'), norm_list
        bias = self.add_weight(prefix + 'bias', shape=[outputs * self._filters],
                               initializer=tf.ones_initializer())
        convolve = lambda x: tf.nn.bias_add(tf.nn.convolution(x, kernel, padding='SAME'), bias)
        return convolve, [_no_norm] * outputs

    @tf.autograph.experimental.do_not_convert
    def call(self, inputs, state):
        """One step: <float>[B, H, W, C] and h to (output, new h), which are the same."""
        r, u = tf.split(self._gates(tf.concat([inputs, state], axis=-1)), 2, axis=-1)
        r, u = tf.sigmoid(self._norm_r(r)), tf.sigmoid(self._norm_u(u))
        y = self._candidate(tf.concat([inputs, r * state], axis=-1))
        y = self._activation(self._norm_y(y))
        state = u * state + (1 - u) * y
        return state, state
