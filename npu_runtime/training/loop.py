"""The one training loop, for every model and device."""
import contextlib
import signal
import sys

import tensorflow.compat.v1 as tf

from npu_runtime import checkpoints
from npu_runtime.devices import compilation, precision
from npu_runtime.devices import ranks as distribution
from npu_runtime.devices.choose import choose_device
from npu_runtime.failures import explained
from npu_runtime.run_folder import RunFolder
from npu_runtime.session import session_config
from npu_runtime.training.chief import Chief
from npu_runtime.training.guard import FiniteGuard
from npu_runtime.training.report import due
from npu_runtime.training.signals import StopSignals
from npu_runtime.training.start import find_start, restore_or_initialise
from npu_runtime.training.step import TrainingStep
from vo_common.console import log


def train(task, runtime):
    """Trains a model, or goes on training it from the newest checkpoint in the task's folder.

    A resumed run has the weights, optimizer slots, step, loss scale and data order of one that
    was never interrupted. On SIGTERM, SIGINT or SIGHUP it stops after the current step with a
    checkpoint; a second signal ends it at once.

    Args:
      task: <TrainingTask>.
      runtime: RuntimeConfig.

    Returns:
      dict: 'step', 'device'; of rank 0 also 'checkpoint' (prefix), and of a run that had something
      left to do 'losses', 'total', 'best' (the best validation metric or None),
      'seconds_per_step' (median), 'examples_per_second' (over all ranks).

    Raises:
      UserError: bad input, a loss that is not finite, no space on the disk.
      DeviceError: the device has no room, refuses or is lost.
      KeyboardInterrupt: stopped by SIGINT (status 130 by `run_main`).
      SystemExit: stopped by SIGTERM or SIGHUP, status 143 or 129.
    """
    device = choose_device(runtime)
    device.own.prepare_process()
    ranks = distribution.connect(device)
    is_chief = ranks.rank == 0
    if is_chief:
        _introduce(device, runtime, ranks, task)
    proto = session_config(device, runtime, ranks)
    with explained(device, _batch(task), task.explain_input_error), \
            RunFolder(task.folder) if is_chief else contextlib.nullcontext() as folder:
        if is_chief:
            checkpoints.settle(folder.path)
        start = find_start(task, ranks, proto)
        if start.step >= task.max_steps and ranks.broadcasts_everything:
            return _nothing_to_do(task, device, start, is_chief)
        if is_chief:
            folder.write_config(task.configs)
        with tf.Graph().as_default():
            tf.set_random_seed(task.flags.seed)
            dataset = task.make_dataset(start.batches_seen, ranks.rank, ranks.size)
            training_step = TrainingStep(task, dataset, device, runtime, ranks)
            chief = Chief(folder, task, start, training_step, ranks.size) if is_chief else None
            try:
                results = _loop(task, device, ranks, start, training_step, proto, chief)
            finally:
                if chief:
                    chief.close()
            return dict(results, device=device.kind)


def _nothing_to_do(task, device, start, is_chief):
    if is_chief:
        log('nothing to do: %s is at step %d of %d' % (start.prefix, start.step, task.max_steps))
    return {'step': start.step, 'checkpoint': start.prefix, 'device': device.kind}


def _loop(task, device, ranks, start, training_step, proto, chief):
    """Trains until it is done or told to stop; what `train` returns, without the device."""
    remains = chief.remains if chief else _remains_elsewhere
    guard = FiniteGuard(ranks, remains)
    with explained(device, _batch(task), task.explain_input_error, remains), \
            tf.Session(config=proto) as session, StopSignals() as signals:
        step = restore_or_initialise(session, start, task, training_step, ranks)
        session.graph.finalize()
        if step >= task.max_steps:
            # Where ranks compare their steps first: one that has more to do must not wait for this.
            return _nothing_to_do(task, device, start, chief)
        if chief:
            chief.begin()
        stopped = False
        while step < task.max_steps and not stopped:
            before = step
            images_due = chief and due(task.flags.summary_freq, before,
                                       before + training_step.steps_after(before))
            result = training_step.run(session, before, images_due, bool(signals.received))
            step = result.step
            guard.require_finite(result)
            if chief:
                chief.report(before, result)
                chief.validate_if_due(session, before, step)
                chief.save_if_due(session, before, step)
            # Several ranks stop at the same step: the request travels with the averaged losses.
            stopped = result.values['stop'] > 0 if ranks.size > 1 else bool(signals.received)
        if chief:
            chief.save_end(session, step)
    return _conclude(step, (signals.received or signal.SIGTERM) if stopped else None, chief)


def _conclude(step, received, chief):
    """Logs the end; raises what a stop by a signal is to the caller."""
    results = chief.results() if chief else {'step': step, 'checkpoint': None}
    if chief:
        chief.end(signal.Signals(received).name if received else 'done')
    if received is None:
        return results
    if chief:
        log('%s: stopped after step %d, saved %s' % (
            signal.Signals(received).name, step, results['checkpoint']))
    if received == signal.SIGINT:
        raise KeyboardInterrupt
    return sys.exit(128 + received)


def _batch(task):
    """What makes a step smaller, in words."""
    return '--batch_size (now %d)' % task.flags.batch_size


def _remains_elsewhere():
    """What ranks without the folder of the run can say."""
    return '; the same command goes on from the last checkpoint'


def _introduce(device, runtime, ranks, task):
    log('device: %s (%s)' % device)
    log(precision.describe(device, runtime))
    log(compilation.describe(device, runtime))
    if ranks.size > 1:
        log('ranks: %d, together %d examples a step'
            % (ranks.size, ranks.size * task.flags.batch_size))
