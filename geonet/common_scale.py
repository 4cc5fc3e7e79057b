"""Gives the snippets of a path a common scale."""
import numpy as np
from scipy.linalg import solveh_banded

from kitti_data.poses import from_parts, relative

# Standard deviation of the logarithm of a snippet's scale. Wide, because the depths of successive
# frames have the same errors, and averaging many of them gains little.
_SCALE_SPREAD = 1.0
# The logarithm of the ratio of two neighbouring motions also has slow errors: its standard
# deviation is this multiple of its jumps from snippet to snippet, and at least this large.
_JUMP_FACTOR, _LEAST_SPREAD = 2.0, 0.005
# The road is not level, and the errors of its patches are alike: the standard deviation of a
# logarithm of a height is at least this, and this multiple of that of independent patches.
_LEAST_HEIGHT_SPREAD, _HEIGHT_FACTOR = 0.1, 10.0
# Heights have the errors of Student's t with this many degrees of freedom (cars hide the road).
_FREEDOM, _ITERATIONS = 4.0, 5


def with_common_scale(poses, log_heights, height_spreads):
    """Scales snippets so that they agree on shared motions and the height of the camera.

    The motions within a refined snippet have the right ratio, but its scale is that of a single
    depth map. Solves for the logarithms of the scales by iterated least squares, with a prior
    around 0: neighbours agree on the length of the motions they share, and the camera is at the
    same height above the road in all snippets.

    Args:
      poses: float64 [M, L, 4, 4], snippets that start at consecutive frames, each relative to its
        first frame; L is 3 or more.
      log_heights, height_spreads: float64 [M], see `refinement.Refined`.

    Returns:
      float64 [M, L, 4, 4].
    """
    if len(poses) == 1:
        return poses
    steps = np.linalg.norm(relative(poses[:, :-1], poses[:, 1:])[..., :3, 3], axis=-1)
    shared = np.stack([steps[:-1, 1:].mean(axis=1), steps[1:, :-1].mean(axis=1)])
    usual = max(np.median(steps), np.finfo(np.float64).tiny)
    # The motion of a car that hardly moves is noise, and gets little weight.
    known = np.minimum(shared.min(axis=0) / usual, 1) ** 2 * (
        _SCALE_SPREAD / _ratio_spread(np.maximum(steps, 1e-3 * usual))) ** 2
    ratios = np.diff(np.log(np.maximum(shared, 1e-3 * usual)), axis=0)[0]
    seen = np.isfinite(height_spreads)
    of_height = np.median(log_heights[seen]) - log_heights if seen.any() else log_heights
    precision = 1 / (_LEAST_HEIGHT_SPREAD ** 2 + (_HEIGHT_FACTOR * height_spreads) ** 2)
    weights = _SCALE_SPREAD ** 2 * precision
    between, pull = np.zeros([2, len(poses)]), np.zeros(len(poses))
    between[0, 1:] = -known
    between[1] = 1
    between[1, :-1] += known
    between[1, 1:] += known
    pull[:-1] += known * ratios
    pull[1:] -= known * ratios
    for _ in range(_ITERATIONS):
        logs = solveh_banded(between + [[0], [1]] * weights, pull + weights * of_height)
        weights = _SCALE_SPREAD ** 2 * precision * (_FREEDOM + 1) / (
            _FREEDOM + precision * (logs - of_height) ** 2)
    scales = np.exp(logs)
    return from_parts(poses[..., :3, :3], scales[:, np.newaxis, np.newaxis] * poses[..., :3, 3])


def _ratio_spread(steps):
    """Standard deviation of log ratios of neighbouring lengths, float64 [M, L - 1]: a number."""
    jumps = np.diff(np.diff(np.log(steps), axis=1), axis=0)
    return max(_LEAST_SPREAD, _JUMP_FACTOR * 1.4826 * np.median(np.abs(jumps)) / np.sqrt(2))
