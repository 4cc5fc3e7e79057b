"""The true poses of a sequence, each at its frame, and frames found by their times."""
import os

import numpy as np

from kitti_data import odometry
from vo_common.errors import UserError

MAX_TIME_DIFFERENCE = 0.01  # seconds


def read_truth(path, times_path=''):
    """Reads the truth of a sequence; a UserError if poses are not at times of the sequence.

    Args:
      path: pose file, see `odometry.read_pose_file`; without numbers line n is frame n. The frames
        of a TUM file are those with its times; if these are unknown, frames are as far apart as its
        times usually are.
      times_path: times of all frames of the sequence; empty is `odometry.times_of_poses`, if it
        exists.

    Returns (int64 [N] ascending frame numbers, float64 [N, 4, 4], {frame: seconds} or None).
    """
    content = odometry.read_pose_file(path)
    default = odometry.times_of_poses(path)
    if not times_path and not os.path.isfile(default):
        if content.times is None:
            return content.frames, content.poses, None
        numbers = _regular_frames(content.times)
        return numbers, content.poses, dict(zip(numbers.tolist(), content.times.tolist()))
    times_path = times_path or default
    times = odometry.read_times(times_path)
    known, numbers = dict(enumerate(times.tolist())), content.frames
    if content.times is not None:
        numbers = frames_at(content.times, known)
        unknown = np.flatnonzero(numbers < 0)
        if len(unknown):
            raise UserError('%s: pose %d is at %.6f s, must be at a time in %s' % (
                path, unknown[0] + 1, content.times[unknown[0]], times_path))
    elif numbers[-1] >= len(times):
        raise UserError('%s has %d times, but %s has poses up to frame %d' % (
            times_path, len(times), path, numbers[-1]))
    return numbers, content.poses, known


def _regular_frames(times):
    """Frame numbers int64 [N] of ascending times, if usually no frame lies between two of them."""
    steps = np.diff(times)
    if not len(steps):
        return np.zeros(len(times), np.int64)
    gaps = np.maximum(np.rint(steps / np.median(steps)), 1).astype(np.int64)
    return np.concatenate([[0], np.cumsum(gaps)])


def frames_at(wanted, times):
    """The frame at each time: int64 [N], with a unique negative number if there is none."""
    frames = np.array(sorted(times))
    pairs = match_times([times[frame] for frame in frames], wanted)
    found = -10 ** 10 - 2 * np.arange(len(wanted))  # no two are consecutive
    found[pairs[:, 1]] = frames[pairs[:, 0]]
    return found


def match_times(times_a, times_b):
    """Pairs nearest times, ascending seconds, less than 0.01 s apart, each in its closest pair.

    Returns int [K, 2] indices into the two, ascending.
    """
    times_a, times_b = np.asarray(times_a), np.asarray(times_b)
    nearest = np.searchsorted((times_a[1:] + times_a[:-1]) / 2, times_b)
    distances = np.abs(times_a[nearest] - times_b)
    order = np.argsort(distances, kind='stable')
    chosen = order[np.unique(nearest[order], return_index=True)[1]]
    chosen = chosen[distances[chosen] < MAX_TIME_DIFFERENCE]
    return np.stack([nearest[chosen], chosen], axis=1)
