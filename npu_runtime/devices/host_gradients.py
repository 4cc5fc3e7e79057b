"""Faster gradients of convolutions on a CPU, equal up to rounding.

Eigen's kernels for the gradients of a convolution with stride 1 take up to three times as long as
the convolution, and use one core. Both gradients are convolutions themselves: the gradient of the
input convolves the gradient of the output with the flipped and transposed kernel; that of the
kernel convolves the input with the gradient of the output, with the batch as channels. For 1x1
kernels and for few pixels, both are matrix products.

oneDNN's gradient of the input is fast. Its gradient of the kernel is slow for 1x1 kernels and for
few pixels, and the same matrix products replace it. In bfloat16, TensorFlow 2.21 leaves part of it
uninitialised for features of one column and a stride of 2; such features always have few pixels.

`host_kernels` has the measurements. In all other cases TensorFlow's kernels are used.
"""
import contextlib

import numpy as np
import tensorflow.compat.v1 as tf

from npu_runtime.devices import host_kernels

_WITH_EIGEN, _WITH_ONEDNN = 'ConvolutionsAsGradients', 'ProductsAsKernelGradient'
_ONES = [1, 1, 1, 1]
_FEW_PIXELS = 64  # of an output image, at which matrix products are faster for any kernel


@contextlib.contextmanager
def convolutions_as_gradients(device):
    """Context in which convolutions get these gradients.

    Args:
      device: Device; has an effect only for a CPU.
    """
    if device.kind != 'cpu':
        yield
        return
    name = _WITH_ONEDNN if host_kernels.uses_onednn() else _WITH_EIGEN
    with tf.get_default_graph().gradient_override_map({'Conv2D': name}):
        yield


@tf.RegisterGradient(_WITH_EIGEN)
def _gradients_with_eigen(op, gradient):
    """(gradient of the input, gradient of the kernel) of the convolution `op`."""
    is_plain = _is_plain(op, gradient)
    if is_plain and _is_1x1(op):
        return _product_of_input(op, gradient), _products_of_kernel(op, gradient)
    if is_plain and _has_few_pixels(gradient):
        return _products_of_input(op, gradient), _products_of_kernel(op, gradient)
    if not is_plain or _stride(op) != 1:
        return _tensorflows_of_input(op, gradient), _tensorflows_of_kernel(op, gradient)
    inputs, kernel = op.inputs
    margins = [_margin(op, axis) for axis in (0, 1)]
    return _of_input(gradient, kernel, margins), _of_kernel(inputs, gradient, margins)


@tf.RegisterGradient(_WITH_ONEDNN)
def _gradients_with_onednn(op, gradient):
    """As `_gradients_with_eigen`."""
    products = _is_plain(op, gradient) and (_is_1x1(op) or _has_few_pixels(gradient))
    of_kernel = _products_of_kernel if products else _tensorflows_of_kernel
    return _tensorflows_of_input(op, gradient), of_kernel(op, gradient)


def _is_plain(op, gradient):
    _, rows_apart, columns_apart, _ = op.get_attr('strides')
    return (op.get_attr('data_format') == b'NHWC' and op.get_attr('dilations') == _ONES
            and rows_apart == columns_apart and op.get_attr('padding') in (b'SAME', b'VALID')
            and None not in op.inputs[0].shape.as_list() + gradient.shape.as_list())


def _is_1x1(op):
    return op.inputs[1].shape.as_list()[:2] == [1, 1] and _stride(op) == 1


def _has_few_pixels(gradient):
    _, height, width, _ = gradient.shape.as_list()
    return height * width <= _FEW_PIXELS


def _stride(op):
    return op.get_attr('strides')[1]


def _tensorflows_of_input(op, gradient):
    inputs, kernel = op.inputs
    return tf.nn.conv2d_backprop_input(tf.shape(inputs), kernel, gradient, **_arguments(op))


def _tensorflows_of_kernel(op, gradient):
    inputs, kernel = op.inputs
    return tf.nn.conv2d_backprop_filter(inputs, tf.shape(kernel), gradient, **_arguments(op))


def _arguments(op):
    return dict(strides=op.get_attr('strides'), padding=op.get_attr('padding').decode(),
                data_format=op.get_attr('data_format').decode(),
                dilations=op.get_attr('dilations'))


def _product_of_input(op, gradient):
    """The gradient of the input for a 1x1 kernel, a matrix product at every pixel."""
    inputs, kernel = op.inputs
    depth, filters = kernel.shape.as_list()[2:]
    of_input = tf.matmul(tf.reshape(gradient, [-1, filters]),
                         tf.reshape(kernel, [depth, filters]), transpose_b=True)
    return tf.reshape(of_input, inputs.shape)


def _products_of_input(op, gradient):
    """The gradient of the input: that of each patch that a kernel sees, added at its place."""
    inputs, kernel = op.inputs
    batch, _, _, depth = inputs.shape.as_list()
    filters = kernel.shape.as_list()[-1]
    of_patches = tf.matmul(tf.reshape(gradient, [-1, filters]),
                           tf.reshape(kernel, [-1, filters]), transpose_b=True)
    places = np.tile(_places(op), (batch, 1, 1))
    return tf.reshape(tf.matmul(places, tf.reshape(of_patches, [batch, -1, depth])), inputs.shape)


def _places(op):
    """<float32>[H W, H' W' kh kw]: 1 where an input pixel is that element of a patch, else 0."""
    hits = []
    for axis in (0, 1):
        size, elements, outputs = _sizes(op, axis)
        positions = (np.arange(outputs)[:, None] * _stride(op) + np.arange(elements)
                     - _margin(op, axis)[0])
        hits.append((np.arange(size)[:, None, None] == positions).astype(np.float32))
    together = np.einsum('hio,wjp->hwijop', *hits)
    return together.reshape(len(hits[0]) * len(hits[1]), -1)


def _products_of_kernel(op, gradient):
    """The gradient of the kernel: for each of its elements, the product of two matrices."""
    inputs, kernel = op.inputs
    rows, columns, depth, filters = kernel.shape.as_list()
    _, height, width, _ = gradient.shape.as_list()
    stride, margins = _stride(op), [_margin(op, axis) for axis in (0, 1)]
    if any(map(any, margins)):
        inputs = tf.pad(inputs, [[0, 0], list(margins[0]), list(margins[1]), [0, 0]])
    pixels = tf.reshape(gradient, [-1, filters])
    products = []
    for row in range(rows):
        for column in range(columns):
            seen = inputs[:, row:row + (height - 1) * stride + 1:stride,
                          column:column + (width - 1) * stride + 1:stride]
            products.append(tf.matmul(tf.reshape(seen, [-1, depth]), pixels, transpose_a=True))
    return tf.reshape(tf.stack(products), kernel.shape)


def _sizes(op, axis):
    """(input, kernel, output) size along rows or columns."""
    return (op.inputs[0].shape.as_list()[1 + axis], op.inputs[1].shape.as_list()[axis],
            op.outputs[0].shape.as_list()[1 + axis])


def _margin(op, axis):
    """(before, after): padding of the convolution's input along rows or columns."""
    inputs, kernel, outputs = _sizes(op, axis)
    total = max((outputs - 1) * _stride(op) + kernel - inputs, 0)
    return (total // 2, total - total // 2) if op.get_attr('padding') == b'SAME' else (0, 0)


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
