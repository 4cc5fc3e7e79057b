"""A drive defined by formulas."""
import numpy as np

from kitti_data import poses


def winding(num_frames, seed=0, step=1.0):
    """[N, 4, 4] camera-to-world poses of a drive with turns, `step` metres a frame."""
    rng = np.random.RandomState(seed)
    heading = np.cumsum(0.02 * rng.standard_normal(num_frames) + 0.01)
    angles = np.stack([0 * heading, heading, 0 * heading], axis=-1)
    ahead = np.stack([np.sin(heading), 0.02 * np.cos(heading), np.cos(heading)], axis=-1)
    return poses.from_parts(poses.rotation_from_euler(angles), np.cumsum(step * ahead, axis=0))
