"""Losses of held-out data, with the variables in training."""
import math

import numpy as np
import tensorflow.compat.v1 as tf


class Validator:
    """A second copy of the model, with `is_training=False` and shared variables.

    Args:
      validation: <Validation>.
      build_model: as in <TrainingTask>.
    """

    def __init__(self, validation, build_model):
        self._batches = validation.batches
        with tf.name_scope('validation'):
            self._iterator = tf.data.make_initializable_iterator(validation.make_dataset())
            with tf.variable_scope(tf.get_variable_scope(), reuse=True):
                losses = build_model(self._iterator.get_next(), is_training=False).losses
                self._evaluate = validation.evaluator() if validation.evaluator else None
            self._terms = list(losses)
            self._values = tf.stack([tf.cast(loss, tf.float32) for loss in losses.values()])

    def run(self, session):
        """Returns (dict, loss -> mean over the batches; dict, name -> number of the evaluator)."""
        session.run(self._iterator.initializer)
        rows = []
        for _ in range(self._batches):
            try:
                rows.append(session.run(self._values))
            except tf.errors.OutOfRangeError:
                break
        means = np.mean(rows, axis=0) if rows else [math.nan] * len(self._terms)
        return ({name: float(mean) for name, mean in zip(self._terms, means)},
                self._evaluate(session) if self._evaluate else {})
