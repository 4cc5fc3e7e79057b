"""Smooths the steps of a path: a car cannot change its speed or direction from frame to frame."""
import numpy as np
from scipy.spatial.transform import Rotation

from kitti_data.poses import from_parts, relative
from kitti_eval.snippets import chain_snippets, snippets_of_trajectory


def smoothed(poses, spread):
    """Smooths the translations of chained snippets; rotations stay the means of the snippets.

    Each translation becomes the value there of a line fitted to its neighbours, which are weighted
    by a Gaussian. Seen from half of the turn, a translation changes slowly in curves as well.

    Args:
      poses: float64 [M, L, 4, 4], snippets that start at consecutive frames, each relative to its
        first frame.
      spread: standard deviation of the Gaussian, frames, above 0.

    Returns:
      float64 [M, L, 4, 4].
    """
    _, trajectory = chain_snippets(dict(enumerate(poses)), overlap='mean')
    steps = relative(trajectory[:-1], trajectory[1:])
    half_turns = Rotation.from_rotvec(0.5 * Rotation.from_matrix(steps[:, :3, :3]).as_rotvec())
    translations = half_turns.apply(_lines(half_turns.inv().apply(steps[:, :3, 3]), spread))
    path = [np.eye(4)]
    for step in from_parts(steps[:, :3, :3], translations):
        path.append(path[-1] @ step)
    return snippets_of_trajectory(np.array(path), poses.shape[1])


def _lines(values, spread):
    """float64 [N, C]: at each of N places the value of a line fitted to its neighbours."""
    places = np.arange(len(values))
    fitted = np.empty_like(values)
    for place in places:
        away = places - place
        near = np.abs(away) <= 4 * spread
        weights = np.exp(-0.25 * (away[near] / spread) ** 2)[:, np.newaxis]
        line = np.stack([np.ones(near.sum()), away[near]], axis=1)
        fitted[place] = np.linalg.lstsq(line * weights, values[near] * weights, rcond=None)[0][0]
    return fitted
