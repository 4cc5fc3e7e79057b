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

_NAME = 'FastConvolutionGradients'
_ONES = [1, 1, 1, 1]
_FEW_PIXELS = 64  # of an output image, at which matrix products are faster for any kernel


def convolutions_as_gradients(device):
    """Context in which convolutions get these gradients if the <Device> is a CPU."""
    if device.kind != 'cpu':
        return contextlib.nullcontext()
    return tf.get_default_graph().gradient_override_map({'Conv2D': _NAME})


@tf.RegisterGradient(_NAME)
def _gradients(op, gradient):
    """(gradient of the input, gradient of the kernel) of the convolution `op`."""
    of_input, of_kernel = _tensorflows_of_input, _tensorflows_of_kernel
    with_eigen = not host_kernels.uses_onednn()
    if _suits_products(op, gradient):
        of_kernel = _products_of_kernel
        if with_eigen:
            of_input = _products_of_input
    elif with_eigen and _is_plain(op, gradient) and _stride(op) == 1:
        of_input, of_kernel = _convolution_of_input, _convolution_of_kernel
    return of_input(op, gradient), of_kernel(op, gradient)


def _suits_products(op, gradient):
    """Whether matrix products are faster: for a 1x1 kernel and for few pixels."""
    if not _is_plain(op, gradient):
        return False
    _, height, width, _ = gradient.shape.as_list()
    return _is_1x1(op) or height * width <= _FEW_PIXELS


def _is_plain(op, gradient):
    _, rows_apart, columns_apart, _ = op.get_attr('strides')
    return (op.get_attr('data_format') == b'NHWC' and op.get_attr('dilations') == _ONES
            and rows_apart == columns_apart and op.get_attr('padding') in (b'SAME', b'VALID')
            and None not in op.inputs[0].shape.as_list() + gradient.shape.as_list())


def _is_1x1(op):
    return op.inputs[1].shape.as_list()[:2] == [1, 1] and _stride(op) == 1


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


def _products_of_input(op, gradient):
    """The gradient of the input: that of each patch that a kernel sees, added at its place."""
    inputs, kernel = op.inputs
    batch, _, _, depth = inputs.shape.as_list()
    filters = kernel.shape.as_list()[-1]
    products = tf.matmul(tf.reshape(gradient, [-1, filters]),
                         tf.reshape(kernel, [-1, filters]), transpose_b=True)
    if not _is_1x1(op):  # whose patches are the pixels
        places = np.tile(_places(op), (batch, 1, 1))
        products = tf.matmul(places, tf.reshape(products, [batch, -1, depth]))
    return tf.reshape(products, inputs.shape)


def _places(op):
    """<float32>[H W, H' W' kh kw]: 1 where an input pixel is that element of a patch, else 0."""
    hits = []
    for size, elements, outputs, (before, _) in _axes(op):
        positions = np.arange(outputs)[:, None] * _stride(op) + np.arange(elements) - before
        hits.append((np.arange(size)[:, None, None] == positions).astype(np.float32))
    together = np.einsum('hio,wjp->hwijop', *hits)
    return together.reshape(len(hits[0]) * len(hits[1]), -1)


def _products_of_kernel(op, gradient):
    """The gradient of the kernel: for each of its elements, the product of two matrices."""
    inputs, kernel = op.inputs
    rows, columns, depth, filters = kernel.shape.as_list()
    _, height, width, _ = gradient.shape.as_list()
    stride, inputs = _stride(op), _padded(inputs, _margins(op))
    pixels = tf.reshape(gradient, [-1, filters])
    products = []
    for row, column in np.ndindex(rows, columns):
        seen = inputs[:, row:row + (height - 1) * stride + 1:stride,
                      column:column + (width - 1) * stride + 1:stride]
        products.append(tf.matmul(tf.reshape(seen, [-1, depth]), pixels, transpose_a=True))
    return tf.reshape(tf.stack(products), kernel.shape)


def _axes(op):
    """(input, kernel and output size, (before, after) padding) along rows and along columns."""
    sizes = [tensor.shape.as_list() for tensor in (*op.inputs, *op.outputs)]
    axes = []
    for inputs, kernel, outputs in zip(sizes[0][1:3], sizes[1][:2], sizes[2][1:3]):
        total = max((outputs - 1) * _stride(op) + kernel - inputs, 0)
        if op.get_attr('padding') == b'VALID':
            total = 0
        axes.append((inputs, kernel, outputs, (total // 2, total - total // 2)))
    return axes


def _margins(op):
    return [margin for *_, margin in _axes(op)]


def _convolution_of_input(op, gradient):
    flipped = tf.transpose(tf.reverse(op.inputs[1], [0, 1]), [0, 1, 3, 2])
    return _convolve(gradient, flipped, [(size - 1 - before, size - 1 - after)
                                         for _, size, _, (before, after) in _axes(op)])


def _convolution_of_kernel(op, gradient):
    """[kh, kw, C, K] from inputs [B, H, W, C] and gradient [B, H', W', K]."""
    result = _convolve(tf.transpose(op.inputs[0], [3, 1, 2, 0]),
                       tf.transpose(gradient, [1, 2, 0, 3]), _margins(op))
    return tf.transpose(result, [1, 2, 0, 3])


def _convolve(features, kernel, margins):
    """Convolution of stride 1 with zero padding (before, after) along rows and columns."""
    sizes = kernel.shape.as_list()[:2]
    if all(size == 2 * before + 1 and before == after
           for size, (before, after) in zip(sizes, margins)):
        return tf.nn.conv2d(features, kernel, strides=_ONES, padding='SAME')
    return tf.nn.conv2d(_padded(features, margins), kernel, strides=_ONES, padding='VALID')


def _padded(features, margins):
    """Features with zeros (before, after) along rows and columns."""
    if not any(map(any, margins)):
        return features
    return tf.pad(features, [(0, 0), *margins, (0, 0)])
