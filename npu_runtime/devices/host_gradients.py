"""Faster gradients of convolutions on a CPU with Eigen's kernels, equal up to rounding.

Eigen's kernels for the gradients of a convolution with stride 1 take up to three times as long as
the convolution, and use one core. Both gradients are convolutions themselves: the gradient of the
input convolves the gradient of the output with the flipped and transposed kernel; that of the
kernel convolves the input with the gradient of the output, with the batch as channels. For 1x1
kernels both are matrix products. For a stride of 2 TensorFlow's kernels are used, and oneDNN's are
always faster. `host_kernels` has the measurements.
"""
import contextlib

import tensorflow.compat.v1 as tf

from npu_runtime.devices import host_kernels

_NAME = 'ConvolutionsAsGradients'
_ONES = [1, 1, 1, 1]


@contextlib.contextmanager
def convolutions_as_gradients(device):
    """Context in which convolutions get these gradients, on a CPU without oneDNN.

    Args:
      device: Device; has an effect only for a CPU.
    """
    if device.kind != 'cpu' or host_kernels.uses_onednn():
        yield
        return
    with tf.get_default_graph().gradient_override_map({'Conv2D': _NAME}):
        yield


@tf.RegisterGradient(_NAME)
def _gradients(op, gradient):
    """(gradient of the input, gradient of the kernel) of the convolution `op`."""
    inputs, kernel = op.inputs
    is_plain = (op.get_attr('data_format') == b'NHWC' and op.get_attr('dilations') == _ONES
                and op.get_attr('strides') == _ONES
                and op.get_attr('padding') in (b'SAME', b'VALID')
                and None not in inputs.shape.as_list() + gradient.shape.as_list())
    if not is_plain:
        return _tensorflows_own(op, inputs, kernel, gradient)
    if kernel.shape.as_list()[:2] == [1, 1]:
        return _of_products(inputs, kernel, gradient)
    margins = [_margin(op, axis) for axis in (0, 1)]
    return _of_input(gradient, kernel, margins), _of_kernel(inputs, gradient, margins)


def _tensorflows_own(op, inputs, kernel, gradient):
    arguments = dict(strides=op.get_attr('strides'), padding=op.get_attr('padding').decode(),
                     data_format=op.get_attr('data_format').decode(),
                     dilations=op.get_attr('dilations'))
    return (tf.nn.conv2d_backprop_input(tf.shape(inputs), kernel, gradient, **arguments),
            tf.nn.conv2d_backprop_filter(inputs, tf.shape(kernel), gradient, **arguments))


def _of_products(inputs, kernel, gradient):
    """The gradients for a 1x1 kernel, a matrix product at every pixel."""
    depth, filters = kernel.shape.as_list()[2:]
    pixels = tf.reshape(gradient, [-1, filters])
    of_input = tf.matmul(pixels, tf.reshape(kernel, [depth, filters]), transpose_b=True)
    of_kernel = tf.matmul(tf.reshape(inputs, [-1, depth]), pixels, transpose_a=True)
    return tf.reshape(of_input, inputs.shape), tf.reshape(of_kernel, kernel.shape)


def _margin(op, axis):
    """(before, after): padding of the convolution's input along rows or columns."""
    total = op.inputs[1].shape.as_list()[axis] - 1 if op.get_attr('padding') == b'SAME' else 0
    return total // 2, total - total // 2


def _of_input(gradient, kernel, margins):
    flipped = tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2])
    sizes = kernel.shape.as_list()[:2]
    return _convolve(gradient, flipped, [(size - 1 - before, size - 1 - after)
                                         for size, (before, after) in zip(sizes, margins)])


def _of_kernel(inputs, gradient, margins):
    """[kh, kw, C, K] from inputs [B, H, W, C] and gradient [B, H', W', K]."""
    result = _convolve(tf.transpose(inputs, [3, 1, 2, 0]), tf.transpose(gradient, [1, 2, 0, 3]),
                       margins)
    return tf.transpose(result, [1, 2, 0, 3])


def _convolve(features, kernel, margins):
    """Convolution of stride 1 with zero padding (before, after) along rows and columns."""
    sizes = kernel.shape.as_list()[:2]
    padding = 'VALID'
    if all(size == 2 * before + 1 and before == after
           for size, (before, after) in zip(sizes, margins)):
        padding = 'SAME'
    elif any(map(any, margins)):
        features = tf.pad(features, [[0, 0], list(margins[0]), list(margins[1]), [0, 0]])
    return tf.nn.conv2d(features, kernel, strides=_ONES, padding=padding)
