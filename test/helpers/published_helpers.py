"""How our geometry and losses are held to the published helpers (fixture `numbers`)."""
import numpy as np
import tensorflow.compat.v1 as tf


def run(function, *arrays):
    """What `function` of these constants gives in a session of its own."""
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(function(*[tf.constant(array) for array in arrays]))


def assert_close(found, wanted):
    """Within 1e-5 of each value and of the largest one."""
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())
