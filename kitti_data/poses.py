"""Rigid transforms and representations of rotations.

All functions work on stacks and keep any leading axes. Transforms are homogeneous
float64 [..., 4, 4], angles are radians, quaternions are (qx, qy, qz, qw) as in TUM files.
"""
import itertools

import numpy as np
from scipy.spatial.transform import Rotation

_ROTATION_TOLERANCE = 0.01


def to_4x4(matrices):
    """Appends the row (0, 0, 0, 1) to [..., 3, 4] matrices; returns [..., 4, 4] unchanged."""
    matrices = np.asarray(matrices, np.float64)
    if matrices.shape[-2:] == (4, 4):
        return matrices
    if matrices.shape[-2:] != (3, 4):
        raise ValueError('transforms must be [..., 3 or 4, 4], got %s' % (matrices.shape,))
    last_rows = np.broadcast_to([0, 0, 0, 1], matrices.shape[:-2] + (1, 4))
    return np.concatenate([matrices, last_rows], axis=-2)


def from_parts(rotations, translations):
    """[..., 4, 4] transforms from [..., 3, 3] rotations and [..., 3] translations."""
    translations = np.asarray(translations, np.float64)
    return to_4x4(np.concatenate([rotations, translations[..., None]], axis=-1))


def inverse(transforms):
    """The inverse of rigid [..., 4, 4] transforms in closed form: [R^T | -R^T t]."""
    transforms = np.asarray(transforms, np.float64)
    rotations = np.swapaxes(transforms[..., :3, :3], -1, -2)
    return from_parts(rotations, -np.einsum('...ij,...j->...i', rotations, transforms[..., :3, 3]))


def relative(pose_a, pose_b):
    """inv(A) B, which for camera-to-world poses maps points of camera b into camera a."""
    return inverse(pose_a) @ np.asarray(pose_b, np.float64)


def chain(motions):
    """Chains N motions [4, 4] from frame k + 1 to frame k: poses [N + 1, 4, 4], the first I."""
    return np.array(list(itertools.accumulate([np.eye(4)] + list(motions), np.matmul)))


def rotation_from_euler(angles, axes='XYZ'):
    """[..., 3, 3] rotations Rx(rx) Ry(ry) Rz(rz) of [..., 3] angles; Rz Ry Rx for `axes` 'xyz'."""
    angles = np.asarray(angles, np.float64)
    rotations = Rotation.from_euler(axes, angles.reshape(-1, 3)).as_matrix()
    return rotations.reshape(angles.shape[:-1] + (3, 3))


def transform_from_vector(vectors):
    """[..., 4, 4] transforms of pose_net's [..., 6] vectors (tx, ty, tz, rx, ry, rz)."""
    vectors = np.asarray(vectors, np.float64)
    return from_parts(rotation_from_euler(vectors[..., 3:]), vectors[..., :3])


def vector_from_transform(transforms):
    """pose_net's [N, 6] vectors of [N, 4, 4] transforms; the inverse of `transform_from_vector`."""
    transforms = np.asarray(transforms, np.float64)
    angles = Rotation.from_matrix(transforms[:, :3, :3]).as_euler('XYZ')
    return np.concatenate([transforms[:, :3, 3], angles], axis=1)


def rotation_from_quaternion(quaternions):
    """[..., 3, 3] rotations of [..., 4] quaternions (qx, qy, qz, qw) of any length.

    A quaternion of length 0 gives the identity, as in the published tools.
    """
    quaternions = np.array(quaternions, np.float64)
    quaternions[np.linalg.norm(quaternions, axis=-1) < np.finfo(np.float64).eps] = (0, 0, 0, 1)
    rotations = Rotation.from_quat(quaternions.reshape(-1, 4)).as_matrix()
    return rotations.reshape(quaternions.shape[:-1] + (3, 3))


def quaternion_from_rotation(rotations):
    """[..., 4] unit quaternions (qx, qy, qz, qw) of [..., 3, 3] rotations, qw >= 0."""
    rotations = np.asarray(rotations, np.float64)
    quaternions = Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_quat()
    quaternions = np.where(quaternions[:, 3:] < 0, -quaternions, quaternions)
    return quaternions.reshape(rotations.shape[:-2] + (4,))


def mean_transform(transforms):
    """[4, 4]: the mean translation of [N, 4, 4] transforms, and their rotation of least squares."""
    rotation = Rotation.from_matrix(transforms[:, :3, :3]).mean().as_matrix()
    return from_parts(rotation, transforms[:, :3, 3].mean(axis=0))


def rotation_faults(transforms):
    """Yields (index, description) of each [N, 4, 4] transform whose 3x3 part is not a rotation.

    Allows for rounding in files: products of axes may be off by 1 %.
    """
    rotations = np.asarray(transforms, np.float64)[:, :3, :3]
    with np.errstate(over='ignore', invalid='ignore'):
        determinants = np.linalg.det(rotations)
        products = rotations @ np.swapaxes(rotations, 1, 2)
        errors = np.abs(products - np.eye(3)).max(axis=(1, 2))
        faulty = ~((errors < _ROTATION_TOLERANCE) & (determinants > 0))
    for place in np.flatnonzero(faulty):
        yield place, 'a 3x3 part with determinant %.4g, %.2g off R R^T = 1' % (
            determinants[place], errors[place])


def rotation_angle(rotations):
    """[...] angles in radians, 0..pi, of [..., 3, 3] rotations: acos((trace - 1) / 2)."""
    trace = np.trace(np.asarray(rotations, np.float64), axis1=-2, axis2=-1)
    return np.arccos(np.clip((trace - 1) / 2, -1, 1))
