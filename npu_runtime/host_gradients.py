"""Gradients of convolutions as convolutions: the same numbers, about half the time on a CPU.

TensorFlow's own CPU kernels for the gradients of a convolution take two to four times as long as
the convolution, and use one core where it uses all. Both gradients are convolutions themselves:

* of the input, the output's gradient with the kernel flipped and transposed; with stride 2 one
  convolution for the four parities of the input's rows and columns, interleaved afterwards;
* of the kernel, the input with the output's gradient as the kernel and the batch as channels.
"""
import contextlib

import tensorflow.compat.v1 as tf

_NAME = 'ConvolutionsAsGradient'


@contextlib.contextmanager
def convolutions_as_gradients(device):
    """Within it, on a CPU, the convolutions that are built get these gradients.

    Args:
      device: Device; elsewhere than on a CPU nothing changes.
    """
    if device.kind != 'cpu':
        yield
        return
    with tf.get_default_graph().gradient_override_map({'Conv2D': _NAME}):
        yield


@tf.RegisterGradient(_NAME)
def _gradients(op, gradient):
    """(gradient of the input, gradient of the kernel), shapes as theirs."""
    inputs, kernel = op.inputs
    if not _is_plain(op):
        return _tensorflows_own(op, gradient)
    stride = op.get_attr('strides')[1]
    paddings = [_padding(op, axis, stride) for axis in (0, 1)]
    return (_input_gradient(gradient, kernel, inputs.shape.as_list(), stride, paddings),
            _kernel_gradient(inputs, gradient, kernel.shape.as_list(), stride, paddings))


def _is_plain(op):
    strides = op.get_attr('strides')
    shapes = [tensor.shape.as_list() for tensor in list(op.inputs) + list(op.outputs)]
    return (op.get_attr('data_format') == b'NHWC' and strides[1] == strides[2]
            and strides[1] in (1, 2) and op.get_attr('dilations') == [1, 1, 1, 1]
            and op.get_attr('padding') in (b'SAME', b'VALID')
            and all(None not in shape for shape in shapes))


def _tensorflows_own(op, gradient):
    inputs, kernel = op.inputs
    arguments = dict(strides=op.get_attr('strides'), padding=op.get_attr('padding').decode(),
                     data_format=op.get_attr('data_format').decode(),
                     dilations=op.get_attr('dilations'))
    return (tf.nn.conv2d_backprop_input(tf.shape(inputs), kernel, gradient, **arguments),
            tf.nn.conv2d_backprop_filter(inputs, tf.shape(kernel), gradient, **arguments))


def _padding(op, axis, stride):
    """(before, after): zeros that the convolution puts around its input along rows or columns."""
    size = op.inputs[0].shape.as_list()[1 + axis]
    kernel = op.inputs[1].shape.as_list()[axis]
    outputs = op.outputs[0].shape.as_list()[1 + axis]
    total = max((outputs - 1) * stride + kernel - size, 0)
    return (total // 2, total - total // 2) if op.get_attr('padding') == b'SAME' else (0, 0)


def _input_gradient(gradient, kernel, input_shape, stride, paddings):
    if stride == 2:
        return _input_gradient_of_stride_2(gradient, kernel, input_shape, paddings)
    sizes = zip(kernel.shape.as_list()[:2], gradient.shape.as_list()[1:3], input_shape[1:3])
    margins = []
    for (kernel_size, outputs, size), (before, _) in zip(sizes, paddings):
        first = kernel_size - 1 - before
        margins.append((first, size + kernel_size - 1 - outputs - first))
    flipped = tf.transpose(_reverse(kernel), [0, 1, 3, 2])
    return _convolve(gradient, flipped, margins)


def _input_gradient_of_stride_2(gradient, kernel, input_shape, paddings):
    """Rows and columns n of the padded input, n = 2 m + parity, get sum_u dy[m - u] w[2 u + parity].

    """
    rows, columns, depth, filters = kernel.shape.as_list()
    half = [(rows + 1) // 2, (columns + 1) // 2]
    even = tf.pad(kernel, [[0, 2 * half[0] - rows], [0, 2 * half[1] - columns], [0, 0], [0, 0]])
    parities = tf.reshape(even, [half[0], 2, half[1], 2, depth, filters])
    taps = tf.reshape(tf.transpose(parities, [0, 2, 5, 1, 3, 4]), half + [filters, 4 * depth])
    margins, begins = [], []
    for axis in (0, 1):
        last = (input_shape[1 + axis] - 1 + paddings[axis][0]) // 2
        margins.append((half[axis] - 1, last + 1 - gradient.shape.as_list()[1 + axis]))
        begins.append(paddings[axis][0])
    if rows == columns == 1:
        padded = _spread(tf.nn.conv2d(gradient, tf.transpose(kernel, [0, 1, 3, 2]),
                                      strides=[1, 1, 1, 1], padding='VALID'))
    else:
        padded = tf.depth_to_space(_convolve(gradient, _reverse(taps), margins), 2)
    return tf.slice(_enlarge(padded, begins, input_shape), [0] + begins + [0], input_shape)


def _spread(features):
    """Zeros between the pixels: [B, H, W, C] -> [B, 2H, 2W, C]."""
    batch, height, width, depth = features.shape.as_list()
    apart = tf.pad(tf.reshape(features, [batch, height, 1, width, depth]),
                   [[0, 0], [0, 0], [0, 1], [0, 0], [0, depth]])
    return tf.reshape(apart, [batch, 2 * height, 2 * width, depth])


def _enlarge(features, begins, wanted_shape):
    """Zeros after the last row and column, where `begins` + `wanted_shape` reaches beyond them."""
    missing = [max(begin + wanted - size, 0) for begin, wanted, size in
               zip(begins, wanted_shape[1:3], features.shape.as_list()[1:3])]
    if not any(missing):
        return features
    return tf.pad(features, [[0, 0], [0, missing[0]], [0, missing[1]], [0, 0]])


def _kernel_gradient(inputs, gradient, kernel_shape, stride, paddings):
    """[kh, kw, C, K] from inputs [B, H, W, C] and gradient [B, H', W', K]."""
    margins = []
    for axis in (0, 1):
        # Rows behind the last one that the kernel reached take no part.
        reached = (gradient.shape.as_list()[1 + axis] - 1) * stride + kernel_shape[axis]
        before = paddings[axis][0]
        margins.append((before, reached - before - inputs.shape.as_list()[1 + axis]))
    channels_first = tf.transpose(_pad(inputs, margins), [3, 1, 2, 0])
    as_kernel = tf.transpose(gradient, [1, 2, 0, 3])
    result = tf.nn.conv2d(channels_first, as_kernel, strides=[1, 1, 1, 1], padding='VALID',
                          dilations=[1, stride, stride, 1])
    return tf.transpose(result, [1, 2, 0, 3])


def _reverse(kernel):
    return tf.reverse(kernel, [0, 1]) if kernel.shape.as_list()[:2] != [1, 1] else kernel


def _convolve(features, kernel, margins):
    """Convolution of stride 1 with these margins of zeros (before, after) along rows, columns."""
    sizes = kernel.shape.as_list()[:2]
    if all(margin == (size // 2, size // 2) and size % 2 for margin, size in zip(margins, sizes)):
        return tf.nn.conv2d(features, kernel, strides=[1, 1, 1, 1], padding='SAME')
    return tf.nn.conv2d(_pad(features, margins), kernel, strides=[1, 1, 1, 1], padding='VALID')


def _pad(features, margins):
    """Zeros, or where a margin is negative a cut, along rows and columns."""
    if any(after < 0 for _, after in margins):
        batch, height, width, depth = features.shape.as_list()
        features = tf.slice(features, [0, 0, 0, 0], [
            batch, height + min(margins[0][1], 0), width + min(margins[1][1], 0), depth])
        margins = [(before, max(after, 0)) for before, after in margins]
    if not any(map(any, margins)):
        return features
    return tf.pad(features, [[0, 0], list(margins[0]), list(margins[1]), [0, 0]])
