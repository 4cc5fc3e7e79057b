"""The constant-motion baseline: a car that drives straight on by the mean motion."""
import os

import numpy as np

from kitti_data import odometry
from kitti_data.poses import relative
from kitti_eval.truth import read_truth
from vo_common.errors import UserError

# Mean translation of inv(T_i) T_{i+1} over all 20 400 motions of KITTI's sequences 00 to 08, in
# metres in the camera's frame (right, down, forward).
KITTI_STEP = (-0.000627127568, -0.0175381973, 0.957446776)


def constant_motion(frames, step=KITTI_STEP):
    """Poses float64 [N, 4, 4], relative to the first, that advance by `step` without turning.

    Args:
      frames: number N of frames, or their ascending numbers [N].
      step: float [3], metres per frame in the camera's frame.
    """
    frames = np.arange(frames) if np.ndim(frames) == 0 else np.asarray(frames)
    poses = np.tile(np.eye(4), (len(frames), 1, 1))
    poses[:, :3, 3] = (frames - frames[0])[:, None] * np.asarray(step)
    return poses


def step_from_files(paths):
    """The mean translation float64 [3] between consecutive frames in pose files, and its label.

    All motions have equal weight. Without files, it is `KITTI_STEP`.
    """
    if not paths:
        return np.array(KITTI_STEP), 'constant motion (KITTI 00-08)'
    steps = []
    for path in paths:
        content = odometry.read_pose_file(path)
        frames = content.frames if content.times is None else read_truth(path)[0]
        motions = relative(content.poses[:-1], content.poses[1:])
        steps.append(motions[np.diff(frames) == 1, :3, 3])
    if not any(map(len, steps)):
        raise UserError('no two consecutive frames in %s' % ', '.join(paths))
    names = ','.join(os.path.splitext(os.path.basename(path))[0] for path in paths)
    return np.concatenate(steps).mean(axis=0), 'constant motion (%s)' % names
