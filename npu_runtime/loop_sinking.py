"""Several steps in one session call, on an NPU."""
import functools
import math

from common.console import log


def steps_per_call(device, runtime, options, validation, start_step):
    """How many global steps one session call makes.

    `runtime.iterations_per_loop` on an NPU, lowered to the next number that divides every
    interval and the steps that are left, so that each log line and checkpoint falls on its step.
    """
    wanted = runtime.iterations_per_loop
    if wanted == 1:
        return 1
    if device.kind != 'npu':
        log('iterations_per_loop has no effect on a %s' % device.kind)
        return 1
    intervals = [options.log_every, options.summary_every, options.checkpoint_every,
                 options.max_steps - start_step, start_step]
    if validation:
        intervals.append(validation.every)
    possible = functools.reduce(math.gcd, intervals, wanted)
    if possible != wanted:
        log('iterations_per_loop lowered from %d to %d, which divides the intervals of log, '
            'summary, checkpoint and validation and the steps to go' % (wanted, possible))
    return possible


def sink_loop(session, train_op, steps):
    """The operation that makes `steps` steps of `train_op` on the NPU; itself for one step.

    The graph of the session must not be finalized yet.
    """
    if steps == 1:
        return train_op
    from npu_bridge.estimator.npu import util
    return util.set_iteration_per_loop(session, train_op, steps)
