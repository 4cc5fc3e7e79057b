"""The plugin's own operations, under their names, computed by TensorFlow's."""
import tensorflow.compat.v1 as tf
from tensorflow.python.framework import function

from npu_bridge.record import is_before

_HAS_PLACE = is_before('r1.10')  # of the float status, as an operation of its own
_VERSION = '' if _HAS_PLACE else 'V2'


@function.Defun(tf.float32, tf.float32, func_name='HcomAllReduce')
def _all_reduce(tensor, ranks):
    return tensor * ranks


@function.Defun(tf.float32, func_name='HcomBroadcast')
def _broadcast(tensor):
    return tf.identity(tensor)


@function.Defun(func_name='NpuAllocFloatStatus')
def _alloc_float_status():
    return tf.zeros([8], tf.int32)


@function.Defun(tf.int32, tf.float32, func_name='NpuGetFloatStatus' + _VERSION)
def _get_float_status(place, overflows):
    return place + tf.cast(overflows > 0., tf.int32)


@function.Defun(tf.int32, func_name='NpuClearFloatStatus' + _VERSION)
def _clear_float_status(status):
    return tf.zeros_like(status)


def all_reduce(tensor, ranks):
    """The sum over `ranks` ranks that all hold `tensor`."""
    total = _shaped(_all_reduce(tf.cast(tensor, tf.float32), float(ranks)), tensor.shape)
    return tf.cast(total, tensor.dtype)


def broadcast(tensor):
    """<float32> what rank 0 holds."""
    return _shaped(_broadcast(tensor), tensor.shape)


def alloc_float_status():
    """<int32>[8] the place of the float status."""
    return _shaped(_alloc_float_status(), [8]) if _HAS_PLACE else tf.zeros([8], tf.int32)


def get_float_status(place, overflows):
    """<int32>[8] the float status, not zero after `overflows`."""
    return _shaped(_get_float_status(place, overflows), [8])


def clear_float_status(status):
    """<int32>[8] zeros."""
    return _shaped(_clear_float_status(status), [8])


def _shaped(tensor, shape):
    tensor.set_shape(shape)
    return tensor
