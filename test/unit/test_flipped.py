"""Predictions averaged with those on mirrored images, against the two halves taken one by one."""
import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tf_slim as slim

import golden_common
from geonet import flipped, geometry, model
from geonet.config import ModelConfig
from kitti_data.augmentation import mirrored_intrinsics
from kitti_data.formatted import multi_scale_intrinsics
from random_batch import random_batch

WIDTH = 56


def predictions(predict):
    """`predict` of `module`, inputs: on the images, on the mirrored ones, and their mean."""
    batch = random_batch(ModelConfig(img_height=32, img_width=WIDTH), 2)
    mirrored = {name: batch[name][:, :, ::-1] for name in ('target', 'sources')}
    mirrored['intrinsics'] = np.stack([
        multi_scale_intrinsics(mirrored_intrinsics(camera, WIDTH - 1))
        for camera in batch['intrinsics'][:, 0]])
    with tf.Graph().as_default(), tf.Session() as session:
        found = []
        for module, inputs in ((model, batch), (model, mirrored), (flipped, batch)):
            with tf.variable_scope('', reuse=tf.AUTO_REUSE):
                found.append(predict(
                    module, {name: tf.constant(value) for name, value in inputs.items()}))
        golden_common.fill_session(session, slim.get_model_variables())
        return session.run(found)


def test_the_mean_of_depth_is_that_of_the_disparities():
    config = ModelConfig(img_height=32, img_width=WIDTH, dispnet_encoder='vgg')
    plain, mirrored, mean = predictions(
        lambda module, inputs: module.predict_depth(inputs['target'], config))
    for ours, one, other in zip(mean, plain, mirrored):
        assert np.abs(1 / one - 1 / other).max() > 1e-3
        np.testing.assert_allclose(1 / ours, (1 / one + 1 / other[:, :, ::-1]) / 2, rtol=1e-4)


def test_the_mean_of_poses_is_taken_in_the_world_of_the_images():
    config = ModelConfig(img_height=32, img_width=WIDTH)
    plain, mirrored, mean = predictions(
        lambda module, inputs: module.predict_pose(inputs['target'], inputs['sources'], config))
    other = 2 * mean - plain
    assert np.abs(other - plain).max() > 1e-3 * np.abs(plain).max()
    with tf.Graph().as_default(), tf.Session() as session:
        back, seen = session.run([geometry.pose_matrix(tf.constant(pose.reshape(-1, 6)))
                                  for pose in (other, mirrored)])
    mirror = np.diag(np.float32([-1, 1, 1]))
    mirror_4 = np.diag(np.float32([-1, 1, 1, 1]))
    np.testing.assert_allclose(back, mirror @ seen @ mirror_4, atol=1e-5)


@pytest.mark.parametrize('flownet_type', ['direct', 'residual'])
def test_the_mean_of_flows_is_taken_in_the_images(flownet_type):
    config = ModelConfig(img_height=32, img_width=WIDTH, dispnet_encoder='vgg',
                         flownet_type=flownet_type)
    plain, mirrored, mean = predictions(lambda module, inputs: module.predict_flow(
        inputs['target'], inputs['sources'],
        inputs['intrinsics'] if flownet_type == 'residual' else None, config))
    for ours, one, other in zip(mean, plain, mirrored):
        wanted = (one + other[:, :, ::-1] * [-1, 1]) / 2
        assert np.abs(wanted - one).max() > 1e-3 * np.abs(one).max()
        np.testing.assert_allclose(ours, wanted, atol=1e-4 * np.abs(wanted).max())
