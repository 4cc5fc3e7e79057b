"""Loss scale managers, with the variables and nested conditionals of the plugin's."""
import tensorflow.compat.v1 as tf

from npu_bridge import record


class FixedLossScaleManager:
    """One scale for good."""

    def __init__(self, loss_scale, enable_overflow_check=True):
        del enable_overflow_check
        record.add('FixedLossScaleManager', loss_scale=loss_scale)
        self._loss_scale = tf.convert_to_tensor(loss_scale, tf.float32)

    def get_loss_scale(self):
        return self._loss_scale

    def update_loss_scale(self, finite_grads):
        del finite_grads
        return tf.no_op()


class ExponentialUpdateLossScaleManager:
    """Shrinks at every `decr_every_n_nan_or_inf`-th overflow, grows after a row of good steps."""

    def __init__(self, init_loss_scale, incr_every_n_steps, decr_every_n_nan_or_inf=2,
                 incr_ratio=2, decr_ratio=0.8):
        record.add('ExponentialUpdateLossScaleManager', init_loss_scale=init_loss_scale,
                   incr_every_n_steps=incr_every_n_steps)
        self._increase_every, self._decrease_every = incr_every_n_steps, decr_every_n_nan_or_inf
        self._increase, self._decrease = incr_ratio, decr_ratio
        self._scale = self._variable('loss_scale', float(init_loss_scale))
        self._good = self._variable('good_steps', 0)
        self._bad = self._variable('bad_steps', 0)

    @staticmethod
    def _variable(name, value):
        return tf.Variable(value, name=name, trainable=False,
                           dtype=tf.float32 if isinstance(value, float) else tf.int32)

    def get_loss_scale(self):
        return self._scale.value()

    def update_loss_scale(self, finite_grads):
        return tf.cond(finite_grads, self._after_good, self._after_bad).op

    def _after_good(self):
        return tf.cond(
            self._good + 1 >= self._increase_every,
            lambda: self._set_scale(tf.cond(
                self._scale < 3.4e38 / self._increase, lambda: self._scale * self._increase,
                lambda: self._scale + 0.)),
            lambda: self._run(tf.assign_add(self._good, 1)))

    def _after_bad(self):
        return tf.cond(
            self._bad + 1 >= self._decrease_every,
            lambda: self._set_scale(tf.maximum(1., self._scale * self._decrease)),
            lambda: self._run(tf.assign_add(self._bad, 1), tf.assign(self._good, 0)))

    def _set_scale(self, value):
        return self._run(tf.assign(self._scale, value), tf.assign(self._good, 0),
                         tf.assign(self._bad, 0))

    @staticmethod
    def _run(*operations):
        with tf.control_dependencies(list(operations)):
            return tf.constant(0)
