"""Refinement of motions and depth on a snippet's images, in rendered scenes with known truth."""
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from geonet.refinement import Refiner
from kitti_data.poses import relative, transform_from_vector
from kitti_data.rendering.scene import CAMERA_HEIGHT, Scene

_STEPS = 20
_TARGETS = (3, 9)


@pytest.fixture(scope='module')
def scene():
    return Scene('00', 3, 12, 188, 620)


def snippet(scene, frame):
    """(three images, depth, true vectors [2, 6]) around a frame."""
    numbers = (frame - 1, frame, frame + 1)
    motions = np.array([relative(scene.cam_to_world(number), scene.cam_to_world(frame))
                        for number in (frame - 1, frame + 1)])
    angles = Rotation.from_matrix(motions[:, :3, :3]).as_euler('XYZ')
    depth = scene.depth(frame)
    depth = np.where(depth > 0, depth, 1000).astype(np.float32)  # of the sky
    return ([scene.image(number) for number in numbers], depth,
            np.concatenate([motions[:, :3, 3], angles], axis=1))


def disturbed(vectors):
    """Vectors with headings off by 2.5 degrees and turns off by 0.25 degrees."""
    lengths = np.linalg.norm(vectors[:, :3], axis=1, keepdims=True)
    off = np.array([[0.03, -0.03, 0.02], [-0.03, -0.03, 0.02]])
    return vectors + np.concatenate([lengths * off, [[0.0025, -0.0025, 0.0025]] * 2], axis=1)


def errors(found, expected):
    """(largest error of a heading, of a turn), degrees."""
    headings = [vectors[:, :3] / np.linalg.norm(vectors[:, :3], axis=1, keepdims=True)
                for vectors in (found, expected)]
    turns = [transform_from_vector(vectors)[:, :3, :3] for vectors in (found, expected)]
    between = Rotation.from_matrix(turns[0] @ np.swapaxes(turns[1], 1, 2))
    return (np.degrees(np.arccos(np.clip(np.sum(headings[0] * headings[1], 1), -1, 1))).max(),
            np.degrees(between.magnitude()).max())


def refined(camera, images, depth, vectors):
    """The `Refined` of images, None for those that are absent."""
    refine = Refiner(camera, _STEPS)
    return refine([None if image is None else refine.prepared(image) for image in images], depth,
                  vectors)


def with_waves(depth):
    """Depth [188, 620] that is wrong by a fifth, in waves of 94 and 69 pixels."""
    waves = np.sin(np.arange(620) / 15) * np.cos(np.arange(188)[:, np.newaxis] / 11)
    return (depth * np.exp(0.2 * waves)).astype(np.float32)


def depth_error(found, expected):
    """Mean absolute logarithm of found over true depth, scaled by the median, nearer than 40 m."""
    ratios = np.log(found / expected)[expected < 40]
    return np.abs(ratios - np.median(ratios)).mean()


@pytest.mark.parametrize('frame, contrast, offset', [(3, 1, 0), (9, 1, 0), (6, 0.7, 10)])
def test_perturbed_motions_converge_to_the_true_ones_whatever_the_exposure(
        scene, frame, contrast, offset):
    images, depth, vectors = snippet(scene, frame)
    images[2] = (contrast * images[2] + offset).astype(np.uint8)
    start = disturbed(vectors)
    assert errors(start, vectors)[0] > 2
    heading, turn = errors(refined(scene.intrinsics, images, depth, start).motions, vectors)
    assert heading < 0.4 and turn < 0.03


def test_directions_tolerate_local_depth_errors_of_a_fifth(scene):
    images, depth, vectors = snippet(scene, 6)
    heading, turn = errors(refined(scene.intrinsics, images, with_waves(depth),
                                   disturbed(vectors)).motions, vectors)
    assert heading < 0.6 and turn < 0.05


@pytest.mark.parametrize('frame', _TARGETS)
def test_local_errors_of_depth_shrink_by_two_fifths(scene, frame):
    images, depth, vectors = snippet(scene, frame)
    wrong = with_waves(depth)
    found = refined(scene.intrinsics, images, wrong, disturbed(vectors)).depth
    assert found.shape == depth.shape and found.dtype == np.float32
    assert depth_error(found, depth) < 0.6 * depth_error(wrong, depth)


def test_depth_coarser_than_the_images_suffices_and_is_refined_at_its_own_size(scene):
    images, depth, vectors = snippet(scene, 6)
    small = lambda values: 1 / (1 / values).reshape(47, 4, 155, 4).mean(axis=(1, 3))
    wrong = small(with_waves(depth))
    found = refined(scene.intrinsics, images, wrong, vectors).depth
    assert found.shape == (47, 155)
    assert depth_error(found, small(depth)) < 0.6 * depth_error(wrong, small(depth))
    motions = refined(scene.intrinsics, images, small(depth), disturbed(vectors)).motions
    assert errors(motions, vectors)[0] < 0.6


@pytest.mark.parametrize('absent', [0, 2])
def test_an_absent_frame_keeps_its_motion_and_the_other_is_refined(scene, absent):
    images, depth, vectors = snippet(scene, 6)
    images[absent], start, wrong = None, disturbed(vectors), with_waves(depth)
    motions, found = refined(scene.intrinsics, images, wrong, start)[:2]
    row = absent // 2
    np.testing.assert_array_equal(motions[row], start[row])
    heading, turn = errors(motions[[1 - row]], vectors[[1 - row]])
    assert heading < 0.8 and turn < 0.05
    assert depth_error(found, depth) < 0.6 * depth_error(wrong, depth)


def test_blank_images_keep_the_predicted_motion_and_depth():
    vectors = np.array([[0.1, 0, 1, 0, 0.01, 0], [0, 0, -1, 0, 0, 0.02]])
    blank = [np.full((60, 200, 3), 128, np.uint8)] * 3
    camera = Scene('00', 3, 2, 60, 200).intrinsics
    found = refined(camera, blank, np.ones((60, 200), np.float32), vectors)
    np.testing.assert_array_equal(found.motions, vectors)
    np.testing.assert_array_equal(found.depth, 1)
    assert found.height_spread == np.inf


def test_unrelated_images_change_motions_by_less_than_half_a_step_and_two_degrees(scene):
    _, depth, vectors = snippet(scene, 6)
    rng = np.random.RandomState(0)
    images = [rng.randint(0, 255, (188, 620, 3)).astype(np.uint8) for _ in range(3)]
    for start in (vectors, 0.02 * vectors):
        found = refined(scene.intrinsics, images, depth, start).motions
        lengths = np.linalg.norm(start[:, :3], axis=1, keepdims=True)
        assert (np.abs(found - start)[:, :3] <= 0.5 * lengths).all()
        assert np.abs(found - start)[:, 3:].max() < np.radians(2)


def test_a_stationary_car_stays_stationary_and_keeps_its_depth(scene):
    image, depth = scene.image(6), np.full((188, 620), 10, np.float32)
    vectors = np.full((2, 6), 1e-4)
    found = refined(scene.intrinsics, [image] * 3, depth, vectors)
    assert np.abs(found.motions).max() < 5e-4
    np.testing.assert_allclose(found.depth, depth, rtol=0.05)


@pytest.mark.parametrize('frame', _TARGETS)
@pytest.mark.parametrize('scale', [1.0, 0.2])
def test_the_height_of_the_camera_is_found_in_the_unit_of_the_motions(scene, frame, scale):
    images, depth, vectors = snippet(scene, frame)
    vectors[:, :3] *= scale
    found = refined(scene.intrinsics, images, scale * with_waves(depth), disturbed(vectors))
    assert np.exp(found.log_height) == pytest.approx(scale * CAMERA_HEIGHT, rel=0.06)
    assert found.height_spread < 0.03
