"""Reads and writes the contents of checkpoints."""
import os

import numpy as np
import tensorflow.compat.v1 as tf

from npu_runtime import checkpoints


def values_of(prefix):
    """dict of arrays: everything in the checkpoint."""
    reader = checkpoints.open_reader(str(prefix))
    return {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map()}


def write_values(prefix, values):
    """Writes a checkpoint with these arrays, dict key -> array; returns its prefix as a <str>."""
    os.makedirs(os.path.dirname(str(prefix)), exist_ok=True)
    with tf.Graph().as_default(), tf.Session() as session:
        variables = {key: tf.Variable(value, dtype=value.dtype) for key, value in values.items()}
        session.run(tf.global_variables_initializer())
        return tf.train.Saver(variables).save(session, str(prefix), write_meta_graph=False,
                                              write_state=False)


def write_with_nan(prefix, other_prefix):
    """Writes the checkpoint `prefix` as `other_prefix`, with NaN in all variables of the model."""
    write_values(other_prefix, {
        key: np.full_like(value, np.nan) if value.dtype == np.float32 else value
        for key, value in values_of(prefix).items()})
