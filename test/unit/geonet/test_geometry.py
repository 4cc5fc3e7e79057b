"""Poses, rigid flow and warps equal the published functions and closed-form answers."""
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from geonet import geometry, pyramid
from kitti_data.mirror import mirrored_intrinsics
from published_helpers import assert_close, run


def rigid_flow(depth, pose_vector, intrinsics, inverse=False):
    """Of one scale: depth [M, H, W] -> [M, H, W, 2]."""
    size = tuple(depth.shape.as_list()[1:])
    pose = geometry.pose_matrix(pose_vector)
    pose = geometry.invert_pose(pose) if inverse else pose
    flow = geometry.rigid_flow(pyramid.flatten([tf.expand_dims(depth, -1)]),
                               geometry.pixel_transform(pose, intrinsics), [size])
    return pyramid.unflatten(flow, [size])[0]


def sample(images, coordinates):
    """images [M, H, W, C] at coordinates [M, h, w, 2] -> [M, h, w, C]."""
    batch, height, width, _ = coordinates.shape.as_list()
    sampler = geometry.BilinearSampler(
        tf.reshape(coordinates, [batch, height * width, 2]), pyramid.sizes_of([images]),
        [height * width])
    return tf.reshape(sampler([images], range(batch)), [batch, height, width, -1])


def test_pose_vectors_become_the_published_matrices(numbers):
    found = run(geometry.pose_matrix, numbers['in_pose_vec'])
    assert_close(found, numbers['out_pose_vec2mat'][:, :3])


def test_a_pose_and_its_inverse_cancel(numbers):
    pose, inverse = run(lambda vector: (geometry.pose_matrix(vector), geometry.invert_pose(
        geometry.pose_matrix(vector))), numbers['in_pose_vec'])
    bottom = np.tile([[[0, 0, 0, 1]]], (len(pose), 1, 1))
    product = np.concatenate([pose, bottom], 1) @ np.concatenate([inverse, bottom], 1)
    np.testing.assert_allclose(product, np.tile(np.eye(4), (len(pose), 1, 1)), atol=1e-5)


def test_intrinsics_are_inverted(numbers):
    inverse = run(geometry.invert_intrinsics, numbers['in_ms_intrinsics'])
    np.testing.assert_allclose(inverse @ numbers['in_ms_intrinsics'],
                               np.tile(np.eye(3), (3, 1, 1)), atol=1e-5)


@pytest.mark.parametrize('motion', ['small', 'large'])
@pytest.mark.parametrize('direction', ['fwd', 'bwd'])
def test_rigid_flow_equals_the_published_one(numbers, motion, direction):
    found = run(lambda *arguments: rigid_flow(*arguments, inverse=direction == 'bwd'),
                numbers['in_rf_depth'], numbers['in_rf_pose_' + motion],
                numbers['in_rf_intrinsics'])
    assert_close(found, numbers['out_rigid_flow_%s_%s' % (motion, direction)])


def test_the_mirrored_world_has_the_mirrored_flow(numbers):
    intrinsics = numbers['in_rf_intrinsics'].copy()
    intrinsics[:, 0, 2] += 2.5  # a principal point that is not in the middle
    depth, pose = numbers['in_rf_depth'], numbers['in_rf_pose_large']
    flow = run(rigid_flow, depth, pose, intrinsics)
    mirrored = run(rigid_flow, depth[:, :, ::-1],
                   pose * np.float32([-1, 1, 1, 1, -1, -1]),
                   mirrored_intrinsics(intrinsics, depth.shape[2]))
    assert_close(mirrored, flow[:, :, ::-1] * np.float32([-1, 1]))


@pytest.mark.parametrize('direction', ['fwd', 'bwd'])
def test_rigid_flow_has_the_published_gradients(numbers, direction):
    def gradients(depth, pose, intrinsics):
        flow = rigid_flow(depth, pose, intrinsics, inverse=direction == 'bwd')
        return tf.gradients(tf.reduce_sum(flow * numbers['in_rf_weight']), [depth, pose])

    found = run(gradients, numbers['in_rf_depth'], numbers['in_rf_pose_small'],
                numbers['in_rf_intrinsics'])
    for value, name in zip(found, ('depth', 'pose')):
        assert_close(value, numbers['out_rigid_flow_small_%s_grad_%s' % (direction, name)])


def test_rigid_flow_at_all_scales_equals_that_of_each_scale_alone(numbers):
    rng = np.random.RandomState(3)
    sizes = [(12, 20), (6, 10), (3, 5)]
    depths = [rng.uniform(1, 5, (2,) + size).astype(np.float32) for size in sizes]
    pose, intrinsics = numbers['in_rf_pose_small'], numbers['in_rf_intrinsics']

    def at_once(pose, intrinsics, *depths):
        transform = geometry.pixel_transform(geometry.pose_matrix(pose), intrinsics)
        flat = pyramid.flatten([tf.expand_dims(depth, -1) for depth in depths])
        return pyramid.unflatten(geometry.rigid_flow(flat, transform, sizes), sizes)

    for scale, found in enumerate(run(at_once, pose, intrinsics, *depths)):
        own = intrinsics.copy()
        own[:, :2] /= 2 ** scale
        wanted = run(rigid_flow, depths[scale], pose, own)
        np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_all_scales_see_the_same_direction_of_travel_with_half_pixel_centers():
    # Forward, a little to the right and down: the image grows around one place, which does not
    # move; in a smaller scale this is where the resized image has it.
    sizes, still = [(32, 48), (16, 24), (8, 12)], np.float32([27.5, 12.0])
    intrinsics = np.float32([[[40, 0, 23.5], [0, 40, 15.5], [0, 0, 1]]])
    heading = np.append((still - intrinsics[0, :2, 2]) / 40, 1)
    transform = np.concatenate([np.eye(3), -heading[:, np.newaxis]], 1)[np.newaxis]

    def flows(exact):
        depth = np.full((1, sum(h * w for h, w in sizes), 1), 10, np.float32)
        return run(lambda depth, pose, camera: pyramid.unflatten(geometry.rigid_flow(
            depth, geometry.pixel_transform(pose, camera), sizes, exact), sizes),
                   depth, transform.astype(np.float32), intrinsics)

    def seen_from(flow):
        """Where the flow of a scale comes from, in its own pixels, by its two middle lines."""
        x, y = flow[0, 0, :, 0], flow[0, :, 0, 1]
        return np.array([np.interp(0, values, np.arange(len(values))) for values in (x, y)])

    for scale, flow in enumerate(flows(True)):
        np.testing.assert_allclose(seen_from(flow), (still + 0.5) / 2 ** scale - 0.5,
                                   atol=1e-3)
    published = flows(False)[2]
    np.testing.assert_allclose(seen_from(published), still / 4, atol=1e-3)


def test_a_camera_at_rest_sees_no_flow(numbers):
    still = np.zeros((2, 6), np.float32)
    found = run(rigid_flow, numbers['in_rf_depth'], still, numbers['in_rf_intrinsics'])
    np.testing.assert_allclose(found, np.zeros_like(found), atol=1e-5)


def test_sampling_equals_the_published_sampler(numbers):
    found = run(sample, numbers['in_bs_imgs'], numbers['in_bs_coords'])
    assert_close(found, numbers['out_bilinear_sampler'])


def test_sampling_has_the_published_gradients(numbers):
    def gradients(images, coordinates):
        values = sample(images, coordinates) * numbers['in_bs_weight']
        return tf.gradients(tf.reduce_sum(values), [images, coordinates])

    of_images, of_coordinates = run(gradients, numbers['in_bs_imgs'], numbers['in_bs_coords'])
    assert_close(of_coordinates, numbers['out_bilinear_sampler_grad_coords'])
    # A point 10^6 pixels outside leaves the rounding of weights of 10^12 in the published
    # gradient of the corner next to it, where the true one has nothing.
    wanted, clean = numbers['out_bilinear_sampler_grad_imgs'], np.ones((2, 6, 8), bool)
    clean[0, 0, 0] = clean[0, 0, 7] = clean[0, 5, 7] = False
    assert_close(of_images[clean], wanted[clean])


def test_warps_equal_the_published_ones(numbers):
    image, flow = numbers['in_fw_img'], numbers['in_fw_flow']
    assert_close(run(geometry.flow_warp, image, flow), numbers['out_flow_warp'])
    assert_close(run(geometry.flow_warp, flow, flow), numbers['out_flow_warp_of_flow'])
    assert_close(run(geometry.flow_warp, image, np.zeros_like(flow)),
                 numbers['out_flow_warp_zero_flow'])


def test_warps_have_the_published_gradients(numbers):
    def gradients(image, flow):
        values = geometry.flow_warp(image, flow) * numbers['in_fw_weight']
        return tf.gradients(tf.reduce_sum(values), [image, flow])

    of_image, of_flow = run(gradients, numbers['in_fw_img'], numbers['in_fw_flow'])
    assert_close(of_image, numbers['out_flow_warp_grad_img'])
    assert_close(of_flow, numbers['out_flow_warp_grad_flow'])


def test_a_flow_of_whole_pixels_moves_the_image(numbers):
    image = numbers['in_fw_img']
    flow = np.tile(np.float32([3, -2]), image.shape[:3] + (1,))
    warped = run(geometry.flow_warp, image, flow)
    np.testing.assert_allclose(warped[:, 2:, :-4], image[:, :-2, 3:-1], atol=1e-6)
    np.testing.assert_array_equal(warped[:, :2], 0 * warped[:, :2])
    np.testing.assert_array_equal(warped[:, :, -4:], 0 * warped[:, :, -4:])


def test_one_sampler_reads_any_image_at_every_scale():
    rng = np.random.RandomState(5)
    sizes = [(8, 12), (4, 6)]
    levels = [rng.standard_normal((3,) + size + (2,)).astype(np.float32) for size in sizes]
    flows = [rng.uniform(-3, 3, (2,) + size + (2,)).astype(np.float32) for size in sizes]
    rows = [2, 0]

    def at_once(*tensors):
        flow = pyramid.flatten(tensors[2:])
        return pyramid.unflatten(geometry.flow_sampler(flow, sizes)(tensors[:2], rows), sizes)

    for found, level, flow in zip(run(at_once, *levels, *flows), levels, flows):
        np.testing.assert_allclose(found, run(geometry.flow_warp, level[rows], flow), atol=1e-5)


def test_no_coordinate_reads_outside_the_image(numbers):
    flow = numbers['in_fw_flow'].copy()
    flow[0, 0, :6, 0] = [np.nan, np.inf, -np.inf, 1e30, -1e30, 3e9]
    warped = run(geometry.flow_warp, numbers['in_fw_img'], flow)
    np.testing.assert_array_equal(warped[0, 0, 3:6], 0 * warped[0, 0, 3:6])


def test_coordinates_that_do_not_fit_the_sizes_are_refused():
    with pytest.raises(ValueError, match='cannot sample'):
        geometry.BilinearSampler(tf.zeros([1, 5, 2]), [(4, 4)], [6])
