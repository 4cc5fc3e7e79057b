"""Predictions averaged with those for mirrored images, compared with both computed separately."""
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import golden_common
from geonet import flipped, geometry, model
from geonet.config import ModelConfig
from kitti_data.mirror import mirrored_intrinsics
from random_batch import random_batch

WIDTH = 56


def predictions(predict):
    """`predict(module, target, sources, intrinsics)`: on images, mirrored ones, and the mean."""
    batch = random_batch(ModelConfig(img_height=32, img_width=WIDTH), 2)
    mirrored = {'frames': batch['frames'][:, :, ::-1],
                'intrinsics': mirrored_intrinsics(batch['intrinsics'], WIDTH)}
    with tf.Graph().as_default(), tf.Session() as session:
        found = []
        for module, inputs in ((model, batch), (model, mirrored), (flipped, batch)):
            with tf.variable_scope('', reuse=tf.AUTO_REUSE):
                frames = tf.constant(inputs['frames'])
                found.append(predict(module, frames[..., :3], frames[..., 3:],
                                     tf.constant(inputs['intrinsics'])))
        golden_common.fill_session(session, tf.model_variables())
        return session.run(found)


def test_flip_average_of_depth_averages_disparities():
    config = ModelConfig(img_height=32, img_width=WIDTH, dispnet_encoder='vgg')
    plain, mirrored, mean = predictions(
        lambda module, target, *_: module.predict_depth(target, config))
    for ours, one, other in zip(mean, plain, mirrored):
        assert np.abs(1 / one - 1 / other).max() > 1e-3
        np.testing.assert_allclose(1 / ours, (1 / one + 1 / other[:, :, ::-1]) / 2, rtol=1e-4)


def test_flip_average_of_poses_mirrors_the_second_pose_back():
    config = ModelConfig(img_height=32, img_width=WIDTH)
    plain, mirrored, mean = predictions(
        lambda module, target, sources, _: module.predict_pose(target, sources, config))
    other = 2 * mean - plain
    assert np.abs(other - plain).max() > 1e-3 * np.abs(plain).max()
    with tf.Graph().as_default(), tf.Session() as session:
        back, seen = session.run([geometry.pose_matrix(tf.constant(pose.reshape(-1, 6)))
                                  for pose in (other, mirrored)])
    mirror = np.diag(np.float32([-1, 1, 1]))
    mirror_4 = np.diag(np.float32([-1, 1, 1, 1]))
    np.testing.assert_allclose(back, mirror @ seen @ mirror_4, atol=1e-5)


@pytest.mark.parametrize('flownet_type', ['direct', 'residual'])
def test_flip_average_of_flow_mirrors_the_second_flow_back(flownet_type):
    config = ModelConfig(img_height=32, img_width=WIDTH, dispnet_encoder='vgg',
                         flownet_type=flownet_type)
    plain, mirrored, mean = predictions(
        lambda module, target, sources, intrinsics: module.predict_flow(
            target, sources, intrinsics if flownet_type == 'residual' else None, config))
    for ours, one, other in zip(mean, plain, mirrored):
        wanted = (one + other[:, :, ::-1] * [-1, 1]) / 2
        assert np.abs(wanted - one).max() > 1e-3 * np.abs(one).max()
        np.testing.assert_allclose(ours, wanted, atol=1e-4 * np.abs(wanted).max())
