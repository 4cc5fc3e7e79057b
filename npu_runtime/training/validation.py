"""Held-out data through the variables that are being trained."""
import math
import typing

import numpy as np
import tensorflow.compat.v1 as tf


class ValidationResult(typing.NamedTuple):
    """What a validation found.

    Attributes:
      step: global step.
      losses: term -> mean over the batches.
      total: their sum.
      measured: name -> number of the evaluator.
      metric_name, metric: what the best has least.
      is_best: whether it is less than that of the `model-best` that is there.
    """
    step: int
    losses: typing.Dict[str, float]
    total: float
    measured: typing.Dict[str, float]
    metric_name: str
    metric: float
    is_best: bool


class Validator:
    """The model once more, with `is_training=False` and the variables of the first.

    Attributes:
      best: the least metric so far; infinity without any.

    Args:
      validation: <Validation>.
      build_model: as of a <TrainingTask>.
      best: the metric below which a validation is the best.
    """

    def __init__(self, validation, build_model, best):
        self._validation = validation
        with tf.name_scope('validation'):
            self._iterator = tf.data.make_initializable_iterator(validation.make_dataset())
            with tf.variable_scope(tf.get_variable_scope(), reuse=True):
                losses = build_model(self._iterator.get_next(), is_training=False).losses
                self._evaluate = validation.evaluator() if validation.evaluator else None
            self._terms = list(losses)
            self._values = tf.stack([tf.cast(losses[name], tf.float32) for name in self._terms])
        self.best = best

    def run(self, session, step):
        """The <ValidationResult> after global step `step`."""
        losses = self._means(session)
        total = sum(losses.values())
        measured = self._evaluate(session) if self._evaluate else {}
        metric = dict(losses, total=total, **measured)[self._validation.metric]
        is_best = metric < self.best
        if is_best:
            self.best = metric
        return ValidationResult(step, losses, total, measured, self._validation.metric, metric,
                                is_best)

    def _means(self, session):
        """dict, term -> mean over the batches."""
        session.run(self._iterator.initializer)
        rows = []
        for _ in range(self._validation.batches):
            try:
                rows.append(session.run(self._values))
            except tf.errors.OutOfRangeError:
                break
        means = np.mean(rows, axis=0) if rows else [math.nan] * len(self._terms)
        return {name: float(mean) for name, mean in zip(self._terms, means)}


def least_logged(rows, metric_name):
    """The least metric by that name in rows of metrics.jsonl; infinity without any."""
    return min((row['metric'] for row in rows
                if row['event'] == 'validation' and isinstance(row.get('metric'), (int, float))
                and row.get('metric_name', metric_name) == metric_name), default=math.inf)
