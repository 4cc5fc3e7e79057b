"""Checks that a whole graph can run on an NPU: shapes, dtypes and types of its operations."""
import os

import tensorflow.compat.v1 as tf

from vo_common.files import read_lines

ALLOWED_OPS_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'device_ops.txt')

_SHAPE_OPS = ('Shape', 'ShapeN', 'Size', 'Rank')
_WIDE_TYPES = ('float64', 'int64', 'complex64', 'complex128')
# Outputs from this index on are read only by the backward operation of the same kernel.
_KERNEL_PRIVATE = {'FusedBatchNormV3': 5}


def device_ops(targets):
    """The operations that the device runs for tensors and operations: list of tf.Operation.

    Excludes the input pipeline and the operations that constant folding removes.
    """
    found, waiting = set(), [getattr(target, 'op', target) for target in targets]
    while waiting:
        op = waiting.pop()
        if op in found:
            continue
        found.add(op)
        if op.type != 'IteratorGetNext':
            waiting.extend(tensor.op for tensor in op.inputs)
            waiting.extend(op.control_inputs)
    return sorted(found - _folded(found), key=lambda op: op.name)


def _folded(ops):
    """The operations among `ops` that depend only on constants and static shapes: set."""
    folded = set()
    for op in next(iter(ops)).graph.get_operations():  # inputs come first, except in loops
        if op.type in _SHAPE_OPS:
            is_folded = all(tensor.shape.is_fully_defined() for tensor in op.inputs)
        elif op.inputs:
            keeps_state = op.op_def is not None and op.op_def.is_stateful
            is_folded = not keeps_state and all(tensor.op in folded for tensor in op.inputs)
        else:
            is_folded = op.type == 'Const'
        if is_folded:
            folded.add(op)
    return folded


def problems(targets):
    """The obstacles to running these tensors and operations on an NPU: list of sentences."""
    allowed = {line.split()[0] for line in read_lines(ALLOWED_OPS_FILE) if not line.startswith('#')}
    ops = device_ops(targets)
    graph = ops[0].graph
    found = ['%s is a one-shot iterator, which never moves to the device' % op.name
             for op in graph.get_operations() if op.type == 'OneShotIterator']
    for op in ops:
        if op.type.startswith('TensorArray'):
            found.append('%s is a %s: unroll the loop' % (op.name, op.type))
        elif op.type not in allowed:
            found.append('%s is a %s, which is not in %s'
                         % (op.name, op.type, os.path.basename(ALLOWED_OPS_FILE)))
        found += ['%s has the dynamic shape %s' % (tensor.name, tensor.shape)
                  for tensor in op.outputs[:_KERNEL_PRIVATE.get(op.type)]
                  if not tensor.shape.is_fully_defined()]
    return found + _wide_gradients(ops)


def _wide_gradients(ops):
    """Sentences about 64-bit tensors that depend on the weights."""
    inside, reached = set(ops), set()
    waiting = [variable.op for variable in
               ops[0].graph.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)]
    while waiting:
        op = waiting.pop()
        if op in reached or op not in inside:
            continue
        reached.add(op)
        waiting.extend(reader for tensor in op.outputs for reader in tensor.consumers()
                       if not _only_steers(tensor, reader))
    return ['%s is %s, in the path of the gradients' % (tensor.name, tensor.dtype.base_dtype.name)
            for op in ops if op in reached for tensor in op.outputs
            if tensor.dtype.base_dtype.name in _WIDE_TYPES]


def _only_steers(tensor, reader):
    """Whether `reader` uses `tensor` only to choose a branch."""
    return reader.type in ('Switch', 'RefSwitch') and reader.inputs[0] is not tensor
