"""The truth and the prediction of a drive at their common frames."""
import dataclasses
import os
from typing import Dict, List, NamedTuple, Optional

import numpy as np

from kitti_data import odometry, splits
from kitti_data.number_files import read_rows
from kitti_data.poses import relative
from kitti_eval import report, snippets
from kitti_eval.hints import fitting_frames
from kitti_eval.truth import frames_at, read_truth
from vo_common.console import warn
from vo_common.errors import UserError
from vo_common.files import require_file
from vo_common.flags import flag, path_flag


@dataclasses.dataclass
class TruthFlags(report.ReportFlags):
    """Ground truth."""
    seq_id: str = flag('', 'the sequence; empty: the NN of poses/NN.txt or NN/poses.txt')
    times: str = path_flag('', 'times of the truth, one line per frame from 0 on; empty: '
                               "KITTI's times.txt, if it exists")
    first_frame: int = flag(0, 'predicted frame number of frame 0 of the truth (1100 for 08 '
                               'predicted from its raw drive)', at_least=0)
    baseline_poses: List[str] = path_flag(
        [], 'pose files of the training sequences, whose mean motion is the baseline; empty: '
        'KITTI 00-08')

    def name_sequence(self, gt_flag):
        """Fills an empty `seq_id` from the path of the pose file in the flag `gt_flag`."""
        path = getattr(self, gt_flag)
        if not self.seq_id and not os.path.isdir(path):
            name = odometry.sequence_of_poses(path)
            self.seq_id = '' if self.train_list and name == 'poses' else name
        if self.seq_id:
            self.seq_id = odometry.sequence_name(self.seq_id)
        if self.train_list:
            self.require(seq_id='the sequence of --%s, to look for in --train_list' % gt_flag)


class Trajectories(NamedTuple):
    """Truth and prediction at the same frames.

    frames: int64 [N], ascending numbers.
    gt, pred: float64 [N, 4, 4], relative to the first frame.
    all_gt, all_pred: {frame: float64 [4, 4]}, all poses in the files.
    times: {frame: seconds}, or None if unknown.
    how: description of how the prediction was chained from snippets, or ''.
    offset: number that was subtracted from the predicted frame numbers.
    """
    frames: np.ndarray
    gt: np.ndarray
    pred: np.ndarray
    all_gt: Dict[int, np.ndarray]
    all_pred: Dict[int, np.ndarray]
    times: Optional[Dict[int, float]]
    how: str
    offset: int


def read_trajectories(gt_path, pred_path, snippet_scale='per_snippet', snippet_overlap='first',
                      frames_path='', times_path='', first_frame=0, seq_id=''):
    """The `Trajectories` at the common frames of truth and prediction; a UserError if under two.

    Args:
      gt_path, times_path: see `read_truth`.
      pred_path: a pose file, or a folder of snippets to chain.
      snippet_scale, snippet_overlap: see `snippets.chain_snippets`.
      frames_path: see `predicted_frames`.
      first_frame, seq_id: see `frame_offset`.
    """
    numbers, poses, times = read_truth(gt_path, times_path)
    gt, how = dict(zip(numbers.tolist(), poses)), ''
    if os.path.isdir(pred_path):
        snippets.require_successive(pred_path)
        runs = {first: poses for first, (_, poses) in snippets.read_snippets(pred_path).items()}
        last = max(first + len(poses) for first, poses in runs.items()) - 1
    else:
        content = odometry.read_pose_file(require_file(pred_path, 'prediction (--pred)'))
        frames = predicted_frames(content, pred_path, gt, gt_path, frames_path, times,
                                  first_frame or splits.odometry_first_frame(seq_id))
        last = int(frames[-1])
    offset = frame_offset(last, int(numbers[-1]), first_frame, seq_id)
    if os.path.isdir(pred_path):
        runs = {first - offset: poses for first, poses in runs.items()}
        pred, how = _chained(runs, pred_path, gt, gt_path, snippet_scale, snippet_overlap)
    else:
        pred = dict(zip((frames - offset).tolist(), content.poses))
    common = np.array([frame for frame in sorted(gt) if pred.get(frame) is not None], np.int64)
    if len(common) < 2:
        raise UserError('%s and %s have %d frames in common, must be at least 2' % (
            pred_path, gt_path, len(common)))
    if len(common) < max(len(gt), len(pred)):
        warn('scored on the %d common frames: %s has %d, %s has %d' % (
            len(common), gt_path, len(gt), pred_path, len(pred)))
    both_gt, both_pred = (np.array([side[frame] for frame in common.tolist()])
                          for side in (gt, pred))
    return Trajectories(common, relative(both_gt[0], both_gt), relative(both_pred[0], both_pred),
                        gt, pred, times, how, offset)


def _chained(runs, folder, gt, gt_path, scale, overlap):
    """Chains the snippets {first frame: poses} of a folder.

    Returns ({frame: pose, or None where the scale is unknown}, description of the chain).
    """
    known = {first: poses for first, poses in runs.items()
             if all(frame in gt for frame in range(first, first + len(poses)))}
    if not known:
        raise UserError('no snippet of %s has all its frames in %s' % (folder, gt_path))
    # Only a scale needs the truth of all frames of a snippet.
    chained = runs if scale == 'none' else known
    frames, poses = snippets.chain_snippets(chained, gt, scale, overlap)
    pred = {frame: None for first, run in runs.items() for frame in range(first, first + len(run))}
    pred.update(zip(frames.tolist(), poses))
    return pred, '%d-frame snippets chained, scale %s, overlap %s' % (
        max(len(poses) for poses in chained.values()), scale, overlap)


def predicted_frames(content, path, gt, gt_path, frames_path, times, start):
    """The frame number of each pose in a <PoseFile>: int64 [N], negative for an unknown time.

    Args:
      gt: the truth {frame: pose}, read from `gt_path`.
      frames_path: file with the frame number, or the time in seconds, of each pose; or empty.
      times: {frame: seconds} of the sequence, or None.
      start: the frame of the raw drive that is frame 0 of the truth. A prediction with at least
        `start` more poses than the truth has frames begins with the drive.

    Raises a UserError if numbers, times and the number of poses do not determine the frames.
    """
    if frames_path:
        column = read_rows(frames_path, (1,), 'frames file (--frames)')[:, 0]
        if content.numbers is not None or len(column) != len(content.poses):
            raise UserError('--frames=%s: has %d numbers, must be one for each of the %d poses of '
                            '%s, which must have none itself' % (
                                frames_path, len(column), len(content.poses), path))
        if (np.diff(column) <= 0).any() or column[0] < 0:
            raise UserError('--frames=%s: must be ascending' % frames_path)
        if (np.rint(column) == column).all():
            return column.astype(np.int64)
        content = content._replace(times=column)
    if content.numbers is not None:
        return content.numbers
    count, frames = len(content.poses), np.array(sorted(gt))
    if start and not frames_path and count > start + frames[-1]:
        return np.arange(count)
    if content.times is not None and times:
        found = frames_at(content.times, times)
        matched = np.count_nonzero(found >= 0)
        if frames_path or matched >= report.LEAST_SHARE * min(len(found), len(times)):
            return found
        warn('%s: its times are not those of the sequence (%.6g to %.6g s instead of %.6g to %.6g)'
             % (path, content.times[0], content.times[-1], min(times.values()),
                max(times.values())))
    if frames_path:
        raise UserError('--frames=%s: holds times, but those of the sequence are not known (give '
                        '--times=FILE)' % frames_path)
    if count in (frames[-1] + 1, len(times or ())):
        return np.arange(count)
    if count == len(frames):
        return frames
    fit = fitting_frames(np.array([gt[frame] for frame in frames]), content.poses) if (
        frames[-1] + 1 == len(frames)) else ''
    raise UserError(
        '%s has %d poses without frame numbers, %s has %d: the frames of the former are unknown '
        '(write 13 columns with the frame number first, or give --frames=FILE with the frame '
        'number or the time of each pose%s)%s' % (
            path, count, gt_path, len(frames),
            ', or --times=FILE with the times of the truth' if content.times is not None else '',
            fit and '; ' + fit))


def frame_offset(last_pred, last_gt, first_frame, seq_id):
    """The number to subtract from predicted frame numbers.

    Returns `first_frame`. If that is 0 and the numbers reach the end of the sequence in its raw
    drive, warns and returns the first frame of the sequence in that drive.
    """
    known = splits.odometry_first_frame(seq_id)
    if first_frame or not known or last_pred < known + last_gt:
        return first_frame
    warn('frame %d of the prediction is used as frame 0: sequence %s starts there in the raw '
         'drive %s' % (known, seq_id, splits.odometry_drives()[seq_id]))
    return known
