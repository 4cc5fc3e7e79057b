"""Several steps in one session call, on an NPU."""
import functools
import math

from common.console import log

# Where the plugin keeps how many iterations a call makes, the first one not counted.
_ITERATIONS = 'npu_runconfig/iterations_per_loop'


def steps_per_call(device, runtime, intervals):
    """How many global steps one session call makes.

    `runtime.iterations_per_loop` on an NPU, lowered to the next number that divides every one of
    `intervals`, so that each log line and checkpoint falls on its step.

    Args:
      device: Device.
      runtime: RuntimeConfig.
      intervals: list of int, steps; 0 is never.
    """
    asked = runtime.iterations_per_loop
    if asked == 1:
        return 1
    if device.kind != 'npu':
        log('iterations_per_loop has no effect on a %s' % device.kind)
        return 1
    possible = functools.reduce(math.gcd, intervals, asked)
    if possible != asked:
        log('iterations_per_loop lowered from %d to %d, which divides the intervals of log, '
            'summary, checkpoint and validation' % (asked, possible))
    return possible


class SunkLoop:
    """The operation that makes several steps of `train_op` in one call; itself for one step.

    Args:
      session: tf.Session, its graph not finalized yet.
      train_op: tf.Operation.
      steps: of a call.

    Attributes:
      operation: to be run.
    """

    def __init__(self, session, train_op, steps):
        self._steps = self._set = steps
        self.operation = train_op
        if steps > 1:
            from npu_bridge.estimator.npu import util
            self.operation = util.set_iteration_per_loop(session, train_op, steps)

    def until(self, step, last_step):
        """How many steps the next call makes after `step`: to the next multiple, or `last_step`.

        Overflows are skipped and not counted as steps, so that a call may end between multiples.
        """
        return min(self._steps - step % self._steps, last_step - step)

    def set_steps(self, session, steps):
        """Has the next calls make so many steps."""
        if steps == self._set:
            return
        for variable in session.graph.get_collection('local_variables'):
            if variable.op.name == _ITERATIONS:
                variable.load(steps - 1, session)
        self._set = steps
