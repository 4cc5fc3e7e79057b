"""Steps that loss scaling skips: how many there were, and when nothing else is to be expected."""
import tensorflow.compat.v1 as tf

from common.errors import UserError

_PATIENCE = 10  # overflows with a scale of 1, which a few bad batches may cause
_MOST_WITH_A_FIXED_SCALE = 50


def progress_after(train_op, global_step, batches_seen):
    """<int64>[2] the global step and the number of batches read, both after `train_op`.

    A call of several steps tells of its last one, so that only counters can say what happened to
    the others: a skipped step reads its batch and leaves the global step as it is.
    """
    with tf.control_dependencies([train_op]):
        return tf.stack([tf.cast(global_step.read_value(), tf.int64),
                         tf.cast(batches_seen.read_value(), tf.int64)])


class SkippedSteps:
    """Counts skipped steps, and ends a run that does nothing but skip.

    Args:
      device: Device.
      kind: of the loss scaling, 'dynamic' or 'fixed'.
      step, batches_seen: int, before the first session call.

    Attributes:
      total: int, over the whole run, so that a resumed run goes on counting.
    """

    def __init__(self, device, kind, step, batches_seen):
        self._device = device
        self._kind = kind
        self._step, self._batches_seen = step, batches_seen
        self._in_a_row, self._scale = 0, 0.
        self.total = batches_seen - step

    def update(self, step, batches_seen, scale):
        """Takes note of a session call; returns whether the global step advanced in it.

        Args:
          step, batches_seen: int, of `progress_after`.
          scale: float, the loss scale.

        Raises:
          UserError: the gradients overflow whatever the scale.
        """
        advanced = step > self._step
        if advanced:
            self._in_a_row, self._scale = 0, scale
        else:
            self._in_a_row += batches_seen - self._batches_seen
            self._scale = max(self._scale, scale)
        self._step, self._batches_seen = step, batches_seen
        self.total = batches_seen - step
        if self._in_a_row > self._most_in_a_row():
            raise UserError('%d steps in a row overflowed after step %d, loss scale %g: the '
                            'gradients are not finite; lower --learning_rate, or compare with '
                            '--precision_mode=force_fp32' % (self._in_a_row, step, scale))
        return advanced

    def _most_in_a_row(self):
        if self._kind == 'fixed':
            return _MOST_WITH_A_FIXED_SCALE
        return self._device.own.overflows_to_one(self._scale) + _PATIENCE


def steps_in_next_call(step, max_steps, loop, intervals):
    """How many steps the next session call makes, so that nothing due is stepped over.

    Args:
      step: int, the global step.
      max_steps: int, where training ends.
      loop: of `Device.own.step_loop`.
      intervals: steps between two log lines, checkpoints, and so on; 0 is never.
    """
    due = [interval - step % interval for interval in intervals if interval > 0]
    return min([loop.most_steps, max_steps - step] + due)
