"""Counts the floating point operations in convolutions and matrix products of a graph."""
import numpy as np
import tensorflow.compat.v1 as tf


def flops(targets):
    """Multiplications and additions in the convolutions and products that `targets` depend on.

    All sizes must be static.

    Args:
      targets: list of tf.Operation.

    Returns:
      int.
    """
    graph = targets[0].graph
    needed = tf.graph_util.extract_sub_graph(
        graph.as_graph_def(), [operation.name for operation in targets])
    operations = [graph.get_operation_by_name(node.name) for node in needed.node]
    return sum(2 * int(_COUNTS[operation.type](operation)) for operation in operations
               if operation.type in _COUNTS)


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
