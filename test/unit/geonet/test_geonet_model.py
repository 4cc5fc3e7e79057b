"""Whole graphs without published results, compared with plain numpy and with each other."""
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import geonet_reference
import golden_common
from geonet import model
from geonet.config import ModelConfig
from random_batch import random_batch
from vo_common.errors import UserError


def run_training(build, config, batch_size, is_training=True):
    batch = random_batch(config, batch_size)
    with tf.Graph().as_default(), tf.Session() as session:
        output = build({name: tf.constant(value) for name, value in batch.items()}, config,
                       is_training)
        golden_common.fill_session(session, tf.model_variables())
        return batch, session.run((output.losses, output.tensors))


@pytest.mark.parametrize('size,seq_length,batch_size,normalize', [
    ((32, 56), 5, 1, False), ((37, 50), 3, 3, True)])
def test_rigid_losses_equal_plain_numpy(size, seq_length, batch_size, normalize):
    config = ModelConfig(img_height=size[0], img_width=size[1], seq_length=seq_length,
                         dispnet_encoder='vgg', scale_normalize=normalize)
    batch, (losses, tensors) = run_training(model.rigid_training, config, batch_size)
    wanted = geonet_reference.rigid_losses(batch, tensors['disparities'], tensors['poses'])
    for name in wanted:
        np.testing.assert_allclose(losses[name], wanted[name], rtol=1e-3, err_msg=name)
    if normalize:
        for disparity in tensors['disparities']:
            np.testing.assert_allclose(disparity.mean(axis=(1, 2)), 1, rtol=1e-4)


def test_flow_losses_equal_plain_numpy():
    config = ModelConfig(img_height=35, img_width=66, seq_length=5, dispnet_encoder='vgg')
    batch, (losses, tensors) = run_training(model.flow_training, config, 1)
    wanted = geonet_reference.flow_losses(batch, tensors['flows'])
    for name in wanted:
        np.testing.assert_allclose(losses[name], wanted[name], rtol=1e-3, err_msg=name)
    rigid = geonet_reference.pair_flows(tensors['disparities'], tensors['poses'],
                                        batch['intrinsics'])
    for scale, flows in enumerate(rigid):
        found = tensors['rigid_flows'][scale]
        stacked = np.concatenate([pair[direction] for direction in (0, 1) for pair in flows])
        assert np.quantile(np.abs(found - stacked), 0.99) < 1e-2


def test_predicted_residual_flow_equals_that_of_the_training_graph():
    config = ModelConfig(img_height=32, img_width=64, dispnet_encoder='vgg')
    batch = random_batch(config, 2)
    with tf.Graph().as_default(), tf.Session() as session:
        tensors = {name: tf.constant(value) for name, value in batch.items()}
        trained = model.flow_training(tensors, config, is_training=False).tensors['flows']
        frames = tensors['frames']
        with tf.variable_scope(tf.get_variable_scope(), reuse=True):
            predicted = model.predict_flow(frames[..., :3], frames[..., 3:],
                                           tensors['intrinsics'], config)
        golden_common.fill_session(session, tf.model_variables())
        trained, predicted = session.run([trained, predicted])
        assert not tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    for scale in range(4):
        np.testing.assert_allclose(predicted[scale], trained[scale][2:4], atol=1e-2)


@pytest.mark.parametrize('flag,value', [
    ('seq_length', 4), ('seq_length', 1), ('img_height', 8), ('img_width', 15),
    ('dispnet_encoder', 'resnet'), ('flownet_type', 'both'), ('alpha_recon_image', 1.5),
    ('initial_disparity', 5.5), ('initial_flow_gain', 0), ('initial_pose_gain', 1.5),
    ('initial_disparity', 0.01), ('rigid_warp_weight', -1.0), ('flow_consistency_beta', -0.1)])
def test_an_impossible_model_configuration_names_its_flag(flag, value):
    with pytest.raises(UserError, match='--' + flag):
        ModelConfig(**{flag: value})


def test_a_wrong_shape_is_refused_where_it_enters():
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match=r'target has shape \[2, 64, 200, 3\]'):
            model.predict_pose(tf.zeros([2, 64, 200, 3], tf.uint8),
                               tf.zeros([2, 64, 208, 6], tf.uint8),
                               ModelConfig(img_height=64, img_width=208))
