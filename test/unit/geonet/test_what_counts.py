"""Options of the rigid losses: minimum reprojection, auto masking, geometry consistency."""
from unittest import mock

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import golden_common
from geonet import geometry, losses, model, pyramid
from geonet.config import ModelConfig
from published_helpers import run
from random_batch import random_batch
from vo_common.errors import UserError

SIZE = dict(img_height=32, img_width=64, dispnet_encoder='vgg')


def disparities_of(images, *unused):
    """In place of depth_net: disparities that follow from the brightness."""
    return [1.0 + 0.5 * level[..., :1] for level in pyramid.area_pyramid(images)]


def poses_of(images, *unused):
    """In place of pose_net: the same motion to every source."""
    batch_size, _, _, channels = images.shape.as_list()
    return tf.constant(np.tile(np.float32([0.1, 0, 0.2, 0, 0.02, 0]),
                               (batch_size, channels // 3 - 1, 1)))


def rigid_losses(batch, **flags):
    """(losses, tensors) of the training graph on `batch`, with stand-ins for both nets."""
    config = ModelConfig(**dict(SIZE, **flags))
    with tf.Graph().as_default(), tf.Session() as session, \
            mock.patch.object(model.nets, 'depth_net', disparities_of), \
            mock.patch.object(model.nets, 'pose_net', poses_of):
        output = model.rigid_training(
            {name: tf.constant(value) for name, value in batch.items()}, config)
        return session.run((output.losses, output.tensors))


@pytest.fixture(scope='module')
def batch():
    return random_batch(ModelConfig(**SIZE), 2)


def test_a_pixel_hidden_in_one_source_has_the_error_of_the_other():
    errors = np.float32([[[[3, 5]]], [[[1, 1]]], [[[0, 2]]], [[[7, 9]]]])  # 2 views of 2 rows
    found = run(lambda errors: losses.least_error(errors, 2), errors)
    np.testing.assert_array_equal(found, [[[[1]]], [[[1]]]])


def test_the_least_error_is_at_most_the_mean_over_sources(batch):
    mean, _ = rigid_losses(batch, target_depth_only=True)
    least, tensors = rigid_losses(batch, target_depth_only=True, minimum_reprojection=True)
    by_source = [error.mean(axis=-1).reshape(2, 2, *error.shape[1:3])
                 for error in tensors['errors']]
    expected = 2 * sum(error.min(axis=0).mean() for error in by_source)
    np.testing.assert_allclose(least['rigid_warp'], expected, rtol=1e-5)
    assert least['rigid_warp'] < mean['rigid_warp']


def test_auto_masking_ignores_a_static_scene(batch):
    frame = batch['frames'][..., :3]
    still = dict(batch, frames=np.concatenate([frame] * 3, axis=-1))
    found, _ = rigid_losses(still, auto_masking=True)
    assert found['rigid_warp'] == 0
    assert rigid_losses(still)[0]['rigid_warp'] > 0


def test_auto_masking_ignores_only_pixels_that_fit_better_unwarped():
    errors = np.float32([0.1, 0.3, 0.2]).reshape(1, 1, 3, 1)
    unmoved = np.float32([0.2, 0.2, 0.2]).reshape(1, 1, 3, 1)
    found = run(losses.explained_by_motion, errors, unmoved)
    np.testing.assert_array_equal(found.ravel(), [1, 0, 0])


@pytest.mark.parametrize('flags', [{}, dict(minimum_reprojection=True)])
def test_both_directions_count_alike_with_auto_masking(batch, flags):
    found, tensors = rigid_losses(batch, auto_masking=True, **flags)
    assert 0 < found['rigid_warp'] < rigid_losses(batch)[0]['rigid_warp']
    assert tensors['errors'][0].shape[0] == 8


def test_target_depth_only_gives_the_forward_half_of_all_outputs(batch):
    # In inference batch norm does not see which images share a batch.
    outputs = []
    for flag in (False, True):
        config = ModelConfig(target_depth_only=flag, **SIZE)
        with tf.Graph().as_default(), tf.Session() as session:
            output = model.rigid_training(
                {name: tf.constant(value) for name, value in batch.items()}, config, False)
            golden_common.fill_session(session, tf.model_variables())
            outputs.append(session.run(output.tensors))
    both, forward = outputs
    for name, rows in (('disparities', 2), ('rigid_flows', 4), ('warped', 4), ('errors', 4)):
        for whole, half in zip(both[name], forward[name]):
            assert len(half) == rows
            np.testing.assert_allclose(half, whole[:rows], atol=1e-3, err_msg=name)


def test_depths_of_one_rigid_scene_are_consistent():
    # A wall across the view, 8 m away; the camera moves 2 m nearer.
    size, intrinsics = (16, 24), np.float32([[[12, 0, 11.5], [0, 12, 7.5], [0, 0, 1]]])
    pose = np.float32([[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, -2]]])

    def inconsistency(far, near):
        depth = pyramid.flatten([far])
        transform = geometry.pixel_transform(tf.constant(pose), tf.constant(intrinsics))
        flow, moved = geometry.rigid_flow(depth, transform, [size])
        predicted = geometry.FlowSampler(flow, [size])([near], [0, 0])
        return moved, losses.depth_inconsistency(moved, predicted, [size])

    far = np.full((2, 16, 24, 1), 8, np.float32)
    moved, agreeing = run(inconsistency, far, far - 2)
    np.testing.assert_allclose(moved, 6, rtol=1e-5)
    np.testing.assert_allclose(agreeing, 0, atol=1e-6)
    _, twice_as_deep = run(inconsistency, far, 2 * (far - 2))
    np.testing.assert_allclose(twice_as_deep, 1 / 3, rtol=1e-5)


def test_points_outside_the_image_or_behind_the_camera_are_ignored():
    computed = np.float32([[[2.0], [-3.0]], [[1.0], [1.0]]])
    predicted = np.float32([[[0.0], [3.0]], [[0.0], [1.0]]])
    found, gradient = run(lambda a, b: (
        losses.depth_inconsistency(a, b, [(1, 2)]),
        tf.gradients(losses.depth_inconsistency(a, b, [(1, 2)]), a)[0]), computed, predicted)
    np.testing.assert_array_equal(found, [[0, 0]])
    assert np.isfinite(gradient).all()


def test_the_consistency_term_exists_only_with_a_weight(batch):
    assert list(rigid_losses(batch)[0]) == ['rigid_warp', 'disp_smooth']
    found, _ = rigid_losses(batch, geometry_consistency_weight=0.5)
    other, _ = rigid_losses(batch, geometry_consistency_weight=1.0)
    np.testing.assert_allclose(other['geometry_consistency'], 2 * found['geometry_consistency'],
                               rtol=1e-5)


def test_twice_as_many_sources_weigh_twice_as_much_in_both_terms(batch):
    found = []
    for sources in (2, 4):
        frames = np.concatenate([batch['frames'][..., :3]] + [batch['frames'][..., 3:6]] * sources,
                                axis=-1)
        found.append(rigid_losses(dict(batch, frames=frames), seq_length=sources + 1,
                                  geometry_consistency_weight=0.5)[0])
    for name in ('rigid_warp', 'geometry_consistency'):
        np.testing.assert_allclose(found[1][name], 2 * found[0][name], rtol=1e-4)


@pytest.mark.parametrize('flag, message', [
    ('scale_normalize', '--scale_normalize=true: must be false'),
    ('target_depth_only', '--target_depth_only')])
def test_geometry_consistency_is_refused_without_the_depths_it_compares(flag, message):
    with pytest.raises(UserError, match=message):
        ModelConfig(geometry_consistency_weight=0.5, **{flag: True})
