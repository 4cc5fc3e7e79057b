"""The network: a convolutional encoder of frame pairs, a ConvLSTM over time, a linear readout.

The encoder is that of DeepVO (Wang et al., arXiv 1709.08429). The T time steps are unrolled, so
that the graph has no loop; the variables do not depend on T.
"""
import numpy as np
import tensorflow.compat.v1 as tf

from convlstm_vo.cell import ConvLSTMCell

FILTERS = 12
MOTION_SIZE = 6
# Pixels of the input per feature, in each direction.
STRIDE = 64

# Name, kernel size, filters and stride, with a ReLU after each but the last.
_LAYERS = (
    ('conv1', 7, 64, 2), ('conv2', 5, 128, 2), ('conv3', 5, 256, 2), ('conv3_1', 3, 256, 1),
    ('conv4', 3, 512, 2), ('conv4_1', 3, 512, 1), ('conv5', 3, 512, 2), ('conv5_1', 3, 512, 1),
    ('conv6', 3, 1024, 2))


def normalised_pairs(frames, scale, mean):
    """Pairs of consecutive frames <float32>[B, T, H, W, 2C], normalised as (x - mean(x)) / max(x).

    Args:
      frames: <uint8 or uint16>[B, T+1, H, W, C], C = 1 (gray) or 3.
      scale, mean: <float32>[B, T+1], 1 / max(x) and mean(x) / max(x) of each frame.
    """
    expand = lambda value: value[:, :, None, None, None]
    normal = tf.cast(frames, tf.float32) * expand(scale) - expand(mean)
    return tf.concat([normal[:, :-1], normal[:, 1:]], axis=-1)


def predict(pairs, encoder_initializer=None):
    """Motions <float32>[B, T, 6], metres and radians, in the `--label_frame` of the training.

    Args:
      pairs: <float32>[B, T, H, W, C] with static shape. C = 6: two BGR frames; C = 2: two gray
        frames, equivalent to three equal channels each.
      encoder_initializer: initializer of the encoder; None means glorot uniform, as published.
    """
    shape = pairs.shape.as_list()
    if len(shape) != 5 or None in shape or shape[-1] not in (2, 6):
        raise ValueError('frame pairs are %s, must be [B, T, H, W, 6] or [B, T, H, W, 2], all '
                         'sizes static' % (shape,))
    batch, time_steps = shape[:2]
    features = _encode(tf.reshape(pairs, [batch * time_steps] + shape[2:]), encoder_initializer)
    features = tf.reshape(features, [batch, time_steps] + features.shape.as_list()[1:])
    outputs, _ = recur(features)
    flat = tf.reshape(outputs, [batch * time_steps, np.prod(outputs.shape.as_list()[2:])])
    weights = tf.get_variable('regression_w', [flat.shape.as_list()[1], MOTION_SIZE])
    bias = tf.get_variable('regression_b', [MOTION_SIZE],
                           initializer=tf.glorot_uniform_initializer())
    # Tools for offline conversion rely on these names.
    with tf.name_scope('Wx_plus_b'):
        motions = tf.nn.xw_plus_b(flat, weights, bias, name='xw_plus_b')
    return tf.reshape(motions, [batch, time_steps, MOTION_SIZE])


def recur(features):
    """Runs the ConvLSTM over time, from the zero state.

    Args:
      features: <float32>[B, T, h, w, C].

    Returns:
      (outputs <float32>[B, T, h, w, 12], LSTMStateTuple after the last step).
    """
    batch, _, height, width, _ = features.shape.as_list()
    cell = ConvLSTMCell([height, width], FILTERS, [3, 3])
    state, outputs = cell.zero_state(batch, tf.float32), []
    with tf.variable_scope('rnn'):
        for step in tf.unstack(features, axis=1):
            output, state = cell(step, state)
            outputs.append(output)
    return tf.stack(outputs, axis=1), state


def _encode(x, initializer):
    """Encodes frame pairs <float32>[N, H, W, 6 or 2] as <float32>[N, H / 64, W / 64, 1024]."""
    channels = 6  # of the first kernel, also for gray frames
    with tf.variable_scope('cnns', initializer=initializer):
        for name, size, filters, stride in _LAYERS:
            with tf.variable_scope(name):
                kernel = tf.get_variable('kernel', [size, size, channels, filters])
                bias = tf.get_variable('bias', [filters], initializer=tf.zeros_initializer())
                if x.shape.as_list()[-1] != channels:
                    # Sums the kernel over the three equal channels of each frame.
                    kernel = tf.reduce_sum(
                        tf.reshape(kernel, [size, size, 2, channels // 2, filters]), axis=3)
                x = tf.nn.bias_add(tf.nn.conv2d(x, kernel, stride, 'SAME'), bias)
                if name != _LAYERS[-1][0]:
                    x = tf.nn.relu(x)
            channels = filters
    return x
