"""Scores a trajectory: KITTI's t_rel and r_rel, ATE and RPE, beside constant motion."""
import os
import sys
if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Before what takes long to import: from here on Ctrl-C is one line.
from common.errors import UserError, run_main

import dataclasses
from typing import List, NamedTuple

import numpy as np

from common.console import warn
from common.files import require_file
from common.flags import flag, parse_flags, path_flag
from kitti_data import odometry
from kitti_data.poses import relative
from kitti_eval import html_report, leakage, report, snippets
from kitti_eval.chaining import OVERLAPS, SCALES, chain_snippets
from kitti_eval.constant_motion import constant_motion_at, step_from_files
from kitti_eval.trajectory_errors import (
    ALIGNMENTS, KITTI_LENGTHS, align_trajectory, evaluate_odometry)

# A prediction of a scale within these is not said to be of another one.
_LEAST_SCALE, _MOST_SCALE = 0.8, 1.25


@dataclasses.dataclass
class Config(report.PoseFlags):
    """What is compared."""
    gtruth: str = path_flag('', 'KITTI pose file with the truth: 12 columns, or 13 with the frame '
                                'first')
    pred: str = path_flag('', 'the same for the prediction, or a folder of pose snippets to be '
                              'chained')
    align: str = flag('none', 'how the prediction is moved onto the truth', choices=ALIGNMENTS)
    snippet_scale: str = flag('per_snippet', 'what is scaled to the truth when snippets are '
                                             'chained: each of them, all by one factor, nothing',
                              choices=SCALES)
    snippet_overlap: str = flag('first', 'what a motion is that several snippets cover: as in the '
                                         'one that begins with it, or the mean of all',
                                choices=OVERLAPS)
    lengths: List[int] = flag(list(KITTI_LENGTHS), 'path lengths of the t_rel, r_rel segments, m',
                              at_least=1)
    evo: bool = flag(False, 'also run evo_ape and evo_rpe')
    seq_id: str = flag('', 'the sequence; empty is the name of --gtruth')

    def __post_init__(self):
        super().__post_init__()
        require_file(self.gtruth, 'pose file (--gtruth)')
        self.require(lengths='at least one length in metres')
        if not self.seq_id:
            self.seq_id = os.path.splitext(os.path.basename(self.gtruth))[0]


class Trajectories(NamedTuple):
    """Truth and prediction at the same frames.

    frames: int64 [N], ascending numbers.
    gt, pred: float64 [N, 4, 4], relative to the first frame.
    how: '' or how the prediction was chained from snippets.
    """
    frames: np.ndarray
    gt: np.ndarray
    pred: np.ndarray
    how: str


def main(argv=None):
    config, output = parse_flags(__doc__, Config, report.ReportFlags, argv=argv)
    both = read_trajectories(config.gtruth, config.pred, config.snippet_scale,
                             config.snippet_overlap)
    trained = leakage.warn_if_trained(config.train_list, [config.seq_id])
    step, baseline_label = step_from_files(config.baseline_poses)
    baseline = constant_motion_at(both.frames, step)
    rows = [(label, evaluate_odometry(both.gt, poses, config.align, config.lengths, both.frames))
            for label, poses in (('prediction', both.pred), (baseline_label, baseline))]
    shown = report.print_odometry(rows, 'Sequence %s, %d frames, alignment %s%s' % (
        config.seq_id, len(both.frames), config.align, both.how and ', ' + both.how))
    _hint_at_scale(both, config.align, rows[0][1]['ate'])
    result = dict(rows[0][1], baseline=dict(rows[1][1], label=baseline_label), chained=both.how,
                  trained_on=trained)
    folder = report.result_folder(output, config.pred)
    name = 'eval_odometry'
    if not os.path.isdir(config.pred):
        name = os.path.splitext(os.path.basename(config.pred))[0] + '.' + name
    report.save_result(folder, name, result)
    # What may fail for its own reasons comes once the result is on the disk.
    if output.plot:
        html_report.evaluation_page(
            os.path.join(folder, name + '.html'), shown,
            plot_result(os.path.join(folder, name), both, baseline, rows, config))
    if config.evo:
        result['evo'] = _run_evo(both, config.align,
                                 os.path.join(folder, name + '_evo') if output.plot else '')
        report.save_result(folder, name, result)


def read_trajectories(gt_path, pred_path, snippet_scale='per_snippet', snippet_overlap='first'):
    """The `Trajectories` at the frames of the prediction.

    Args:
      gt_path: KITTI pose file of 12 columns (line n is frame n) or 13 (the frame comes first).
      pred_path: the same, or a folder of snippets that are chained.
      snippet_scale, snippet_overlap: see `chaining.chain_snippets`.

    Raises:
      UserError: files are missing or broken, or a predicted frame has no truth.
    """
    gt = dict(zip(*odometry.read_poses_indexed(gt_path)))
    if os.path.isdir(pred_path or os.curdir):
        snippets.require_successive(pred_path)
        runs = {first: poses for first, (_, poses) in snippets.read_snippets(pred_path).items()}
        frames, pred = chain_snippets(runs, gt, snippet_scale, snippet_overlap)
        length = max(len(poses) for poses in runs.values())
        how = '%d-frame snippets chained, scale %s, overlap %s' % (
            length, snippet_scale, snippet_overlap)
    else:
        frames, pred = odometry.read_poses_indexed(pred_path)
        how = ''
    absent = [frame for frame in frames if frame not in gt]
    if absent:
        raise UserError('%s has no pose of frame %d, which %s predicts' % (
            gt_path, absent[0], pred_path))
    if len(frames) < 2:
        raise UserError('%s has one pose only' % pred_path)
    if len(frames) < len(gt):
        warn('%s has %d of the %d poses of %s: evaluated on those' % (
            pred_path, len(frames), len(gt), gt_path))
    gt = np.array([gt[frame] for frame in frames])
    return Trajectories(frames, relative(gt[0], gt), relative(pred[0], pred), how)


def _hint_at_scale(both, align, ate):
    """Says so where a prediction is bad for its scale alone, as monocular ones are."""
    if align not in ('none', '6dof'):
        return
    scaled = evaluate_odometry(both.gt, both.pred, '7dof')
    if scaled['ate'] < ate / 2 and not _LEAST_SCALE <= scaled['scale'] <= _MOST_SCALE:
        warn('the prediction fits the truth when it is scaled by %.4g (ATE %.4f m instead of '
             '%.4f m): --align=7dof does so' % (scaled['scale'], scaled['ate'], ate))


def _run_evo(both, align, plot_prefix):
    from kitti_eval import evo_tools
    # evo knows no frame numbers: its step of one frame is one row.
    metrics = [name for name in evo_tools.METRICS
               if name == 'ape' or (np.diff(both.frames) == 1).all()]
    result = evo_tools.evo_errors(both.gt, both.pred, align, metrics, plot_prefix)
    print('evo: ' + ', '.join('%s rmse %.6f %s' % (name, result[name]['rmse'],
                                                   'deg' if name == 'rpe_rot' else 'm')
                              for name in metrics))
    return result


def plot_result(prefix, both, baseline, rows, config):
    """Writes `<prefix>_trajectory.png` and, where there are segments, `<prefix>_errors.png`.

    Returns their paths.
    """
    from kitti_eval import plots  # Only here: matplotlib takes longer than the evaluation.
    labels = [label for label, _ in rows]
    aligned = [align_trajectory(both.gt, poses, config.align)[0]
               for poses in (both.pred, baseline)]
    title = 'Sequence %s, alignment %s' % (config.seq_id, config.align)
    paths = [prefix + '_trajectory.png']
    plots.plot_trajectories(paths[0], [('ground truth', both.gt)] + list(zip(labels, aligned)),
                            title)
    if rows[0][1]['segments']:
        paths.append(prefix + '_errors.png')
        plots.plot_errors_over_length(
            paths[1], [(label, result['by_length']) for label, result in rows], title)
    return paths


if __name__ == '__main__':
    run_main(main)
