"""Hooks around the one session call of a training step.

`StepReader` fetches what a step yields, in one tensor; the hooks after it in the list look at its
`latest` and fetch nothing more, so that watching a step costs next to nothing.
"""
import array
import collections
import math
import signal
import statistics
import time

import tensorflow.compat.v1 as tf

from common.errors import UserError
from common.progress import progress
from common.console import log

_MOST_SKIPPED_STEPS = 50

StepRecord = collections.namedtuple(
    'StepRecord', 'step max_steps losses total learning_rate loss_scale seconds_per_step '
                  'examples_per_second')
StepRecord.__doc__ = """What a log line can tell.

step, max_steps: int. losses: dict, term -> float. total, learning_rate: float. loss_scale: float
or None. seconds_per_step: mean since the last log line. examples_per_second: over all ranks.
"""


class Every:
    """Says when a step has reached the next multiple of `interval`; 0 is never."""

    def __init__(self, interval, start_step):
        self._interval = interval
        self._last = start_step

    def due(self, step):
        """Whether a multiple lies in the steps since the last call that returned true."""
        if self._interval <= 0 or step // self._interval <= self._last // self._interval:
            return False
        self._last = step
        return True


class StepReader(tf.train.SessionRunHook):
    """Fetches and times each step. First in the list of hooks.

    Args:
      graph: TrainingGraph.
      start_step: global step before the first call.
      steps_per_call: global steps in one session call.
    """

    def __init__(self, graph, start_step, steps_per_call):
        self._graph = graph
        self._fetches = {'step': graph.step, 'values': graph.values}
        if graph.local_values is not None:
            self._fetches['local'] = graph.local_values
        self._steps_per_call = steps_per_call
        self._began = 0.
        self.stop_wanted = False
        self.step, self.advanced, self.skipped_steps = start_step, True, 0
        self.values, self.local = None, None
        self.durations = array.array('d')

    def before_run(self, run_context):
        feed = None
        if self._graph.stop_flag is not None:
            feed = {self._graph.stop_flag: float(self.stop_wanted)}
        self._began = time.perf_counter()
        return tf.train.SessionRunArgs(self._fetches, feed)

    def after_run(self, run_context, run_values):
        self.durations.append((time.perf_counter() - self._began) / self._steps_per_call)
        results = run_values.results
        self.values = self._graph.named(results['values'])
        self.local = self._graph.named(results['local']) if 'local' in results else self.values
        step = int(results['step'])
        self.advanced = step > self.step
        self.skipped_steps += not self.advanced
        self.step = step

    def losses(self):
        """dict, term -> float, averaged over the ranks."""
        return collections.OrderedDict((name, self.values[name]) for name in self._graph.terms)

    @property
    def total(self):
        return self.values['total']


class NanGuard(tf.train.SessionRunHook):
    """Ends the run at a loss that is not finite, before any checkpoint is written of it."""

    def __init__(self, reader, rank, size):
        self._reader = reader
        self._where = ' on rank %d of %d' % (rank, size) if size > 1 else ''
        self._skipped_in_a_row = 0

    def after_run(self, run_context, run_values):
        reader = self._reader
        self._skipped_in_a_row = 0 if reader.advanced else self._skipped_in_a_row + 1
        if self._skipped_in_a_row > _MOST_SKIPPED_STEPS:
            raise UserError('%d steps in a row overflowed after step %d, loss scale %g: the '
                            'gradients are not finite; lower --learning_rate, or compare with '
                            '--precision_mode=force_fp32'
                            % (self._skipped_in_a_row, reader.step, reader.values['loss_scale']))
        if math.isfinite(reader.total) or not reader.advanced:
            return
        own = _not_finite(reader.local)
        where = self._where if own else ' on another rank'
        terms = own or _not_finite(reader.values)
        raise UserError('step %d: loss is %s%s in %s; stopped, no checkpoint of it is written. '
                        'Lower --learning_rate, or look for a broken example; the same command '
                        'goes on from the last checkpoint'
                        % (reader.step, 'not finite', where, ', '.join(terms)))


def _not_finite(values):
    """The terms that are not finite, with their values; `total` only when no term is guilty."""
    terms = ['%s (%s)' % item for item in values.items() if not math.isfinite(item[1])]
    return [term for term in terms if not term.startswith('total')] or terms


class StopOnSignal(tf.train.SessionRunHook):
    """Ends the run after the current step on SIGTERM or SIGINT; a second one ends it at once.

    `received` is the signal's number, or None. With several ranks they all stop at the same step:
    the wish travels with the next averaged loss.
    """

    def __init__(self, reader, shared):
        self._reader = reader
        self._shared = shared
        self._previous = {}
        self.received = None

    def install(self):
        """Takes over the signals; only the main thread can."""
        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                self._previous[number] = signal.signal(number, self._handle)
            except ValueError:
                return

    def restore(self):
        """Gives the signals back."""
        while self._previous:
            signal.signal(*self._previous.popitem())

    def _handle(self, number, frame):
        del frame
        self.received = number
        self._reader.stop_wanted = True
        self.restore()

    def after_run(self, run_context, run_values):
        if self._shared and self._reader.values['stop'] > 0:
            self.received = self.received or signal.SIGTERM
            run_context.request_stop()
        elif self.received and not self._shared:
            run_context.request_stop()


class ProgressBar(tf.train.SessionRunHook):
    """Steps done, examples a second and the time left, where stderr is a terminal."""

    def __init__(self, reader, start_step, max_steps, examples_per_step):
        self._reader = reader
        self._examples_per_step = examples_per_step
        self._bar = progress(total=max_steps, desc='training', unit='step', initial=start_step)

    def after_run(self, run_context, run_values):
        if self._bar.disable:
            return
        rate = self._examples_per_step / self._reader.durations[-1]
        self._bar.set_postfix_str('%.1f examples/s' % rate, refresh=False)
        self._bar.update(self._reader.step - self._bar.n)

    def end(self, session):
        self._bar.close()


class LogHook(tf.train.SessionRunHook):
    """The log line, a row in metrics.jsonl and TensorBoard's scalars, every `interval` steps."""

    def __init__(self, reader, metrics, writer, options, examples_per_step, start_step):
        self._reader = reader
        self._metrics = metrics
        self._writer = writer
        self._options = options
        self._examples_per_step = examples_per_step
        self._every = Every(options.log_every, start_step)
        self._timed = 0

    def after_run(self, run_context, run_values):
        if self._every.due(self._reader.step):
            record = self.record()
            self._timed = len(self._reader.durations)
            log(self._options.log_line(record))
            row = dict(losses=record.losses, total=record.total,
                       learning_rate=record.learning_rate,
                       seconds_per_step=record.seconds_per_step,
                       examples_per_second=record.examples_per_second)
            if record.loss_scale is not None:
                row.update(loss_scale=record.loss_scale, skipped_steps=self._reader.skipped_steps)
            self._metrics.append('train', record.step, **row)
            write_scalars(self._writer, record.step, self._scalars(record))

    def record(self):
        """StepRecord of the latest step."""
        recent = self._reader.durations[self._timed:] or self._reader.durations[-1:]
        seconds = statistics.mean(recent)
        return StepRecord(self._reader.step, self._options.max_steps, self._reader.losses(),
                          self._reader.total, self._reader.values['learning_rate'],
                          self._reader.values.get('loss_scale'), seconds,
                          self._examples_per_step / seconds)

    @staticmethod
    def _scalars(record):
        scalars = {'loss/' + name: value for name, value in record.losses.items()}
        scalars.update({'loss/total': record.total, 'learning_rate': record.learning_rate,
                        'examples_per_second': record.examples_per_second})
        if record.loss_scale is not None:
            scalars['loss_scale'] = record.loss_scale
        return scalars


class ImageHook(tf.train.SessionRunHook):
    """TensorBoard's images, every `interval` steps, fetched with that step."""

    def __init__(self, reader, writer, image_summary, interval, start_step, steps_per_call):
        self._reader = reader
        self._writer = writer
        self._image_summary = image_summary
        self._every = Every(interval, start_step)
        self._steps_per_call = steps_per_call

    def before_run(self, run_context):
        if self._every.due(self._reader.step + self._steps_per_call):
            return tf.train.SessionRunArgs(self._image_summary)
        return None

    def after_run(self, run_context, run_values):
        if run_values.results is not None:
            self._writer.add_summary(run_values.results, self._reader.step)


class CheckpointHook(tf.train.SessionRunHook):
    """Saves every `options.checkpoint_every` steps and where the run ends.

    The scheduled names are `options.checkpoint_name(step)`; the end is saved under
    `options.final_checkpoint_name` where there is one, a stop in between as `model-<step>`.
    """

    def __init__(self, reader, checkpoint_writer, metrics, options, start_step):
        self._reader = reader
        self._checkpoint_writer = checkpoint_writer
        self._metrics = metrics
        self._options = options
        self._every = Every(options.checkpoint_every, start_step)
        self._saved = start_step
        self.prefix = None

    def after_run(self, run_context, run_values):
        step = self._reader.step
        if self._every.due(step):
            self._save(run_context.session, self._options.checkpoint_name(step))

    def end(self, session):
        step = self._reader.step
        if step >= self._options.max_steps and self._options.final_checkpoint_name:
            self._save(session, self._options.final_checkpoint_name)
        elif step >= self._options.max_steps and step > self._saved:
            self._save(session, self._options.checkpoint_name(step))
        elif step > self._saved:
            self._save(session, 'model-%d' % step)

    def _save(self, session, name):
        began = time.perf_counter()
        self.prefix = self._checkpoint_writer.save(session, name)
        self._saved = self._reader.step
        self._metrics.append('checkpoint', self._saved, path=self.prefix,
                             seconds=time.perf_counter() - began)


def write_scalars(writer, step, scalars):
    """Writes a dict, tag -> float, to TensorBoard."""
    writer.add_summary(tf.Summary(value=[
        tf.Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]), step)
