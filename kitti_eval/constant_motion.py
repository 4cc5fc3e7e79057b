"""The constant-motion baseline: a car that drives straight on with the mean step."""
import os

import numpy as np

from kitti_data import odometry
from kitti_data.poses import relative
from vo_common.errors import UserError

# Mean of inv(T_i) T_{i+1}'s translation over all 20 400 steps of KITTI's sequences 00 to 08,
# metres in the camera's frame (right, down, forward).
KITTI_STEP = (-0.000627127568, -0.0175381973, 0.957446776)


def mean_step(trajectories):
    """The mean relative translation of consecutive frames.

    Args:
      trajectories: list of float64 [N, 4, 4] camera-to-world poses; all steps have equal weight.

    Returns:
      float64 [3], metres in the camera's frame.
    """
    steps = [relative(poses[:-1], poses[1:])[:, :3, 3] for poses in trajectories]
    return np.concatenate(steps).mean(axis=0)


def constant_motion(num_frames, step=KITTI_STEP):
    """float64 [N, 4, 4] camera-to-first-frame poses that advance by `step` without turning."""
    return constant_motion_at(np.arange(num_frames), step)


def constant_motion_at(frames, step=KITTI_STEP):
    """`constant_motion` at the frame numbers [N], relative to the first of them."""
    poses = np.tile(np.eye(4), (len(frames), 1, 1))
    poses[:, :3, 3] = (np.asarray(frames) - frames[0])[:, None] * np.asarray(step)
    return poses


def step_from_files(paths):
    """(mean step float64 [3], label) of consecutive frames in pose files; default: KITTI 00-08."""
    if not paths:
        return np.array(KITTI_STEP), 'constant motion (KITTI 00-08)'
    runs = []
    for path in paths:
        numbers, poses = odometry.read_poses_indexed(path)
        runs += np.split(poses, np.flatnonzero(np.diff(numbers) != 1) + 1)
    runs = [run for run in runs if len(run) > 1]
    if not runs:
        raise UserError('no two consecutive frames in %s' % ', '.join(paths))
    names = ','.join(os.path.splitext(os.path.basename(path))[0] for path in paths)
    return mean_step(runs), 'constant motion (%s)' % names
