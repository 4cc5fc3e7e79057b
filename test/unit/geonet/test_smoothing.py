"""Smoothing of paths."""
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from geonet.smoothing import smoothed
from kitti_data.poses import from_parts, relative
from kitti_eval.snippets import snippets_of_trajectory


def path(steps):
    """float64 [N + 1, 4, 4] of steps [N, 4, 4]."""
    poses = [np.eye(4)]
    for step in steps:
        poses.append(poses[-1] @ step)
    return np.array(poses)


def arc(turn, lengths):
    """Snippets of a car that turns by `turn` radians a frame about the vertical."""
    half, whole = (Rotation.from_rotvec([0, part * turn, 0]) for part in (0.5, 1))
    steps = from_parts(np.tile(whole.as_matrix(), (len(lengths), 1, 1)),
                       np.outer(lengths, half.apply([0, 0.02, 1])))
    return snippets_of_trajectory(path(steps), 3)


@pytest.mark.parametrize('turn', [0, 0.05])
def test_a_path_of_constant_acceleration_stays_as_it_is_to_its_ends(turn):
    poses = arc(turn, 1 + 0.02 * np.arange(30))
    np.testing.assert_allclose(smoothed(poses, 2), poses, atol=1e-9)


def test_noise_of_steps_is_averaged_and_rotations_are_kept():
    poses, rng = arc(0.02, np.ones(60)), np.random.RandomState(1)
    steps = relative(poses[:, 0], poses[:, 1])
    noisy = steps.copy()
    noisy[:, :3, 3] += 0.05 * rng.randn(len(steps), 3)
    found = smoothed(snippets_of_trajectory(path(noisy), 3), 3)
    np.testing.assert_allclose(found[:, 1, :3, :3], noisy[:-1, :3, :3], atol=1e-9)
    before, after = (np.std(part[:, :3, 3] - steps[0, :3, 3]) for part in (noisy, found[:, 1]))
    assert after < 0.45 * before


def test_two_snippets_and_a_wide_window_need_no_more_frames():
    poses = arc(0.0, np.ones(4))
    np.testing.assert_allclose(smoothed(poses, 100), poses, atol=1e-9)
