"""Scores a trajectory: KITTI's t_rel and r_rel, ATE and RPE, beside constant motion."""
import os
import sys
if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

import dataclasses
from typing import List

import numpy as np

from common.errors import UserError, run_main
from common.files import require_file
from common.flags import flag, parse_flags, path_flag
from kitti_data import odometry
from kitti_data import poses as pose_math
from kitti_eval import html_report, leakage, report, snippets
from kitti_eval.chaining import OVERLAPS, SCALES, chain_snippets
from kitti_eval.constant_motion import constant_motion, step_from_files
from kitti_eval.trajectory_errors import (
    ALIGNMENTS, KITTI_LENGTHS, align_trajectory, evaluate_odometry)

COLUMNS = (('t_rel %', 't_rel', '%.4f'), ('r_rel deg/100m', 'r_rel', '%.4f'),
           ('ATE m', 'ate', '%.4f'), ('RPE m', 'rpe_trans', '%.4f'), ('RPE deg', 'rpe_rot', '%.4f'))


@dataclasses.dataclass
class Config:
    """What is compared."""
    gtruth: str = path_flag('', 'KITTI pose file with the truth: 12 columns, or 13 with the frame first')
    pred: str = path_flag('', 'the same for the prediction, or a folder of pose snippets to be chained')
    align: str = flag('none', 'how the prediction is moved onto the truth', choices=ALIGNMENTS)
    snippet_scale: str = flag('per_snippet', 'what is scaled to the truth when snippets are '
                                             'chained: each of them, all by one factor, nothing',
                              choices=SCALES)
    snippet_overlap: str = flag('first', 'what a motion is that several snippets cover: as in the '
                                         'one that begins with it, or the mean of all',
                                choices=OVERLAPS)
    lengths: List[int] = flag(list(KITTI_LENGTHS), 'path lengths of the t_rel, r_rel segments, m')
    evo: bool = flag(False, 'also run evo_ape and evo_rpe')
    baseline_poses: List[str] = flag([], 'pose files of the training sequences, whose mean step is '
                                         'the baseline; empty is KITTI 00-08')
    seq_id: str = flag('', 'the sequence; empty is the name of --gtruth')
    train_list: str = path_flag('', 'train.txt of the training set: warn if the sequence is in it')

    def __post_init__(self):
        require_file(self.gtruth, 'pose file (--gtruth)')
        if not self.lengths or min(self.lengths) <= 0:
            raise UserError('--lengths wants positive lengths, found %s' % self.lengths)
        if not self.seq_id:
            self.seq_id = os.path.splitext(os.path.basename(self.gtruth))[0]


def main(argv=None):
    config, output = parse_flags(__doc__, Config, report.ReportFlags, argv=argv)
    gt, pred, how = read_trajectories(config.gtruth, config.pred, config.snippet_scale,
                                      config.snippet_overlap)
    leakage.warn_if_trained(config.train_list, [config.seq_id])
    step, baseline_label = step_from_files(config.baseline_poses)
    baseline = constant_motion(len(gt), step)
    rows = [(label, evaluate_odometry(gt, poses, config.align, config.lengths))
            for label, poses in (('prediction', pred), (baseline_label, baseline))]
    shown = print_result(rows, 'Sequence %s, %d frames, alignment %s%s' % (
        config.seq_id, len(gt), config.align, how))
    result = dict(rows[0][1], baseline=dict(rows[1][1], label=baseline_label), prediction=how)
    folder = report.result_folder(output, config.pred)
    name = 'eval_odometry'
    if not os.path.isdir(os.path.abspath(config.pred)):
        name = os.path.splitext(os.path.basename(config.pred))[0] + '.' + name
    if config.evo:
        result['evo'] = _run_evo(gt, pred, config.align,
                                 os.path.join(folder, name + '_evo') if output.plot else '')
    report.save_result(folder, name, result)
    if output.plot:
        html_report.evaluation_page(
            os.path.join(folder, name + '.html'), shown,
            plot_result(os.path.join(folder, name), gt, pred, baseline, rows, config))


def read_trajectories(gt_path, pred_path, snippet_scale='per_snippet', snippet_overlap='first'):
    """Truth and prediction at the frames of the prediction.

    Args:
      gt_path: KITTI pose file of 12 columns (line n is frame n) or 13 (the frame comes first).
      pred_path: the same, or a folder of snippets that are chained.
      snippet_scale, snippet_overlap: see `chaining.chain_snippets`.

    Returns:
      (gt [N, 4, 4], pred [N, 4, 4], '' or how the snippets were chained), both relative to the
      first frame.

    Raises:
      UserError: files are missing or broken, or a predicted frame has no truth.
    """
    gt = dict(zip(*odometry.read_poses_indexed(gt_path)))
    if os.path.isdir(os.path.abspath(pred_path or '.')):
        runs = {first: poses for first, (_, poses) in snippets.read_snippets(pred_path).items()}
        frames, pred = chain_snippets(runs, gt, snippet_scale, snippet_overlap)
        length = max(len(poses) for poses in runs.values())
        how = ', %d-frame snippets chained, scale %s, overlap %s' % (
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
        report.warn('%s has %d of the %d poses of %s: evaluated on those' % (
            pred_path, len(frames), len(gt), gt_path))
    gt = np.array([gt[frame] for frame in frames])
    return pose_math.relative(gt[0], gt), pose_math.relative(pred[0], pred), how


def print_result(rows, title):
    """Prints, and returns, a table of `evaluate_odometry`'s results: rows are (label, result)."""
    shown = report.print_table(
        title, [(heading, form) for heading, _, form in COLUMNS],
        [(label, {heading: result[key] for heading, key, _ in COLUMNS}) for label, result in rows])
    if not rows[0][1]['segments']:
        report.warn('the trajectory is shorter than every length in --lengths: no t_rel, r_rel')
    return shown


def _run_evo(gt, pred, align, plot_prefix):
    from kitti_eval import evo_tools
    result = evo_tools.evo_errors(gt, pred, align, plot_prefix=plot_prefix)
    print('evo: APE rmse %.6f m, RPE rmse %.6f m, %.6f deg' % tuple(
        result[key]['rmse'] for key in ('ape', 'rpe_trans', 'rpe_rot')))
    return result


def plot_result(prefix, gt, pred, baseline, rows, config):
    """Writes `<prefix>_trajectory.png` and, where there are segments, `<prefix>_errors.png`.

    Returns their paths.
    """
    from kitti_eval import plots  # Only here: matplotlib takes longer than the evaluation.
    labels = [label for label, _ in rows]
    aligned = [align_trajectory(gt, poses, config.align)[0] for poses in (pred, baseline)]
    title = 'Sequence %s, alignment %s' % (config.seq_id, config.align)
    paths = [prefix + '_trajectory.png']
    plots.plot_trajectories(paths[0], [('ground truth', gt)] + list(zip(labels, aligned)), title)
    if rows[0][1]['segments']:
        paths.append(prefix + '_errors.png')
        plots.plot_errors_over_length(
            paths[1],
            [(label, result['by_length']) for label, result in rows], title)
    return paths


if __name__ == '__main__':
    run_main(main)
