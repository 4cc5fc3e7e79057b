"""Running a training graph, watched by hooks, until it is done or told to stop."""
import math
import signal
import statistics
import sys

import tensorflow.compat.v1 as tf

from common.errors import UserError
from npu_runtime import checkpoints, hooks
from common.console import log
from npu_runtime.loop_sinking import sink_loop
from npu_runtime.metrics import MetricsLog
from npu_runtime.saving import CheckpointWriter
from npu_runtime.session import TrainingSessionCreator
from npu_runtime.validation import ValidationGraph, ValidationHook

_WARM_UP_CALLS = 2  # the first ones trace and compile


class TrainingLoop:
    """One run of a TrainingGraph; builds what is missing in the default graph.

    Args:
      graph: TrainingGraph.
      start: StartingPoint.
      options: TrainOptions.
      ranks: of `distribution.connect`.
      steps_per_call: global steps in one session call.
      further_hooks: tf.train.SessionRunHooks that come after the loop's own.
    """

    def __init__(self, graph, start, options, ranks, steps_per_call, further_hooks=()):
        self._graph = graph
        self._start = start
        self._options = options
        self._ranks = ranks
        self._steps_per_call = steps_per_call
        self._examples_per_step = options.batch_size * ranks.size
        self._reader = hooks.StepReader(graph, start.step, steps_per_call)
        self._signals = hooks.StopOnSignal(self._reader, ranks.size > 1)
        self._hooks = [self._reader, hooks.NanGuard(self._reader, ranks.rank, ranks.size)]
        self._last_hooks = [self._signals] + list(further_hooks)
        self._metrics = self._writer = self._validation = self._saving = None
        self._reads_checkpoints = ranks.rank == 0 or not ranks.broadcasts_everything
        self._broadcast = ranks.broadcast(list(graph.all_state.values()))
        self._train_op = None

    def watch(self, build_model, validation):
        """Adds what rank 0 alone does: logs, metrics, images, validation, checkpoints."""
        options, reader, start = self._options, self._reader, self._start
        checkpoint_writer = CheckpointWriter(
            start.folder, self._graph.all_state, self._graph.model_variables, options.max_to_keep,
            bool(validation and validation.keep_best))
        if start.prefix:
            checkpoint_writer.continue_after(start.step)
        self._metrics = MetricsLog(start.folder, start.step)
        self._writer = tf.summary.FileWriter(start.folder)
        log = hooks.LogHook(reader, self._metrics, self._writer, options,
                            self._examples_per_step, start.step)
        self._hooks += [
            hooks.ProgressBar(reader, start.step, options.max_steps, self._examples_per_step), log]
        if self._graph.images is not None:
            self._hooks.append(hooks.ImageHook(reader, self._writer, self._graph.images,
                                               options.summary_every, start.step,
                                               self._steps_per_call))
        if validation:
            self._validation = ValidationHook(
                ValidationGraph(validation, build_model), validation, reader, log, self._metrics,
                self._writer, checkpoint_writer, start.step)
            self._hooks.append(self._validation)
        # After the others, so that what they wrote of a step stands when its checkpoint does.
        self._saving = hooks.CheckpointHook(reader, checkpoint_writer, self._metrics, options,
                                            start.step)
        self._hooks.append(self._saving)

    def run(self, proto):
        """Runs to the end; as `training.train` returns and raises."""
        self._signals.install()
        creator = TrainingSessionCreator(proto, self._initialise)
        try:
            with tf.train.MonitoredSession(creator, self._hooks + self._last_hooks) as session:
                while not session.should_stop() and self._reader.step < self._options.max_steps:
                    self._step(session)
            self._conclude()
        finally:
            self._signals.restore()
            self._close()
        return self._results()

    def _initialise(self, session):
        """Gives a new session's variables the values that the run begins with."""
        start, graph = self._start, self._graph
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        session.run(graph.iterator.initializer)
        if start.prefix:
            checkpoints.load_values(session, start.prefix, graph.all_state,
                                    optional=graph.optional_state)
            graph.count_batches_from(session, start.batches_seen)
            log('resumed from %s at step %d' % (start.prefix, start.step))
        elif self._options.init_checkpoint and self._reads_checkpoints:
            checkpoints.restore(session, self._options.init_checkpoint, graph.model_variables,
                                self._options.init_scopes)
        session.run(self._broadcast)
        self._train_op = sink_loop(session, graph.train_op, self._steps_per_call)
        if self._metrics:
            self._metrics.append('resume' if start.prefix else 'start', start.step)

    def _step(self, session):
        try:
            session.run(self._train_op)
        except tf.errors.OutOfRangeError as error:
            raise UserError('the training data ended after step %d of %d; the data set must '
                            'repeat' % (self._reader.step, self._options.max_steps)) from error

    def _conclude(self):
        """Logs the end; raises what a stop by a signal is to the caller."""
        received = self._signals.received
        if self._metrics:
            reason = signal.Signals(received).name if received else 'done'
            results = self._results()
            self._metrics.append('end', results.pop('step'), reason=reason, **results)
        if received is None:
            return
        if self._saving:
            log('%s: stopped after step %d, saved %s' % (
                signal.Signals(received).name, self._reader.step, self._saving.prefix))
        if received == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + received)

    def _results(self):
        reader = self._reader
        durations = list(reader.durations)
        seconds = statistics.median(durations[_WARM_UP_CALLS:] or durations)
        return {
            'step': reader.step, 'losses': reader.losses(), 'total': reader.total,
            'checkpoint': self._saving.prefix if self._saving else None,
            'best': self._best(),
            'seconds_per_step': seconds,
            'examples_per_second': self._examples_per_step / seconds}

    def _best(self):
        best = self._validation.best if self._validation else math.inf
        return best if math.isfinite(best) else None

    def _close(self):
        if self._metrics:
            self._metrics.close()
            self._writer.close()
