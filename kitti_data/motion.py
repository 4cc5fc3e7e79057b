"""Camera motions as 6-vectors, the labels of visual odometry, and their conversion to poses.

A vector is (tx, ty, tz, ex, ey, ez), metres and radians, with R = Rz(ez) Ry(ey) Rx(ex). Poses are
camera-to-world, float64 [N, 4, 4].

Labels are given in one of two frames:
  camera: the vector of inv(T_i) T_{i+1}, the motion in the camera's own frame;
  world: the difference of the vectors of T_{i+1} and T_i, as in the published code, with angle
    differences wrapped to (-pi, pi].
"""
import numpy as np
from scipy.ndimage import gaussian_filter1d

from kitti_data.poses import chain, from_parts, inverse, relative, rotation_from_euler
from vo_common.errors import UserError
from vo_common.flags import as_typed

LABEL_FRAMES = ('camera', 'world')


def vectors_from_poses(poses):
    """float64 [..., 6] vectors of [..., 4, 4] or [..., 3, 4] poses.

    ex = atan2(R21, R22), ey = atan2(-R20, hypot(R00, R10)), ez = atan2(R10, R00).
    """
    poses = np.asarray(poses, np.float64)
    rotations = poses[..., :3, :3]
    angles = [np.arctan2(rotations[..., 2, 1], rotations[..., 2, 2]),
              np.arctan2(-rotations[..., 2, 0],
                         np.hypot(rotations[..., 0, 0], rotations[..., 1, 0])),
              np.arctan2(rotations[..., 1, 0], rotations[..., 0, 0])]
    return np.concatenate([poses[..., :3, 3], np.stack(angles, axis=-1)], axis=-1)


def poses_from_vectors(vectors):
    """float64 [..., 4, 4] poses of [..., 6] vectors."""
    vectors = np.asarray(vectors, np.float64)
    return from_parts(rotation_from_euler(vectors[..., 3:], 'xyz'), vectors[..., :3])


def wrap_angle(angles):
    """Wraps angles to (-pi, pi]."""
    return np.pi - np.mod(np.pi - np.asarray(angles, np.float64), 2 * np.pi)


def motions_from_poses(poses, label_frame='camera', distance=1):
    """float64 [N-D, 6] motions between poses [N, 4, 4] that are D = `distance` frames apart."""
    poses = np.asarray(poses, np.float64)
    if label_frame == 'camera':
        return vectors_from_poses(relative(poses[:-distance], poses[distance:]))
    vectors = vectors_from_poses(poses)
    motions = vectors[distance:] - vectors[:-distance]
    motions[:, 3:] = wrap_angle(motions[:, 3:])
    return motions


def poses_from_motions(motions, label_frame='camera', first_pose=None):
    """Chains motions [N-1, 6] into poses float64 [N, 4, 4], the first the identity.

    World-frame motions depend on `first_pose` [4, 4], that of the first frame; None: the identity.
    """
    motions = np.asarray(motions, np.float64).reshape(-1, 6)
    if label_frame == 'world':
        first_pose = np.eye(4) if first_pose is None else first_pose
        first = vectors_from_poses(first_pose)
        vectors = np.concatenate([first[None], first + np.cumsum(motions, axis=0)])
        return relative(first_pose, poses_from_vectors(vectors))
    return chain(poses_from_vectors(motions))


def reversed_motions(motions):
    """float64 [N, 6] camera-frame motions of the frames in reverse order."""
    return vectors_from_poses(inverse(poses_from_vectors(motions)))[::-1]


def smoothed_lengths(motions, frames):
    """Motions with smoothed lengths and unchanged directions and rotations.

    Args:
      motions: [N, 6] of successive frames.
      frames: standard deviation, in frames, of the Gaussian that smooths the lengths.

    Returns:
      float64 [N, 6].
    """
    motions = np.array(motions, np.float64)
    lengths = np.linalg.norm(motions[:, :3], axis=1)
    smooth = gaussian_filter1d(lengths, frames, mode='nearest')
    motions[:, :3] *= (smooth / np.where(lengths > 0, lengths, 1.0))[:, np.newaxis]
    return motions


def require_camera_frame(label_frame, **flags):
    """Raises a UserError if one of `flags`, which need the `label_frame` 'camera', is set."""
    for name, value in flags.items():
        if value and label_frame != 'camera':
            raise UserError('--%s=%s: must not be given with --label_frame=%s (its motions depend '
                            'on where the sequence starts)' % (name, as_typed(value), label_frame))
