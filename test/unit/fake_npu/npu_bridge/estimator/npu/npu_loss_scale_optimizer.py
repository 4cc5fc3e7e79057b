"""The loss scaling optimizer; overflow is a gradient that is not finite here."""
import tensorflow.compat.v1 as tf

from npu_bridge import record
from npu_bridge.hccl import hccl_ops


class NPULossScaleOptimizer(tf.train.Optimizer):
    """Skips the update and the global step on overflow; gives an Operation."""

    def __init__(self, opt, loss_scale_manager, is_distributed=False):
        record.add('NPULossScaleOptimizer', opt=opt, is_distributed=is_distributed)
        self._opt = opt
        self._manager = loss_scale_manager
        self._is_distributed = is_distributed
        super().__init__(use_locking=False, name='NPULossScaleOptimizer')

    def compute_gradients(self, loss, var_list=None, **kwargs):
        scale = self._manager.get_loss_scale()
        pairs = self._opt.compute_gradients(loss * scale, var_list, **kwargs)
        return [(None if gradient is None else gradient / scale, variable)
                for gradient, variable in pairs]

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        grads_and_vars = list(grads_and_vars)
        bad = tf.add_n([tf.reduce_sum(tf.cast(tf.logical_not(tf.is_finite(gradient)), tf.float32))
                        for gradient, _ in grads_and_vars])
        if self._is_distributed:
            bad = hccl_ops.allreduce(bad, 'sum', fusion=0)
        finite = tf.equal(bad, 0.)
        update = tf.cond(
            finite, lambda: self._opt.apply_gradients(grads_and_vars, global_step, name), tf.no_op)
        return tf.group(update, self._manager.update_loss_scale(finite))
