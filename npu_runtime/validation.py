"""Held-out data through the variables that are being trained."""
import collections
import math

import numpy as np
import tensorflow.compat.v1 as tf

from common.console import log
from npu_runtime.hooks import Every, write_scalars

Validation = collections.namedtuple(
    'Validation', 'make_dataset every batches metric keep_best log_line evaluator',
    defaults=(None, True, None, None))
Validation.__doc__ = """When and on what to validate.

make_dataset: called without arguments, gives a tf.data.Dataset of batches like the training ones;
  each validation reads it from its beginning, so that the same examples are compared.
every: steps between validations. batches: how many batches each reads.
metric: name of the loss term, or of the evaluator's number, whose smallest value is the best;
  None is the total.
keep_best: whether the best is kept as the checkpoint `model-best`.
log_line: function of a StepRecord whose losses are the means; None prints step, total and what
  the evaluator measured.
evaluator: function without arguments that builds what it needs in the default graph, where every
  variable is reused, and returns a function session -> dict of numbers by name; or None.
"""


class ValidationGraph:
    """The model once more, with `is_training=False` and the variables of the first.

    Args:
      validation: Validation.
      build_model: as for `training.train`.
    """

    def __init__(self, validation, build_model):
        with tf.name_scope('validation'):
            self.iterator = tf.data.make_initializable_iterator(validation.make_dataset())
            with tf.variable_scope(tf.get_variable_scope(), reuse=True):
                losses = build_model(self.iterator.get_next(), is_training=False).losses
                self.evaluate = validation.evaluator() if validation.evaluator else None
            self.terms = list(losses)
            self.values = tf.stack([tf.cast(losses[name], tf.float32) for name in self.terms])


class ValidationHook(tf.train.SessionRunHook):
    """Validates every `validation.every` steps, outside of the step's own session call."""

    def __init__(self, graph, validation, reader, log_hook, metrics, writer, checkpoint_writer,
                 start_step):
        self._graph = graph
        self._validation = validation
        self._reader = reader
        self._log_hook = log_hook
        self._metrics = metrics
        self._writer = writer
        self._checkpoint_writer = checkpoint_writer
        self._every = Every(validation.every, start_step)
        self._metric = validation.metric or 'total'
        earlier = [row['metric'] for row in metrics.rows
                   if row['event'] == 'validation' and row.get('metric') is not None
                   and row.get('metric_name', self._metric) == self._metric]
        self.best = min(earlier) if earlier else math.inf

    def after_run(self, run_context, run_values):
        if self._every.due(self._reader.step):
            self._validate(run_context.session)

    def _validate(self, session):
        losses = self._means(session)
        total = sum(losses.values())
        measured = self._graph.evaluate(session) if self._graph.evaluate else {}
        metric = dict(losses, total=total, **measured)[self._metric]
        step = self._reader.step
        is_best = metric < self.best
        if is_best:
            self.best = metric
            if self._validation.keep_best:
                self._checkpoint_writer.save_best(session)
        self._metrics.append('validation', step, losses=losses, total=total, measured=measured,
                             metric_name=self._metric, metric=metric, best=is_best)
        write_scalars(self._writer, step, {
            'validation/' + name: value
            for name, value in dict(losses, total=total, **measured).items()})
        record = self._log_hook.record()._replace(losses=losses, total=total)
        if self._validation.log_line:
            log(self._validation.log_line(record))
        else:
            log(_default_line(record, measured))

    def _means(self, session):
        """dict, term -> mean over the batches."""
        session.run(self._graph.iterator.initializer)
        rows = []
        for _ in range(self._validation.batches):
            try:
                rows.append(session.run(self._graph.values))
            except tf.errors.OutOfRangeError:
                break
        means = np.mean(rows, axis=0) if rows else [math.nan] * len(self._graph.terms)
        return collections.OrderedDict(
            (name, float(mean)) for name, mean in zip(self._graph.terms, means))


def _default_line(record, measured):
    return ' | '.join(['Validation: [%7d] | Loss: %.3f' % (record.step, record.total)]
                      + ['%s: %.4f' % item for item in measured.items()])
