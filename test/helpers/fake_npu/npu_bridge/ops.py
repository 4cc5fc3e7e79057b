"""The plugin's own operations, under their names, computed by TensorFlow's."""
import tensorflow.compat.v1 as tf
from tensorflow.python.framework import function


@function.Defun(tf.float32, tf.float32, func_name='HcomAllReduce')
def _all_reduce(tensor, ranks):
    return tensor * ranks


@function.Defun(tf.float32, func_name='HcomBroadcast')
def _broadcast(tensor):
    return tf.identity(tensor)


@function.Defun(tf.float32, func_name='NPUGetFloatStatusV2')
def _get_float_status(overflows):
    return tf.fill([8], tf.cast(overflows > 0., tf.int32))


@function.Defun(func_name='NPUClearFloatStatusV2')
def _clear_float_status():
    return tf.zeros([8], tf.int32)


def all_reduce(tensor, ranks):
    """The sum over `ranks` ranks that all hold `tensor`."""
    total = _all_reduce(tf.cast(tensor, tf.float32), float(ranks))
    total.set_shape(tensor.shape)
    return tf.cast(total, tensor.dtype)


def broadcast(tensor):
    """<float32> what rank 0 holds."""
    result = _broadcast(tensor)
    result.set_shape(tensor.shape)
    return result


def get_float_status(overflows):
    """<int32>[8] the float status, not zero where there were overflows."""
    status = _get_float_status(overflows)
    status.set_shape([8])
    return status


def clear_float_status():
    """<int32>[8] zeros."""
    status = _clear_float_status()
    status.set_shape([8])
    return status
