"""Layers and nets: sizes, padding, upsampling, both modes of batch norm, initial weights."""
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from geonet import layers, nets
from geonet.layers import Layers


def numbers(*shape):
    return np.random.RandomState(0).standard_normal(shape).astype(np.float32)


def run(tensors):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(tensors)


@pytest.fixture(autouse=True)
def fresh_graph():
    with tf.Graph().as_default():
        yield


def kernel():
    return tf.trainable_variables()[0]


def test_batch_norm_updates_its_averages_only_in_training():
    features = tf.constant(numbers(4, 6, 6, 3) * 3 + 2)
    with tf.variable_scope('net'):
        Layers(norm_decay=0.999).conv(features, 2, 1, relu=False)
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    with tf.variable_scope('net', reuse=True):
        Layers(norm_decay=None).conv(features, 2, 1, relu=False)
    assert tf.get_collection(tf.GraphKeys.UPDATE_OPS) == updates and len(updates) == 2
    products = tf.nn.conv2d(features, kernel(), strides=[1, 1, 1, 1], padding='SAME')
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        products = session.run(products)
        session.run(updates)
        mean, variance = session.run(tf.model_variables()[2:])
    np.testing.assert_allclose(mean, 0.001 * products.mean((0, 1, 2)), rtol=1e-3)
    np.testing.assert_allclose(
        variance, 0.999 + 0.001 * products.reshape([-1, 2]).var(axis=0, ddof=1), rtol=1e-5)


def test_initial_weights_follow_xaviers_uniform_distribution():
    with tf.variable_scope('net'):
        Layers(norm_decay=0.999).conv(tf.zeros([1, 4, 4, 96]), 64, 3)
    weights = run(kernel())
    limit = np.sqrt(6 / (9 * (96 + 64)))
    assert weights.min() < -0.99 * limit and weights.max() > 0.99 * limit
    assert np.abs(weights).max() <= limit
    np.testing.assert_allclose(weights.std(), limit / np.sqrt(3), rtol=0.02)
    assert abs(weights.mean()) < 0.02 * limit


def test_initial_weights_depend_only_on_the_seed_and_the_layer_name():
    def weights(seed, name, ops_before=0):
        with tf.Graph().as_default():
            tf.set_random_seed(seed)
            for _ in range(ops_before):
                tf.no_op()
            with tf.variable_scope(name):
                layer = Layers(norm_decay=None)
                for _ in range(2):
                    layer.linear_conv(tf.zeros([1, 4, 4, 2]), 3, 3)
            return run(tf.trainable_variables()[::2])

    first, second = weights(1, 'net')
    np.testing.assert_array_equal(weights(1, 'net', ops_before=7), [first, second])
    others = [second] + weights(2, 'net') + weights(1, 'other_net')
    for other in others:
        assert np.all(other != first)


@pytest.mark.parametrize('encoder', ['resnet50', 'vgg', 'vgg128'])
@pytest.mark.parametrize('size', [(64, 208), (37, 101)])
def test_predictions_have_the_sizes_of_the_image_pyramid(encoder, size):
    disparities = nets.depth_net(tf.zeros((2,) + size + (3,)), encoder)
    assert [disparity.shape.as_list() for disparity in disparities] == [
        [2, size[0] >> scale, size[1] >> scale, 1] for scale in range(4)]


def test_vgg128_is_vgg_with_at_most_128_channels():
    def shapes(encoder):
        with tf.Graph().as_default():
            nets.depth_net(tf.zeros([1, 32, 64, 3]), encoder)
            return {variable.op.name: variable.shape.as_list()
                    for variable in tf.trainable_variables()
                    if variable.op.name.endswith('weights')}

    whole, small = shapes('vgg'), shapes('vgg128')
    assert list(whole) == list(small)
    for name, (_, size, _, channels) in whole.items():
        assert small[name][1] == size and small[name][3] == min(channels, 128)
    num_weights = [sum(np.prod(shape) for shape in found.values()) for found in (small, whole)]
    assert num_weights[0] < 0.12 * num_weights[1]


@pytest.mark.parametrize('encoder,initial,wanted', [
    ('resnet50', 0.0, 2.51), ('vgg', 0.0, 5.01), ('resnet50', 1.0, 1.0), ('vgg', 1.0, 1.0),
    ('vgg', 0.02, 0.02), ('resnet50', 5.0, 5.0)])
def test_initial_disparity_sets_the_disparity_of_an_untrained_net(encoder, initial, wanted):
    """A black image makes every feature 0 down to the coarsest disparity: its bias is left."""
    coarsest = run(nets.depth_net(tf.zeros([1, 32, 48, 3]), encoder, 0.999, initial)[-1])
    np.testing.assert_allclose(coarsest, wanted, rtol=1e-5)


@pytest.mark.parametrize('predict, gain, largest', [
    (nets.pose_net, 0.01, 1e-3), (lambda *inputs: nets.flow_net(*inputs)[-1], 0.25, 1)])
def test_initial_gain_scales_the_prediction_of_an_untrained_net(predict, gain, largest):
    found = []
    for factor in (1.0, gain):
        with tf.Graph().as_default():
            tf.set_random_seed(1)
            found.append(run(predict(tf.constant(numbers(2, 64, 128, 6)), 0.999, factor)))
    assert np.abs(found[0]).max() > largest
    np.testing.assert_allclose(found[1], gain * found[0], rtol=1e-3, atol=1e-4 * largest)


def test_reuse_adds_neither_variables_nor_weight_decay():
    images = tf.constant(numbers(1, 32, 64, 3))
    nets.pose_net(tf.concat([images] * 3, -1), norm_decay=0.999)
    decayed = len(layers.l2_loss().op.inputs[-1].op.inputs)
    with tf.variable_scope(tf.get_variable_scope(), reuse=True):
        nets.pose_net(tf.concat([images] * 3, -1))
    assert len(tf.global_variables()) == 7 * 4 + 2
    assert decayed == len(layers.l2_loss().op.inputs[-1].op.inputs) == 8


def test_disparity_stays_in_its_range():
    disparities = run(nets.depth_net(tf.constant(100 * numbers(1, 16, 32, 3)), 'vgg', 0.999))
    for disparity in disparities:
        assert disparity.min() >= 0.01 and disparity.max() <= 10.01
