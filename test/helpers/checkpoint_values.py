"""The contents of a checkpoint, for comparisons."""
import numpy as np
import tensorflow.compat.v1 as tf

from npu_runtime import checkpoints


def values_of(prefix):
    """dict of arrays: everything in the checkpoint."""
    reader = checkpoints.open_reader(prefix)
    return {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map()}


def write_with_nan(prefix, other_prefix):
    """Writes the checkpoint `prefix` as `other_prefix`, with NaN in all variables of the model."""
    values = values_of(prefix)
    with tf.Graph().as_default(), tf.Session() as session:
        variables = [tf.get_variable(
            name, initializer=np.full_like(value, np.nan) if value.dtype == np.float32 else value)
                     for name, value in values.items()]
        session.run(tf.global_variables_initializer())
        tf.train.Saver(variables).save(session, other_prefix)
