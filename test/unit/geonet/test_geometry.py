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
    flow, _ = geometry.rigid_flow(pyramid.flatten([tf.expand_dims(depth, -1)]),
                                  geometry.pixel_transform(pose, intrinsics), [size])
    return pyramid.unflatten(flow, [size])[0]


def sample(images, coordinates):
    """images [M, H, W, C] at coordinates [M, h, w, 2], h w <= H W -> [M, h, w, C]."""
    sizes = pyramid.sizes_of([images])
    batch, height, width, _ = coordinates.shape.as_list()
    count, grid = height * width, pyramid.pixel_grid(sizes)
    flow = tf.reshape(coordinates, [batch, count, 2]) - grid[:count]
    flow = tf.pad(flow, [[0, 0], [0, len(grid) - count], [0, 0]])
    samples = geometry.FlowSampler(flow, sizes)([images], range(batch))[:, :count]
    return tf.reshape(samples, [batch, height, width, -1])


def test_pose_vectors_become_the_published_matrices(numbers):
    found = run(geometry.pose_matrix, numbers['in_pose_vec'])
    assert_close(found, numbers['out_pose_vec2mat'][:, :3])


@pytest.mark.parametrize('motion', ['small', 'large'])
@pytest.mark.parametrize('direction', ['fwd', 'bwd'])
def test_rigid_flow_and_its_gradients_equal_the_published_ones(numbers, motion, direction):
    def flow_and_gradients(depth, pose, intrinsics):
        flow = rigid_flow(depth, pose, intrinsics, inverse=direction == 'bwd')
        return [flow] + tf.gradients(flow * numbers['in_rf_weight'], [depth, pose])

    found = run(flow_and_gradients, numbers['in_rf_depth'], numbers['in_rf_pose_' + motion],
                numbers['in_rf_intrinsics'])
    name = 'out_rigid_flow_%s_%s' % (motion, direction)
    assert_close(found[0], numbers[name])
    if motion == 'small':
        assert_close(found[1], numbers[name + '_grad_depth'])
        assert_close(found[2], numbers[name + '_grad_pose'])


def test_the_mirrored_world_has_the_mirrored_flow(numbers):
    intrinsics = numbers['in_rf_intrinsics'].copy()
    intrinsics[:, 0, 2] += 2.5  # a principal point that is not in the middle
    depth, pose = numbers['in_rf_depth'], numbers['in_rf_pose_large']
    flow = run(rigid_flow, depth, pose, intrinsics)
    mirrored = run(rigid_flow, depth[:, :, ::-1],
                   pose * np.float32([-1, 1, 1, 1, -1, -1]),
                   mirrored_intrinsics(intrinsics, depth.shape[2]))
    assert_close(mirrored, flow[:, :, ::-1] * np.float32([-1, 1]))


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
            depth, geometry.pixel_transform(pose, camera), sizes, exact)[0], sizes),
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


def test_samples_and_their_gradients_equal_the_published_ones(numbers):
    def samples_and_gradients(images, coordinates):
        samples = sample(images, coordinates)
        return [samples] + tf.gradients(samples * numbers['in_bs_weight'], [images, coordinates])

    samples, of_images, of_coordinates = run(samples_and_gradients, numbers['in_bs_imgs'],
                                             numbers['in_bs_coords'])
    assert_close(samples, numbers['out_bilinear_sampler'])
    assert_close(of_coordinates, numbers['out_bilinear_sampler_grad_coords'])
    # A point 10^6 pixels outside leaves the rounding of weights of 10^12 in the published
    # gradient of the corner next to it, where the true one has nothing.
    wanted, clean = numbers['out_bilinear_sampler_grad_imgs'], np.ones((2, 6, 8), bool)
    clean[0, 0, 0] = clean[0, 0, 7] = clean[0, 5, 7] = False
    assert_close(of_images[clean], wanted[clean])


def test_warps_and_their_gradients_equal_the_published_ones(numbers):
    def warp_and_gradients(image, flow):
        warped = geometry.flow_warp(image, flow)
        return [warped] + tf.gradients(warped * numbers['in_fw_weight'], [image, flow])

    image, flow = numbers['in_fw_img'], numbers['in_fw_flow']
    for found, name in zip(run(warp_and_gradients, image, flow), ('', '_grad_img', '_grad_flow')):
        assert_close(found, numbers['out_flow_warp' + name])
    assert_close(run(geometry.flow_warp, flow, flow), numbers['out_flow_warp_of_flow'])
    assert_close(run(geometry.flow_warp, image, np.zeros_like(flow)),
                 numbers['out_flow_warp_zero_flow'])


def test_one_sampler_reads_any_image_at_every_scale():
    rng = np.random.RandomState(5)
    sizes = [(8, 12), (4, 6)]
    levels = [rng.standard_normal((3,) + size + (2,)).astype(np.float32) for size in sizes]
    flows = [rng.uniform(-3, 3, (2,) + size + (2,)).astype(np.float32) for size in sizes]
    rows = [2, 0]

    def at_once(*tensors):
        flow = pyramid.flatten(tensors[2:])
        return pyramid.unflatten(geometry.FlowSampler(flow, sizes)(tensors[:2], rows), sizes)

    for found, level, flow in zip(run(at_once, *levels, *flows), levels, flows):
        np.testing.assert_allclose(found, run(geometry.flow_warp, level[rows], flow), atol=1e-5)


def test_no_coordinate_reads_outside_the_image(numbers):
    flow = numbers['in_fw_flow'].copy()
    flow[0, 0, :6, 0] = [np.nan, np.inf, -np.inf, 1e30, -1e30, 3e9]
    warped = run(geometry.flow_warp, numbers['in_fw_img'], flow)
    np.testing.assert_array_equal(warped[0, 0, 3:6], 0 * warped[0, 0, 3:6])
