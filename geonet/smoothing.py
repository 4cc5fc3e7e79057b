"""Gives the snippets of a path a common scale, and smooths its translations."""
import numpy as np
from scipy.linalg import solveh_banded
from scipy.spatial.transform import Rotation

from kitti_data.poses import chain, from_parts, relative
from kitti_eval.snippets import chain_snippets, snippets_of_trajectory

# Standard deviation of the logarithm of a snippet's scale. Wide, because the depths of successive
# frames have the same errors, and averaging many of them gains little.
_SCALE_SPREAD = 1.0
# The logarithm of the ratio of two neighbouring steps also has slow errors: its standard deviation
# is this multiple of its jumps from snippet to snippet, and at least this large.
_JUMP_FACTOR, _LEAST_SPREAD = 2.0, 0.005


def with_common_scale(poses):
    """Scales snippets so that neighbours agree on the length of the motions they share.

    The steps within a refined snippet have the right ratio, but its scale is that of a single depth
    map. Solves for the logarithms of the scales by least squares, with a prior around 0.

    Args:
      poses: float64 [M, L, 4, 4], snippets that start at consecutive frames, each relative to its
        first frame; L is 3 or more.

    Returns:
      float64 [M, L, 4, 4].
    """
    if len(poses) == 1:
        return poses
    steps = np.linalg.norm(relative(poses[:, :-1], poses[:, 1:])[..., :3, 3], axis=-1)
    shared = np.stack([steps[:-1, 1:].mean(axis=1), steps[1:, :-1].mean(axis=1)])
    usual = max(np.median(steps), np.finfo(np.float64).tiny)
    # The step length of a car that hardly moves is noise, and gets little weight.
    known = np.minimum(shared.min(axis=0) / usual, 1) ** 2 * (
        _SCALE_SPREAD / _ratio_spread(np.maximum(steps, 1e-3 * usual))) ** 2
    ratios = np.diff(np.log(np.maximum(shared, 1e-3 * usual)), axis=0)[0]
    between = np.zeros([2, len(poses)])
    between[0, 1:] = -known
    between[1] = 1
    between[1, :-1] += known
    between[1, 1:] += known
    pull = np.zeros(len(poses))
    pull[:-1] += known * ratios
    pull[1:] -= known * ratios
    scales = np.exp(solveh_banded(between, pull))
    return from_parts(poses[..., :3, :3], scales[:, np.newaxis, np.newaxis] * poses[..., :3, 3])


def _ratio_spread(steps):
    """Standard deviation of log ratios of neighbouring steps, float64 [M, L - 1]: a number."""
    jumps = np.diff(np.diff(np.log(steps), axis=1), axis=0)
    return max(_LEAST_SPREAD, _JUMP_FACTOR * 1.4826 * np.median(np.abs(jumps)) / np.sqrt(2))


def smoothed(poses, spread):
    """Smooths the translations of chained snippets; rotations are the means over the snippets.

    Fits a line to the neighbours of each translation, with Gaussian weights, and evaluates it
    there. Translations are expressed in the frame halfway through the turn, where they change
    slowly in curves as well.

    Args:
      poses: float64 [M, L, 4, 4], snippets that start at consecutive frames, each relative to its
        first frame.
      spread: standard deviation of the Gaussian in frames, above 0.

    Returns:
      float64 [M, L, 4, 4].
    """
    _, trajectory = chain_snippets(dict(enumerate(poses)), overlap='mean')
    steps = relative(trajectory[:-1], trajectory[1:])
    half_turns = Rotation.from_rotvec(0.5 * Rotation.from_matrix(steps[:, :3, :3]).as_rotvec())
    translations = half_turns.apply(_lines(half_turns.inv().apply(steps[:, :3, 3]), spread))
    path = chain(from_parts(steps[:, :3, :3], translations))
    return snippets_of_trajectory(path, poses.shape[1])


def _lines(values, spread):
    """Evaluates, at each of N places, a line fitted to its neighbours: float64 [N, C]."""
    places = np.arange(len(values))
    fitted = np.empty_like(values)
    for place in places:
        away = places - place
        near = np.abs(away) <= 4 * spread
        weights = np.exp(-0.25 * (away[near] / spread) ** 2)[:, np.newaxis]
        line = np.stack([np.ones(near.sum()), away[near]], axis=1)
        fitted[place] = np.linalg.lstsq(line * weights, values[near] * weights, rcond=None)[0][0]
    return fitted
