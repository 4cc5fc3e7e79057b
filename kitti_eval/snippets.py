"""Pose snippets: short runs of frames, a TUM file each, with the first frame as the origin.

A snippet is (times, poses): float64 [L] seconds and float64 [L, 4, 4], line j mapping points of
frame j into the snippet's first frame (metres, or a network's own scale). Its file is named by the
number of that first frame.
"""
import os

import numpy as np

from common.errors import UserError
from common.files import make_folder, read_lines, require_folder, write_text
from kitti_data import poses as pose_math

_TUM_COLUMNS = 8
_NUMBER_FORMAT = '%f'  # as the published snippets are written


def snippets_of_trajectory(poses, seq_length):
    """Every run of `seq_length` frames of a trajectory.

    Args:
      poses: float64 [N, 4, 4] camera-to-world.
      seq_length: L frames, 2..N.

    Returns:
      float64 [N - L + 1, L, 4, 4], inv(T_first) T_j.
    """
    poses = np.asarray(poses, np.float64)
    count = len(poses) - seq_length + 1
    if seq_length < 2 or count < 1:
        raise UserError('snippets of %d frames cannot be cut from %d poses' % (
            seq_length, len(poses)))
    runs = poses[np.arange(count)[:, None] + np.arange(seq_length)]
    return pose_math.relative(runs[:, :1], runs)


def snippets_of_vectors(vectors):
    """Snippets of the poses that pose_net predicts.

    Args:
      vectors: [..., N, 6] (tx, ty, tz, rx, ry, rz), target -> source, in the order of the frames;
        the target stands in the middle, between source N/2 - 1 and N/2.

    Returns:
      float64 [..., N + 1, 4, 4], T_first inv(T_j), with T_target the identity.
    """
    vectors = np.asarray(vectors, np.float64)
    if vectors.ndim < 2 or vectors.shape[-1] != 6 or vectors.shape[-2] % 2:
        raise ValueError('wanted [..., N, 6] with even N, found %s' % (vectors.shape,))
    with_target = np.insert(vectors, vectors.shape[-2] // 2, 0, axis=-2)
    tgt_to_frame = pose_math.transform_from_vector(with_target)
    return tgt_to_frame[..., :1, :, :] @ pose_math.inverse(tgt_to_frame)


def write_snippets(folder, first_frames, times, poses):
    """Writes one TUM file for each snippet: `<folder>/%06d.txt`, numbered by its first frame.

    Args:
      folder: made where missing.
      first_frames: M frame numbers.
      times: [M, L] seconds.
      poses: [M, L, 4, 4], relative to each snippet's first frame.
    """
    poses = np.asarray(poses, np.float64)
    times = np.asarray(times, np.float64)
    if times.shape + (4, 4) != poses.shape or len(first_frames) != len(poses):
        raise ValueError('%d first frames, times %s and poses %s do not belong together' % (
            len(first_frames), times.shape, poses.shape))
    folder = make_folder(folder)
    rows = np.concatenate([times[..., None], poses[..., :3, 3],
                           pose_math.quaternion_from_rotation(poses[..., :3, :3])], axis=-1)
    for first_frame, snippet in zip(first_frames, rows):
        lines = [' '.join(_NUMBER_FORMAT % value for value in row) + '\n' for row in snippet]
        write_text(os.path.join(folder, '%06d.txt' % first_frame), ''.join(lines))


def read_snippet(path):
    """The snippet in the TUM file `path`: lines `t tx ty tz qx qy qz qw`.

    Columns may be separated by white space or commas; lines that begin with # are comments.

    Raises:
      UserError: names the file and line that is not 8 finite numbers.
    """
    rows = []
    for number, line in enumerate(read_lines(path, 'snippet file'), 1):
        if line.startswith('#'):
            continue
        try:
            row = [float(word) for word in line.replace(',', ' ').split()]
        except ValueError:
            row = []
        if len(row) != _TUM_COLUMNS or not np.isfinite(row).all():
            raise UserError('snippet file %s, line %d: wanted 8 finite numbers '
                            '"t tx ty tz qx qy qz qw", found %r' % (path, number, line[:80]))
        rows.append(row)
    if not rows:
        raise UserError('snippet file %s is empty' % path)
    rows = np.array(rows)
    rotations = pose_math.rotation_from_quaternion(rows[:, 4:])
    return rows[:, 0], pose_math.from_parts(rotations, rows[:, 1:4])


def read_snippets(folder):
    """All snippets of a folder, {number of the first frame: (times, poses)}, ascending.

    Files whose name is not a number are passed over.

    Raises:
      UserError: there is no snippet, or one is broken.
    """
    folder = require_folder(folder, 'folder of pose snippets')
    numbers = sorted((int(stem), name) for stem, extension, name in _split_names(folder)
                     if extension == '.txt' and stem.isdigit())
    if not numbers:
        raise UserError('no snippet file (such as 000000.txt) in %s' % folder)
    return {number: read_snippet(os.path.join(folder, name)) for number, name in numbers}


def _split_names(folder):
    return [os.path.splitext(name) + (name,) for name in os.listdir(folder)]
