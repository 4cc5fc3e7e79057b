"""Counts the floating point operations in convolutions and matrix products of a graph."""
import numpy as np


def flops(targets):
    """Multiplications and additions in the convolutions and products that `targets` depend on.

    All sizes must be static.

    Args:
      targets: list of tf.Operation.

    Returns:
      int.
    """
    seen, waiting, count = set(), list(targets), 0
    while waiting:
        operation = waiting.pop()
        if operation in seen:
            continue
        seen.add(operation)
        if operation.type in _COUNTS:
            count += 2 * int(_COUNTS[operation.type](operation))
        waiting += [tensor.op for tensor in operation.inputs] + list(operation.control_inputs)
    return count


def _convolution(kernel, output):
    """Multiplications of a convolution: one per output value and kernel element."""
    return np.prod(_shape(output), dtype=np.int64) * np.prod(_shape(kernel)[:3], dtype=np.int64)


def _product(operation, transpose):
    """Multiplications of a matrix product: the inner size for each value of the result."""
    inner = _shape(operation.inputs[0])[-2 if operation.get_attr(transpose) else -1]
    return np.prod(_shape(operation.outputs[0]), dtype=np.int64) * inner


def _shape(tensor):
    return tensor.shape.as_list()


_COUNTS = {
    'Conv2D': lambda op: _convolution(op.inputs[1], op.outputs[0]),
    'Conv2DBackpropInput': lambda op: _convolution(op.inputs[1], op.inputs[2]),
    'Conv2DBackpropFilter': lambda op: _convolution(op.outputs[0], op.inputs[2]),
    'MatMul': lambda op: _product(op, 'transpose_a'),
    'BatchMatMul': lambda op: _product(op, 'adj_x'),
    'BatchMatMulV2': lambda op: _product(op, 'adj_x')}
