"""Pose snippets: short runs of frames with the first frame as origin, each in a TUM file.

A snippet is (times, poses): float64 [L] seconds and float64 [L, 4, 4]. Pose j maps points of frame
j into the first frame of the snippet (metres, or the scale of a network). The file is named by the
number of the first frame.
"""
import collections
import os
import re

import numpy as np

from kitti_data import splits
from kitti_data.frame_files import frame_number
from kitti_data.odometry import read_pose_file, write_tum
from kitti_data.poses import (
    chain, from_parts, inverse, mean_transform, relative, transform_from_vector)
from kitti_eval.snippet_errors import best_scale
from vo_common.console import warn
from vo_common.errors import UserError
from vo_common.files import list_folder, make_folder, read_json, remove_others, write_json

SCALES = ('per_snippet', 'global', 'none')
OVERLAPS = ('first', 'mean')

_NUMBER_FORMAT = '%f'  # as in published snippets
_FRAMES_FILE = 'frames.json'


def snippets_of_trajectory(poses, seq_length):
    """Every run of L = `seq_length` frames of a trajectory [N, 4, 4], camera-to-world.

    Returns float64 [N - L + 1, L, 4, 4], inv(T_first) T_j; a UserError if L is not in 2..N.
    """
    poses = np.asarray(poses, np.float64)
    count = len(poses) - seq_length + 1
    if seq_length < 2 or count < 1:
        raise UserError('snippets of %d frames cannot be cut from %d poses' % (
            seq_length, len(poses)))
    runs = poses[np.arange(count)[:, None] + np.arange(seq_length)]
    return relative(runs[:, :1], runs)


def timed(runs):
    """Adds times, one second per frame, to snippets [M, L, 4, 4]: {first frame: (times, poses)}."""
    return {first: (first + np.arange(len(run), dtype=np.float64), run)
            for first, run in enumerate(runs)}


def snippets_of_frames(numbers, times, poses, seq_length):
    """Every run of L = `seq_length` frames with consecutive numbers; a UserError if there is none.

    Args:
      numbers: int [N] ascending frame numbers.
      times: {number: seconds}.
      poses: float64 [N, 4, 4] camera-to-world.

    Returns {number of the first frame: (times [L], poses [L, 4, 4] relative to it)}.
    """
    runs = snippets_of_trajectory(poses, seq_length)
    seconds = np.array([times[number] for number in numbers.tolist()])
    found = {int(number): (seconds[first:first + seq_length], runs[first])
             for first, number in enumerate(numbers[:len(runs)])
             if numbers[first + seq_length - 1] == number + seq_length - 1}
    if not found:
        raise UserError('no %d successive frames among %d poses' % (seq_length, len(poses)))
    return found


def snippets_of_vectors(vectors):
    """Snippets of the poses that pose_net predicts: float64 [..., N + 1, 4, 4], T_first inv(T_j).

    `vectors` [..., N, 6] (tx, ty, tz, rx, ry, rz) are from target to source, in the order of the
    frames; the target, whose T is the identity, is between source N/2 - 1 and N/2.
    """
    vectors = np.asarray(vectors, np.float64)
    if vectors.ndim < 2 or vectors.shape[-1] != 6 or vectors.shape[-2] % 2:
        raise ValueError('vectors must be [..., N, 6] with even N, found %s' % (vectors.shape,))
    with_target = np.insert(vectors, vectors.shape[-2] // 2, 0, axis=-2)
    tgt_to_frame = transform_from_vector(with_target)
    return tgt_to_frame[..., :1, :, :] @ inverse(tgt_to_frame)


def write_snippets(folder, first_frames, times, poses):
    """Writes one TUM file for each snippet: `<folder>/%06d.txt`, numbered by its first frame.

    Removes other snippet files, which an earlier and longer run left.

    Args:
      folder: created if missing.
      first_frames: M frame numbers.
      times: [M, L] seconds.
      poses: [M, L, 4, 4], relative to each snippet's first frame.
    """
    poses, times = np.asarray(poses, np.float64), np.asarray(times, np.float64)
    if times.shape + (4, 4) != poses.shape or len(first_frames) != len(poses):
        raise ValueError('%d first frames, times %s and poses %s do not belong together' % (
            len(first_frames), times.shape, poses.shape))
    folder = make_folder(folder)
    names = ['%06d.txt' % first_frame for first_frame in first_frames]
    remove_others(folder, r'[0-9]{6,}\.txt|' + re.escape(_FRAMES_FILE), set(names))
    for name, snippet_times, snippet in zip(names, times, poses):
        write_tum(os.path.join(folder, name), snippet_times, snippet, _NUMBER_FORMAT)


def write_frames(folder, checkpoint, source_folder, names, numbers):
    """Writes `frames.json`: the checkpoint and the frames, with `names` below `source_folder`."""
    write_json(os.path.join(folder, _FRAMES_FILE), {
        'checkpoint': checkpoint, 'folder': source_folder, 'images': list(names),
        'numbers': np.asarray(numbers).tolist()})


def _read_frames(folder):
    path = os.path.join(folder, _FRAMES_FILE)
    found = read_json(path) if os.path.exists(path) else {}
    return path, found if isinstance(found, dict) else {}


def warn_of_other_sequence(folder, seq_id):
    """Warns if `frames.json` in `folder` names frames of another odometry sequence."""
    path, found = _read_frames(folder)
    predicted = str(found.get('folder', ''))
    match = re.search(r'/sequences/([^/]+)(/|$)', predicted)
    names = [match.group(1)] if match else [
        name for name, drive in splits.odometry_drives().items() if drive in predicted]
    if seq_id and names and seq_id not in names:
        warn('%s: the prediction is of sequence %s, but is scored as sequence %s'
             % (path, names[0], seq_id))


def require_successive(folder):
    """Raises a UserError if `frames.json` in `folder` names frames that are not consecutive."""
    path, found = _read_frames(folder)
    numbers = found.get('numbers') or []
    if not isinstance(numbers, list) or not all(isinstance(number, int) for number in numbers):
        raise UserError('%s: "numbers" must be a list of frame numbers' % path)
    for number, next_number in zip(numbers, numbers[1:]):
        if next_number != number + 1:
            raise UserError(
                '%s: the snippets are of frames such as %s and %s, must be of consecutive frames '
                '(score trajectory.txt in that folder, by eval_odometry.py)' % (
                    path, number, next_number))


def read_snippet(path):
    """The snippet in the TUM file `path`, see `odometry.read_pose_file`."""
    content = read_pose_file(path)
    if content.times is None:
        raise UserError('%s: must have 8 columns (t tx ty tz qx qy qz qw)' % path)
    return content.times, content.poses


def read_snippets(folder):
    """All snippets of a folder, {number of the first frame: (times, poses)}, ascending.

    Ignores files whose name is not a number. Raises a UserError if there is no snippet, a snippet
    is broken, or two start with the same frame.
    """
    paths = {}
    for name in sorted(list_folder(folder)):
        stem, extension = os.path.splitext(name)
        number = frame_number(stem) if extension == '.txt' else None
        if number in paths:
            raise UserError('%s and %s start with the same frame (remove one of them)' % (
                paths[number], name))
        if number is not None:
            paths[number] = os.path.join(folder, name)
    if not paths:
        raise UserError('no snippet file (such as 000000.txt) in %s' % folder)
    return {number: read_snippet(path) for number, path in sorted(paths.items())}


def chain_snippets(pred, gt=None, scale='none', overlap='first'):
    """Chains the motions between neighbouring frames into one trajectory.

    Args:
      pred: {number of the first frame: float64 [L, 4, 4] poses relative to it}.
      gt: {frame number: float64 [4, 4] camera-to-world}; only needed to find a scale.
      scale: 'per_snippet' scales each snippet to the truth, 'global' all by one factor.
      overlap: which motion from frame k to k + 1 to use if several snippets cover it: 'first', that
        of the snippet that starts at k, or else of the last one before it; 'mean', the mean of all.

    Returns (int64 [N] frame numbers, float64 [N, 4, 4] poses, the first the identity). Raises a
    UserError if there is no motion, no snippet covers one, or a frame to be scaled has no truth.
    """
    if scale != 'none':
        pred = _scaled(pred, gt, scale == 'global')
    motions = collections.defaultdict(list)
    for first in sorted(pred):
        for frame, step in enumerate(relative(pred[first][:-1], pred[first][1:]), first):
            motions[frame].append(step)
    covered = sorted(motions)
    if not covered:
        raise UserError('snippets of one frame hold no motion: must have at least two frames')
    for frame, next_frame in zip(covered, covered[1:]):
        if next_frame != frame + 1:
            raise UserError(
                'no snippet covers the motion from frame %d to %d (%d such gaps): the trajectory '
                'cannot be chained' % (frame + 1, frame + 2,
                                       covered[-1] - covered[0] + 1 - len(covered)))
    poses = chain(motions[frame][-1] if overlap == 'first' else
                  mean_transform(np.array(motions[frame])) for frame in covered)
    return np.arange(covered[0], covered[-1] + 2), poses


def _scaled(pred, gt, one_factor):
    """`pred` scaled to `gt`, see `chain_snippets`."""
    for first, poses in pred.items():
        if not all(frame in gt for frame in range(first, first + len(poses))):
            raise UserError('the ground truth lacks a pose of the snippet that starts at frame %d, '
                            'which is needed to scale it' % first)
    truth = {first: relative(gt[first], np.array([gt[first + j] for j in range(len(poses))]))
             for first, poses in pred.items()}
    scaled = {}
    for group in [list(pred)] if one_factor else [[first] for first in pred]:
        factor = best_scale(*(np.concatenate([side[first][:, :3, 3] for first in group])
                              for side in (truth, pred)))
        for first in group:
            scaled[first] = from_parts(pred[first][:, :3, :3], factor * pred[first][:, :3, 3])
    return scaled
