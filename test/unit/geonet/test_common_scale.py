"""Snippets of a path get a common scale."""
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from geonet.common_scale import with_common_scale
from kitti_data.poses import chain, from_parts
from kitti_eval.snippets import snippets_of_trajectory


def arc(turn, lengths):
    """Snippets of a car that turns by `turn` radians a frame about the vertical."""
    half, whole = (Rotation.from_rotvec([0, part * turn, 0]) for part in (0.5, 1))
    steps = from_parts(np.tile(whole.as_matrix(), (len(lengths), 1, 1)),
                       np.outer(lengths, half.apply([0, 0.02, 1])))
    return snippets_of_trajectory(chain(steps), 3)


def unscaled(poses):
    """`with_common_scale` of snippets [M, L, 4, 4] whose cameras' heights are unknown."""
    return with_common_scale(poses, np.zeros(len(poses)), np.full(len(poses), np.inf))


def scaled(poses, factors):
    """Snippets [M, L, 4, 4] whose translations are multiplied by the factors [M]."""
    found = poses.copy()
    found[..., :3, 3] *= np.reshape(factors, [-1, 1, 1])
    return found


@pytest.mark.parametrize('length', [3, 5])
def test_snippets_of_different_scales_get_a_common_scale(length):
    rng = np.random.RandomState(2)
    lengths = 1 + 0.5 * np.sin(np.arange(60) / 8)
    steps = from_parts(np.tile(Rotation.from_rotvec([0, 0.02, 0]).as_matrix(), (60, 1, 1)),
                       np.outer(lengths, [0.1, 0, 1]))
    poses = snippets_of_trajectory(chain(steps), length)
    found = unscaled(scaled(poses, np.exp(0.2 * rng.randn(len(poses)))))
    factors = found[:, -1, 2, 3] / poses[:, -1, 2, 3]
    assert np.std(np.log(factors)) < 0.03 and abs(np.mean(np.log(factors))) < 0.1
    np.testing.assert_array_equal(found[..., :3, :3], poses[..., :3, :3])


def test_snippets_that_agree_keep_their_scale():
    poses = arc(0.02, 1 + 0.02 * np.arange(30))
    np.testing.assert_allclose(unscaled(poses), poses, atol=1e-9)


def test_a_stop_changes_no_scale_and_a_single_snippet_is_enough():
    lengths = np.ones(40)
    lengths[15:25] = 1e-4 * np.abs(np.random.RandomState(3).randn(10))
    poses = arc(0.0, lengths)
    np.testing.assert_allclose(unscaled(poses), poses, atol=1e-6)
    np.testing.assert_allclose(unscaled(poses[:1]), poses[:1], atol=1e-12)
    assert np.isfinite(unscaled(scaled(poses, np.zeros(len(poses))))).all()


def test_scales_do_not_drift_if_step_ratios_are_noisy():
    rng, poses = np.random.RandomState(3), arc(0.0, np.ones(80))
    noisy = poses.copy()
    noisy[:, 2, :3, 3] *= np.exp(0.1 * rng.randn(len(poses)))[:, np.newaxis]
    found = np.linalg.norm(unscaled(noisy)[:, 1, :3, 3], axis=1)
    # A chain of such ratios alone would wander by 0.1 * sqrt(80) * 2.
    assert np.std(np.log(found)) < 0.3


def drifting(count=120):
    """Snippets of equal steps whose scale drifts by 0.6, and their factors [M]."""
    rng, poses = np.random.RandomState(5), arc(0.0, np.ones(count))
    factors = np.exp(np.linspace(-0.3, 0.3, len(poses)) + 0.2 * rng.randn(len(poses)))
    found = scaled(poses, factors)
    # The step ratio of each snippet is wrong by the drift.
    found[:, 2, 2, 3] = found[:, 1, 2, 3] * (2 + 0.6 / len(poses))
    return found, factors


def spread(poses):
    """Standard deviation of the logarithm of the first steps."""
    return np.std(np.log(poses[:, 1, 2, 3]))


def test_the_height_of_the_camera_stops_a_drift():
    poses, factors = drifting()
    rng = np.random.RandomState(6)
    heights = np.log(1.65 * factors) + 0.05 * rng.randn(len(poses))
    found = with_common_scale(poses, heights, np.full(len(poses), 0.005))
    assert spread(found) < 0.05 and spread(found) < 0.3 * spread(unscaled(poses))


def test_heights_that_cars_hide_or_that_are_uncertain_do_not_matter():
    poses, factors = drifting()
    heights, spreads = np.log(1.65 * factors), np.full(len(poses), 0.005)
    expected = with_common_scale(poses, heights, spreads)
    heights[30:36] += 1.0
    hidden = with_common_scale(poses, heights, spreads)
    np.testing.assert_allclose(hidden[:, 1, 2, 3], expected[:, 1, 2, 3], rtol=0.05)
    spreads[30:36] = np.inf
    heights[30:36] += 9.0
    unknown = with_common_scale(poses, heights, spreads)
    np.testing.assert_allclose(unknown[:, 1, 2, 3], expected[:, 1, 2, 3], rtol=0.03)
