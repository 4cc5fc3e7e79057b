"""Comparison with the published geometry and losses (fixture `numbers`)."""
import numpy as np
import tensorflow.compat.v1 as tf


def run(function, *arrays):
    """The value of `function` of these constants."""
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(function(*[tf.constant(array) for array in arrays]))


def assert_close(found, wanted):
    """Within 1e-5 of each value and of the largest one."""
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())
