"""The additional work of rank 0: logs, metrics, TensorBoard, validation and checkpoints."""
import array
import json
import math
import statistics
import time
import zlib

import numpy as np
import tensorflow.compat.v1 as tf

from npu_runtime import checkpoints
from npu_runtime.checkpoint_writer import CheckpointWriter
from npu_runtime.run_folder import flat_flags
from npu_runtime.session import batch_iterator
from npu_runtime.training.metrics import MetricsLog
from vo_common.console import log, progress
from vo_common.files import utf8_path

_WARM_UP_CALLS = 2  # calls that trace and compile, left out of the timing


def _validator(validation, build_model):
    """Builds a second copy of the model, with `is_training=False` and shared variables.

    Returns a function session -> (dict, loss -> mean over the batches; dict, name -> result of the
    evaluator).
    """
    with tf.name_scope('validation'):
        iterator = batch_iterator(validation.make_dataset())
        with tf.variable_scope(tf.get_variable_scope(), reuse=True):
            losses = build_model(iterator.get_next(), is_training=False).losses
            evaluate = validation.evaluator() if validation.evaluator else lambda session: {}
        values = tf.stack([tf.cast(loss, tf.float32) for loss in losses.values()])

    def validate(session):
        session.run(iterator.initializer)
        rows = [session.run(values) for _ in range(validation.batches)]
        return dict(zip(losses, np.mean(rows, axis=0).tolist())), evaluate(session)

    return validate


class Chief:
    """Logs, validates and saves a run. Call `close` at the end.

    Adds its operations to the default graph. `num_ranks` ranks share each step.
    """

    def __init__(self, folder, task, start, training_step, num_ranks):
        self._folder, self._task, self._start = folder, task, start
        self._writer = CheckpointWriter(folder, task.configs, training_step.all_state,
                                        task.flags.max_to_keep, start.prefix)
        self.remains = self._writer.remains
        self._metrics = MetricsLog(folder.path, start.step)
        self._events = tf.summary.FileWriter(utf8_path(folder.path))
        if start.prefix:
            # Makes TensorBoard discard later steps of the earlier run.
            self._events.add_session_log(
                tf.SessionLog(status=tf.SessionLog.START), start.step + 1)
        if task.validation:
            log('validation every %d steps: %s' % (
                task.validation.every, task.validation.examples))
            if task.validation.keep_best:
                self._writer.keep_best(training_step.model_variables, task.validation.metric,
                                       *self._circumstances_of_metric())
            self._validate = _validator(task.validation, task.build_model)
        self._saved_step, self._saved_at = start.step, time.monotonic()
        self._examples_per_step = task.flags.batch_size * num_ranks
        self._durations = array.array('d')
        self._timed = self._skipped = 0
        self._result = None
        self._bar = progress(total=task.max_steps, desc='training', unit='step',
                             initial=start.step)

    def _circumstances_of_metric(self):
        """What the metric of validation depends on.

        Returns:
          (a hash of the flags of the model, `validation.flags` and the examples; list of those
          flags that changed since the last checkpoint).
        """
        validation = self._task.validation

        def counts(name):
            return name.startswith('model.') or name.split('.')[1] in validation.flags

        flags = {name: value for name, value in flat_flags(self._task.configs).items()
                 if counts(name)}
        text = json.dumps([flags, validation.examples], sort_keys=True)
        return zlib.crc32(text.encode()), [
            name.split('.')[1] for name in self._start.changed if counts(name)]

    def begin(self):
        """Writes the first row of metrics; call it when the variables have their values."""
        if self._start.prefix:
            self._metrics.append('resume', self._start.step, changed=self._start.changed)
        else:
            self._metrics.append('start', self._start.step)

    def report(self, result):
        """Logs a session call; `result` is its <StepResult>."""
        if not self._durations:
            log('first step (compiling/tracing): %.1f s' % result.seconds)
        self._durations.append(result.seconds)
        self._skipped += result.skipped
        self._result = result
        self._bar.set_postfix_str('%.1f examples/s' % (self._examples_per_step / result.seconds),
                                  refresh=False)
        self._bar.update(result.advanced)
        if result.completes(self._task.flags.log_freq):
            self._report_losses()
        if result.images is not None:
            self._events.add_summary(result.images, result.step)

    def _report_losses(self):
        """Writes the log line, a row of metrics, and TensorBoard's scalars."""
        recent, result = self._durations[self._timed:], self._result
        self._timed = len(self._durations)
        seconds = statistics.mean(recent)
        row = {'losses': result.losses, 'total': result.values['total'],
               'learning_rate': result.values['learning_rate'], 'seconds_per_step': seconds,
               'examples_per_second': self._examples_per_step / seconds}
        if 'loss_scale' in result.values:
            row.update(loss_scale=result.values['loss_scale'], skipped_steps=self._skipped)
        log(self._task.log_line(result.step, row))
        self._append('train', result.step, **row)
        scalars = {'loss/' + name: value
                   for name, value in dict(result.losses, total=row['total']).items()}
        scalars.update({name: row[name] for name in (
            'learning_rate', 'examples_per_second', 'loss_scale') if name in row})
        self._write_scalars(result.step, scalars)

    def validate_if_due(self, session, result):
        """Validates if an interval ended in the steps of a <StepResult>."""
        validation, step = self._task.validation, result.step
        if not validation or not result.completes(validation.every):
            return
        losses, measured = self._validate(session)
        total = sum(losses.values())
        numbers = dict(losses, total=total, **measured)
        metric = numbers[validation.metric]
        is_best = validation.keep_best and self._writer.save_if_best(session, metric)
        self._append('validation', step, losses=losses, total=total, measured=measured,
                     metric_name=validation.metric, metric=metric, best=is_best)
        self._write_scalars(step, {'validation/' + name: value for name, value in numbers.items()})
        log(' | '.join([validation.log_format % {'step': step, 'total': total}]
                       + ['%s: %.4f' % item for item in measured.items()]))

    def save_if_due(self, session, result):
        """Writes a checkpoint if an interval of steps or minutes ended, but not at the last step.

        A checkpoint that is due only by time is named `checkpoints.LATEST`.
        """
        minutes, step = self._task.flags.save_minutes, result.step
        if step >= self._task.max_steps:
            return
        if result.completes(self._task.save_every):
            name = self._task.checkpoint_name(step)
            self._save(session, step, self._writer.free_name(name, step))
        elif minutes and time.monotonic() - self._saved_at >= 60 * minutes:
            self._save(session, step, checkpoints.LATEST)

    def save_end(self, session, step):
        """Writes the checkpoint of the last step, or of an earlier one at which a signal came."""
        if step >= self._task.max_steps:
            self._save(session, step, self._task.checkpoint_name(step))
        elif step > self._saved_step:
            self._save(session, step, 'model-%d' % step)

    def _save(self, session, step, name):
        self._folder.require_there()
        self._events.flush()  # before the checkpoint, so that resuming loses no event
        began = time.perf_counter()
        prefix = self._writer.save(session, name, step)
        self._saved_at = time.monotonic()
        if name != checkpoints.LATEST:
            self._saved_step = step
        self._append('checkpoint', step, path=prefix, seconds=time.perf_counter() - began)

    def end(self, reason):
        """Writes the row of metrics that ends the run; returns the results of `train`."""
        durations = self._durations[_WARM_UP_CALLS:] or self._durations
        seconds = statistics.median(durations)
        results = {'step': self._result.step, 'losses': self._result.losses,
                   'total': self._result.values['total'], 'seconds_per_step': seconds,
                   'examples_per_second': self._examples_per_step / seconds,
                   'checkpoint': self._writer.last,
                   'best': self._writer.best if math.isfinite(self._writer.best) else None}
        self._append('end', reason=reason, **results)
        return results

    def close(self):
        """Closes the progress bar and all files."""
        self._bar.close()
        self._events.close()
        self._metrics.close()

    def _append(self, event, step, **values):
        self._folder.require_there()
        self._metrics.append(event, step, **values)

    def _write_scalars(self, step, scalars):
        self._events.add_summary(tf.Summary(value=[
            tf.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]), step)
