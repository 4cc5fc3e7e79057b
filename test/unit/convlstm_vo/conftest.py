"""Weights of the published code."""
import functools

import fill
import pytest
import tensorflow.compat.v1 as tf


@pytest.fixture(scope='session')
def set_weights():
    """Function (session) that initialises all variables, trainable ones with golden weights.

    Returns {name: <float32> array} of the trainable variables.
    """
    weight_of = functools.lru_cache(maxsize=None)(fill.weight)

    def initialise(session):
        weights = {variable: weight_of(variable.op.name, tuple(variable.shape.as_list()))
                   for variable in tf.trainable_variables()}
        session.run(tf.global_variables_initializer(),
                    {variable.initializer.inputs[1]: weight
                     for variable, weight in weights.items()})
        return {variable.op.name: weight for variable, weight in weights.items()}
    return initialise
