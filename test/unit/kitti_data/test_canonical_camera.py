"""Motions of the canonical camera, brought to others by what they do to the image."""
import numpy as np
import pytest

from kitti_data.canonical_camera import camera_of, convert_motions, shares_of
from kitti_data.poses import rotation_from_euler, transform_from_vector

SHARES = (0.58, 1.92, 0.49, 0.48)
CANONICAL = camera_of(SHARES, 64, 208)
OTHER = np.array([[119.0, 0, 103.5], [0, 122.0, 29.0], [0, 0, 1]])
WIDER = np.array([[60.0, 0, 99.0], [0, 70.0, 33.0], [0, 0, 1]])
POINTS = np.random.RandomState(1).uniform([0, 0, 4], [207, 63, 40], (50, 3))  # x, y, depth


def moved(camera, vector, points=POINTS):
    """Where the pixels [P, 3], (x, y, depth), of `camera` go: [P, 2]."""
    x, y, depth = points.T
    rays = np.linalg.solve(camera, np.stack([x, y, np.ones_like(x)])) * depth
    transform = transform_from_vector(vector)
    pixels = camera @ (transform[:3, :3] @ rays + transform[:3, 3:])
    return (pixels[:2] / pixels[2]).T


def test_the_canonical_camera_scales_with_the_image():
    np.testing.assert_allclose(CANONICAL, [[120.64, 0, 101.42], [0, 122.88, 30.22], [0, 0, 1]])
    larger = camera_of(SHARES, 128, 416)
    np.testing.assert_allclose((larger[:2, 2] + 0.5) / 2, CANONICAL[:2, 2] + 0.5)
    np.testing.assert_allclose(shares_of(larger, 128, 416), SHARES)


@pytest.mark.parametrize('camera', [OTHER, WIDER])
def test_a_translation_moves_every_pixel_as_before(camera):
    vector = np.array([0.1, -0.05, -1.0, 0, 0, 0])
    found = convert_motions(camera, vector, CANONICAL)
    np.testing.assert_allclose(moved(camera, found), moved(CANONICAL, vector), atol=1e-9)
    assert np.abs(found - vector).max() > 0.005


@pytest.mark.parametrize('camera', [OTHER, WIDER])
def test_a_turn_moves_the_axis_as_before_and_the_image_nearly(camera):
    vector = np.array([0, 0, 0, 0.01, 0.05, -0.02])
    found = convert_motions(camera, vector, CANONICAL)
    axis = np.array([[camera[0, 2], camera[1, 2], 1.0]])
    np.testing.assert_allclose(moved(camera, found, axis), moved(CANONICAL, vector, axis),
                               atol=1e-9)
    near = POINTS[np.abs(POINTS[:, 0] - camera[0, 2]) < 30]

    def error(pose):
        return np.abs(moved(camera, pose, near) - moved(CANONICAL, vector, near)).mean()

    # Left as it was it moves the image otherwise.
    assert error(found) < 0.5 * error(vector)


def test_a_motion_of_the_same_camera_is_unchanged():
    vectors = np.random.RandomState(2).uniform(-0.5, 0.5, (7, 2, 6))
    vectors[0, 0] = 0
    np.testing.assert_allclose(convert_motions(CANONICAL, vectors, CANONICAL), vectors, atol=1e-12)
    rotations = rotation_from_euler(convert_motions(OTHER, vectors, CANONICAL)[..., 3:])
    np.testing.assert_allclose(rotations @ np.swapaxes(rotations, -1, -2),
                               np.tile(np.eye(3), (7, 2, 1, 1)), atol=1e-12)
