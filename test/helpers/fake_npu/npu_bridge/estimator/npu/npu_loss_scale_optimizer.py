"""The loss scaling optimizer, which asks the float status, or in inf/nan mode the gradients."""
import tensorflow.compat.v1 as tf

from npu_bridge import ops, record
from npu_bridge.hccl import hccl_ops

_LARGEST = 3.4e38


class NPULossScaleOptimizer(tf.train.Optimizer):
    """Skips the update and the global step on overflow; gives an Operation."""

    def __init__(self, opt, loss_scale_manager, is_distributed=False):
        record.add('NPULossScaleOptimizer', opt=opt, is_distributed=is_distributed)
        self._opt = opt
        self._manager = loss_scale_manager
        self._is_distributed = is_distributed
        self._overflows = self._place = None
        super().__init__(use_locking=False, name='NPULossScaleOptimizer')

    def compute_gradients(self, loss, var_list=None, **kwargs):
        scale = self._manager.get_loss_scale()
        self._place = ops.alloc_float_status()
        pairs = self._opt.compute_gradients(loss * scale, var_list, **kwargs)
        # Without the emulation any number will do that is not known before the graph runs.
        self._overflows = _overflows(pairs) if record.overflows else loss
        inverse = tf.reciprocal(scale)
        return [(None if gradient is None else _saturated(gradient) * inverse, variable)
                for gradient, variable in pairs]

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        grads_and_vars = list(grads_and_vars)
        gradients = [gradient for gradient, _ in grads_and_vars if gradient is not None]
        finite = (tf.reduce_all([tf.reduce_all(tf.is_finite(gradient)) for gradient in gradients])
                  if _asks_gradients() else self._has_clear_status(gradients))
        update = tf.cond(
            finite, lambda: self._opt.apply_gradients(grads_and_vars, global_step, name), tf.no_op)
        return tf.group(update, self._manager.update_loss_scale(finite))

    def _has_clear_status(self, gradients):
        with tf.control_dependencies(gradients):
            status = ops.get_float_status(self._place, self._overflows)
        with tf.control_dependencies([status]):
            cleared = ops.clear_float_status(status)
        if self._is_distributed:
            status = hccl_ops.allreduce([status], 'sum', fusion=0)
        with tf.control_dependencies([cleared]):
            return tf.reduce_all(tf.equal(status, 0))


def _asks_gradients():
    """Whether the saturation mode of the device is the one with infinities, known since r1.13."""
    return record.inf_nan and not record.is_before('r1.13')


def _overflows(pairs):
    """<float32>[] how many numbers of the gradients overflow."""
    return tf.add_n([tf.reduce_sum(tf.cast(tf.logical_not(tf.is_finite(gradient)), tf.float32))
                     for gradient, _ in pairs if gradient is not None])


def _saturated(gradient):
    """The device that saturates has no infinity: a number too large becomes the largest."""
    if record.inf_nan or not record.overflows:
        return gradient
    return tf.where(tf.is_finite(gradient), gradient, tf.fill(gradient.shape, _LARGEST))
