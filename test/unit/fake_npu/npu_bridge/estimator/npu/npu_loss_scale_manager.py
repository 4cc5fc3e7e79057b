"""Loss scale managers, with the variables and counting of the real ones."""
import tensorflow.compat.v1 as tf

from npu_bridge import record


class FixedLossScaleManager:
    """One scale for good."""

    def __init__(self, loss_scale, enable_overflow_check=True):
        record.add('FixedLossScaleManager', loss_scale=loss_scale)
        if loss_scale < 1:
            raise ValueError('loss scale must be at least 1.')
        self._loss_scale = tf.convert_to_tensor(loss_scale, tf.float32)

    def get_loss_scale(self):
        return self._loss_scale

    def update_loss_scale(self, finite_grads):
        del finite_grads
        return tf.no_op()


class ExponentialUpdateLossScaleManager:
    """Shrinks after overflows, grows after a number of good steps."""

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
        good = tf.where(finite_grads, self._good + 1, 0)
        bad = tf.where(finite_grads, self._bad, self._bad + 1)
        grow, shrink = good >= self._increase_every, bad >= self._decrease_every
        factor = tf.where(grow, float(self._increase), tf.where(shrink, self._decrease, 1.))
        changed = tf.logical_or(grow, shrink)
        return tf.group(tf.assign(self._scale, tf.maximum(self._scale * factor, 1.)),
                        tf.assign(self._good, tf.where(changed, 0, good)),
                        tf.assign(self._bad, tf.where(changed, 0, bad)))
