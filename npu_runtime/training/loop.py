"""The training loop of every model and device."""
import contextlib
import math
import signal
import sys

import tensorflow.compat.v1 as tf

from npu_runtime.checkpoint_writer import settle
from npu_runtime.devices import precision
from npu_runtime.devices import ranks as distribution
from npu_runtime.devices.choose import choose_device
from npu_runtime.devices.compilation import uses_xla
from npu_runtime.failures import explained
from npu_runtime.run_folder import RunFolder
from npu_runtime.session import session_config
from npu_runtime.training.chief import Chief
from npu_runtime.training.signals import StopSignals
from npu_runtime.training.start import find_start, restore_or_initialise
from npu_runtime.training.step import TrainingStep
from vo_common.console import log
from vo_common.errors import UserError

_MAX_OVERFLOWS = 50


def train(task, runtime):
    """Trains a model, or resumes from the newest checkpoint in the task's folder.

    A resumed run has the same weights, optimizer slots, step, loss scale and data order as an
    uninterrupted one. On SIGTERM, SIGINT or SIGHUP, training writes a checkpoint after the current
    step and stops; a second signal ends it at once.

    Args:
      task: <TrainingTask>.
      runtime: <RuntimeConfig>.

    Returns:
      dict: 'step'; on rank 0 also 'checkpoint' (prefix), and unless the run was already complete
      'losses', 'total', 'best' (the metric of `model-best` or None), 'seconds_per_step' (median),
      'examples_per_second' (all ranks together).

    Raises:
      UserError: bad input, a loss that is not finite, a full disk.
      DeviceError: the device is out of memory, fails or is lost.
      KeyboardInterrupt: stopped by SIGINT (status 130 by `run_main`).
      SystemExit: stopped by SIGTERM or SIGHUP, status 143 or 129.
    """
    device = choose_device(runtime)
    device.own.prepare_process()
    ranks = distribution.connect(device)
    is_chief, chief = ranks.rank == 0, None
    if is_chief:
        log('device: %s (%s)' % device)
        log(precision.describe(device, runtime))
        if uses_xla(device, runtime):
            log('XLA compiles the training step')
        if ranks.size > 1:
            log('ranks: %d, together %d examples per step'
                % (ranks.size, ranks.size * task.flags.batch_size))
    proto = session_config(device, runtime, ranks)

    def remains():
        if is_chief:
            return chief.remains() if chief else ''
        return '; the same command resumes from the last checkpoint'

    with explained(device, '--batch_size (now %d)' % task.flags.batch_size, remains), \
            RunFolder(task.folder) if is_chief else contextlib.nullcontext() as folder:
        if is_chief:
            settle(folder.path)
        start = find_start(task.folder, task.configs, ranks, proto)
        if start.step >= task.max_steps and ranks.broadcasts_everything:
            return _nothing_to_do(task, start, is_chief)
        if is_chief and not start.prefix:
            folder.write_config(task.configs)
        with tf.Graph().as_default():
            tf.set_random_seed(task.flags.seed)
            dataset = task.make_dataset(start.batches_seen, ranks.rank, ranks.size)
            training_step = TrainingStep(task, dataset, device, runtime, ranks,
                                         count_batches=start.batches_seen != start.step)
            if is_chief:
                chief = Chief(folder, task, start, training_step, ranks.size)
            try:
                return _loop(task, ranks, start, training_step, proto, chief, remains)
            finally:
                if chief:
                    chief.close()


def _nothing_to_do(task, start, is_chief):
    if is_chief:
        log('nothing to do: %s is at step %d of %d' % (start.prefix, start.step, task.max_steps))
    return {'step': start.step, 'checkpoint': start.prefix}


def _loop(task, ranks, start, training_step, proto, chief, remains):
    """Trains until the last step or a signal; returns the results of `train`."""
    guard = FiniteGuard(ranks, remains)
    with tf.Session(config=proto) as session, StopSignals() as signals:
        restore_or_initialise(session, start, task, training_step, ranks)
        session.graph.finalize()
        if start.step >= task.max_steps:
            # Only here, after the ranks have compared their steps, so that no rank waits for this.
            return _nothing_to_do(task, start, chief)
        if chief:
            chief.begin()
        step, stopped = start.step, False
        while step < task.max_steps and not stopped:
            result = training_step.run(session, step, bool(chief), bool(signals.received))
            step = result.step
            guard.require_finite(result)
            if chief:
                chief.report(result)
                chief.validate_if_due(session, result)
                chief.save_if_due(session, result)
            # All ranks stop at the same step: the request travels with the averaged losses.
            stopped = result.values['stop'] > 0 if ranks.size > 1 else bool(signals.received)
        if chief:
            chief.save_end(session, step)
    return _conclude(step, (signals.received or signal.SIGTERM) if stopped else None, chief)


def _conclude(step, received, chief):
    """Logs the end; after a signal, raises what the caller must see."""
    name = signal.Signals(received).name if received else 'done'
    results = chief.end(name) if chief else {'step': step, 'checkpoint': None}
    if chief:
        log('%s: %sstep %d, saved %s' % (name, 'stopped after ' if received else '', step,
                                         results['checkpoint']))
    if received is None:
        return results
    if received == signal.SIGINT:
        raise KeyboardInterrupt
    return sys.exit(128 + received)


class FiniteGuard:
    """Ends a run whose losses are not finite or whose gradients keep overflowing.

    `remains` is a function that returns the end of a message, as for `failures.explained`.
    """

    def __init__(self, ranks, remains):
        self._where = ' on rank %d of %d' % (ranks.rank, ranks.size) if ranks.size > 1 else ''
        self._remains = remains
        self._overflowed_steps, self._loss_scale = 0, math.inf

    def require_finite(self, result):
        """Checks a <StepResult> before its checkpoint is written.

        Raises:
          UserError: a loss is not finite, or the gradients keep overflowing.
        """
        if result.skipped:
            # A skipped step changes no weights, whatever its loss.
            self._count_overflow(result)
            return
        self._overflowed_steps = 0
        if math.isfinite(result.values['total']):
            return
        own = _not_finite(result.own_values)
        where = self._where if own else ' on another rank'
        raise UserError('step %d: loss is not finite%s in %s; stopped without a checkpoint of '
                        'this step. Lower --learning_rate, or look for a broken example%s'
                        % (result.step, where, ', '.join(own or _not_finite(result.values)),
                           self._remains()))

    def _count_overflow(self, result):
        """Counts overflowed steps after which the loss scale, fixed or minimal, is not lowered."""
        scale = result.values['loss_scale']
        is_stuck = not result.advanced and scale >= self._loss_scale
        self._overflowed_steps = self._overflowed_steps + result.skipped if is_stuck else 0
        self._loss_scale = scale
        if self._overflowed_steps > _MAX_OVERFLOWS:
            raise UserError('%d steps in a row overflowed after step %d, loss scale %g: the '
                            'gradients are not finite; lower --learning_rate, or compare with '
                            '--precision_mode=force_fp32'
                            % (self._overflowed_steps, result.step, scale))


def _not_finite(values):
    """Descriptions of the terms that are not finite; of `total` only if every term is finite."""
    terms = ['%s (%s)' % item for item in values.items() if not math.isfinite(item[1])]
    return [term for term in terms if not term.startswith('total')] or terms
