"""What is seen of a run: log lines, metrics.jsonl, TensorBoard, the progress bar."""
import array
import statistics

import tensorflow.compat.v1 as tf

from npu_runtime.training.metrics import MetricsLog
from npu_runtime.training.task import StepRecord
from vo_common.console import log
from vo_common.files import utf8_path
from vo_common.progress import progress

_WARM_UP_CALLS = 2  # the first ones trace and compile


def due(interval, before, step):
    """Whether a multiple of `interval` lies in the steps after `before` up to `step`; 0: never."""
    return interval > 0 and step // interval > before // interval


class Report:
    """Tells of a run from its start on.

    Args:
      folder: <RunFolder>.
      task: <TrainingTask>.
      start: <StartingPoint>.
      num_ranks: how many make each step.

    Attributes:
      rows: list of the rows that metrics.jsonl already has.
    """

    def __init__(self, folder, task, start, num_ranks):
        self._folder, self._task = folder, task
        self._examples_per_step = task.flags.batch_size * num_ranks
        self._metrics = MetricsLog(folder.path, start.step)
        self.rows = self._metrics.rows
        self._writer = tf.summary.FileWriter(utf8_path(folder.path))
        if start.prefix:
            # TensorBoard forgets what the run before this one wrote of later steps.
            self._writer.add_session_log(
                tf.SessionLog(status=tf.SessionLog.START), start.step + 1)
        self._bar = progress(total=task.max_steps, desc='training', unit='step',
                             initial=start.step)
        self._durations = array.array('d')
        self._timed = self._skipped = 0
        self._result = None
        self._resumed = {'changed': start.changed} if start.prefix else None
        self._start_step = start.step

    def begin(self):
        """The variables have their values."""
        self._metrics.append('resume' if self._resumed else 'start', self._start_step,
                             **self._resumed or {})

    def step(self, before, result):
        """A session call.

        Args:
          before: global step before it.
          result: <StepResult>.
        """
        if not self._durations:
            log('first step (compiling/tracing): %.1f s' % result.seconds)
        self._durations.append(result.seconds)
        self._skipped += result.skipped
        self._result = result
        self._advance_bar()
        if due(self._task.flags.log_freq, before, result.step):
            self._tell()
        if result.images is not None:
            self._writer.add_summary(result.images, result.step)

    def _advance_bar(self):
        if not self._bar.disable:
            rate = self._examples_per_step / self._durations[-1]
            self._bar.set_postfix_str('%.1f examples/s' % rate, refresh=False)
            self._bar.update(self._result.step - self._bar.n)

    def _tell(self):
        """The log line, a row of metrics and TensorBoard's scalars."""
        record = self.record()
        self._timed = len(self._durations)
        log(self._task.log_line(record))
        row = dict(losses=record.losses, total=record.total, learning_rate=record.learning_rate,
                   seconds_per_step=record.seconds_per_step,
                   examples_per_second=record.examples_per_second)
        scalars = {'loss/' + name: value for name, value in record.losses.items()}
        scalars.update({'loss/total': record.total, 'learning_rate': record.learning_rate,
                        'examples_per_second': record.examples_per_second})
        if record.loss_scale is not None:
            row.update(loss_scale=record.loss_scale, skipped_steps=self._skipped)
            scalars['loss_scale'] = record.loss_scale
        self._append('train', record.step, **row)
        self._write_scalars(record.step, scalars)

    def record(self):
        """<StepRecord> of the latest step."""
        recent = self._durations[self._timed:] or self._durations[-1:]
        seconds, result = statistics.mean(recent), self._result
        return StepRecord(result.step, self._task.max_steps, result.losses, result.values['total'],
                          result.values['learning_rate'], result.values.get('loss_scale'), seconds,
                          self._examples_per_step / seconds)

    def validation(self, found):
        """A <ValidationResult>."""
        self._append('validation', found.step, losses=found.losses, total=found.total,
                     measured=found.measured, metric_name=found.metric_name, metric=found.metric,
                     best=found.is_best)
        numbers = dict(found.losses, total=found.total, **found.measured)
        self._write_scalars(found.step, {'validation/' + name: value
                                         for name, value in numbers.items()})
        record = self.record()._replace(losses=found.losses, total=found.total)
        line = self._task.validation.log_line
        log(line(record) if line else ' | '.join(
            ['Validation: [%7d] | Loss: %.3f' % (found.step, found.total)]
            + ['%s: %.4f' % item for item in found.measured.items()]))

    def flush(self):
        """Has TensorBoard's events on the disk, before the checkpoint of the same step."""
        self._folder.require_there()
        self._writer.flush()

    def checkpoint(self, step, prefix, seconds):
        """A checkpoint, written in so many seconds."""
        self._append('checkpoint', step, path=prefix, seconds=seconds)

    def end(self, reason, results):
        """The last row; `results` as `summary` gives them."""
        self._append('end', reason=reason, **results)

    def summary(self):
        """dict: 'step', 'losses', 'total', 'seconds_per_step' (median), 'examples_per_second'."""
        durations = list(self._durations)
        seconds = statistics.median(durations[_WARM_UP_CALLS:] or durations)
        return {'step': self._result.step, 'losses': self._result.losses,
                'total': self._result.values['total'], 'seconds_per_step': seconds,
                'examples_per_second': self._examples_per_step / seconds}

    def close(self):
        self._bar.close()
        self._writer.close()
        self._metrics.close()

    def _append(self, event, step, **values):
        self._folder.require_there()
        self._metrics.append(event, step, **values)

    def _write_scalars(self, step, scalars):
        self._writer.add_summary(tf.Summary(value=[
            tf.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]), step)
