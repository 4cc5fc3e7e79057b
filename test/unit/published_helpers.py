"""The published geometry and loss helpers' inputs and outputs, and how ours are held to them."""
import numpy as np
import pytest
import tensorflow.compat.v1 as tf


@pytest.fixture(scope='module')
def numbers(golden):
    """dict of arrays: `in_*` the inputs, `out_*` what the published helpers made of them."""
    return np.load(str(golden / 'geonet' / 'utils_tf.npz'))


def run(function, *arrays):
    """What `function` of these constants gives in a session of its own."""
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(function(*[tf.constant(array) for array in arrays]))


def assert_close(found, wanted):
    """Within 1e-5 of each value and of the largest one."""
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())
