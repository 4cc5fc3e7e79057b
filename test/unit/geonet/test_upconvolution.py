"""A convolution before the upsampling equals one after it."""
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from geonet.layers import upsample_nearest
from geonet.upconvolution import upconvolve


# Sizes on both sides of the number of pixels from which kernels are merged.
@pytest.mark.parametrize('size', [(1, 1), (1, 5), (2, 7), (9, 11), (8, 16), (9, 20)])
def test_upconvolve_and_its_gradients_equal_upsampling_then_convolution(size):
    rng = np.random.RandomState(3)
    upstream = rng.standard_normal((2, 2 * size[0], 2 * size[1], 5)).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        features = tf.constant(rng.standard_normal((2,) + size + (4,)).astype(np.float32))
        weights = tf.constant(rng.standard_normal((3, 3, 4, 5)).astype(np.float32))
        after = tf.nn.conv2d(upsample_nearest(features), weights, strides=[1, 1, 1, 1],
                             padding='SAME')
        before = upconvolve(features, weights)
        assert before.shape.as_list() == after.shape.as_list() == list(upstream.shape)
        values = session.run([[output] + tf.gradients(output, [features, weights], upstream)
                              for output in (before, after)])
    for found, expected in zip(*values):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
