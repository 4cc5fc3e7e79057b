"""The plugin's own operations, under their names, computed by TensorFlow's."""
import tensorflow.compat.v1 as tf
from tensorflow.python.framework import function

from npu_bridge.record import is_before


@function.Defun(tf.float32, tf.float32, func_name='HcomAllReduce')
def _all_reduce(tensor, ranks):
    return tensor * ranks


@function.Defun(tf.float32, func_name='HcomBroadcast')
def _broadcast(tensor):
    return tf.identity(tensor)


@function.Defun(tf.float32, func_name='NpuGetFloatStatusV2')
def _get_float_status(overflows):
    return tf.fill([8], tf.cast(overflows > 0., tf.int32))


@function.Defun(func_name='NpuClearFloatStatusV2')
def _clear_float_status():
    return tf.zeros([8], tf.int32)


@function.Defun(func_name='NpuAllocFloatStatus')
def _alloc_float_status_before_10():
    return tf.zeros([1])


@function.Defun(tf.float32, tf.float32, func_name='NpuGetFloatStatus')
def _get_float_status_before_10(status, overflows):
    return status + tf.cast(overflows > 0., tf.float32)


@function.Defun(tf.float32, func_name='NpuClearFloatStatus')
def _clear_float_status_before_10(status):
    return tf.zeros_like(status)


def all_reduce(tensor, ranks):
    """The sum over `ranks` ranks that all hold `tensor`."""
    total = _shaped(_all_reduce(tf.cast(tensor, tf.float32), float(ranks)), tensor.shape)
    return tf.cast(total, tensor.dtype)


def broadcast(tensor):
    """<float32> what rank 0 holds."""
    return _shaped(_broadcast(tensor), tensor.shape)


def alloc_float_status():
    """<float32>[1] the place of the float status before r1.10; None since."""
    return _shaped(_alloc_float_status_before_10(), [1]) if is_before('r1.10') else None


def get_float_status(place, overflows):
    """<int32>[8], before r1.10 <float32>[1]: the float status, not zero after `overflows`."""
    if place is None:
        return _shaped(_get_float_status(overflows), [8])
    return _shaped(_get_float_status_before_10(place, overflows), [1])


def clear_float_status(status):
    """Zeros of the shape of `status`."""
    cleared = (_clear_float_status() if status.dtype == tf.int32 else
               _clear_float_status_before_10(status))
    return _shaped(cleared, status.shape)


def _shaped(tensor, shape):
    tensor.set_shape(shape)
    return tensor
