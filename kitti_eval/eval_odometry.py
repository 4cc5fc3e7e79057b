"""Evaluates a trajectory: KITTI's t_rel and r_rel, ATE and RPE, compared with constant motion."""
import os
import sys
if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Before the slow imports, because it makes Ctrl-C exit with one line.
from vo_common.errors import UserError, run_main

import dataclasses
import re
from typing import List

import numpy as np

from kitti_data import odometry
from kitti_eval import hints, leakage, report, snippets, trajectories
from kitti_eval.constant_motion import constant_motion, step_from_files
from kitti_eval.snippets import OVERLAPS, SCALES
from kitti_eval.trajectory_errors import (
    ALIGNMENTS, KITTI_LENGTHS, align_trajectory, evaluate_odometry)
from vo_common.console import warn
from vo_common.files import remove_others, require_file
from vo_common.flags import flag, parse_flags, path_flag


@dataclasses.dataclass
class Config(trajectories.TruthFlags):
    """Input."""
    gtruth: str = path_flag('', 'pose file with the truth: 12 or 16 columns, 13 or 17 with the '
                                'frame first, 8 (TUM), or .npy [N, 3 or 4, 4]')
    pred: str = path_flag('', 'the same for the prediction, or a folder of pose snippets to chain')
    frames: str = path_flag('', 'file with the frame number or time of each pose of --pred, one '
                                'per line, if --pred holds none')
    align: str = flag('none', 'alignment of the prediction with the truth', choices=ALIGNMENTS)
    snippet_scale: str = flag('per_snippet', 'scale of snippets: fit each, fit one factor for all, '
                                             'or none', choices=SCALES)
    snippet_overlap: str = flag('first', 'a motion that several snippets cover: use the snippet '
                                         'that starts with it, or the mean of all',
                                choices=OVERLAPS)
    lengths: List[int] = flag(list(KITTI_LENGTHS), 'path lengths of the t_rel, r_rel segments, m',
                              at_least=1)
    evo: bool = flag(False, 'also evaluate with evo')

    def __post_init__(self):
        super().__post_init__()
        require_file(self.gtruth, 'pose file (--gtruth)')
        self.require(pred='a pose file or a folder of pose snippets',
                     lengths='at least one length in metres')
        self.name_sequence('gtruth')
        if os.path.isdir(self.pred) and self.frames:
            raise UserError('--frames=%s: must not be given if --pred is a folder (it is read only '
                            'for a file of poses)' % self.frames)
        if not os.path.isdir(self.pred) and (self.snippet_scale, self.snippet_overlap) != (
                SCALES[0], OVERLAPS[0]):
            raise UserError('--snippet_scale=%s --snippet_overlap=%s: must not be given if --pred '
                            'is a file (they are read only for a folder of snippets)' % (
                                self.snippet_scale, self.snippet_overlap))


def main(argv=None):
    config, = parse_flags(__doc__, Config, argv=argv)
    both = trajectories.read_trajectories(
        config.gtruth, config.pred, config.snippet_scale, config.snippet_overlap, config.frames,
        config.times, config.first_frame, config.seq_id)
    snippets.warn_of_other_sequence(
        config.pred if os.path.isdir(config.pred) else os.path.dirname(config.pred), config.seq_id)
    overlap = report.Overlap(len(both.frames), len(both.all_gt), len(both.all_pred), 'frames')
    trained = leakage.warn_if_trained(config.train_list, [config.seq_id])
    step, baseline = step_from_files(config.baseline_poses)
    curves = {'prediction': both.pred, baseline: constant_motion(both.frames, step)}
    rows = [(label, evaluate_odometry(both.gt, poses, config.align, config.lengths, both.frames))
            for label, poses in curves.items()]
    shown = report.print_odometry(rows, 'Sequence %s, %s, alignment %s%s' % (
        config.seq_id, overlap, config.align, both.how and ', ' + both.how))
    _hint(both, config, rows[0][1])
    result = dict(rows[0][1], baseline=dict(rows[1][1], label=baseline), chained=both.how,
                  trained_on=trained)
    prefix = report.result_prefix(config.output_dir, config.pred, 'eval_odometry')
    report.save_result(prefix, result)
    aligned = [(label, align_trajectory(both.gt, poses, config.align)[0])
               for label, poses in curves.items()]
    write_scored(prefix, both, aligned[0][1])
    if config.plot:
        curves = [('ground truth', both.gt)] + aligned
        report.write_page(prefix, shown, plot_result(prefix, curves, rows, config), __file__, argv)
    if config.evo:
        result['evo'] = _run_evo(both, config.align, prefix + '_evo' if config.plot else '')
        report.save_result(prefix, result)
    overlap.require_half(config.gtruth, config.pred)


def write_scored(prefix, both, poses):
    """Writes the aligned prediction to `<prefix>.txt` (KITTI) and, if times are known, `.tum`."""
    # An earlier evaluation may have known the times.
    folder, name = os.path.split(prefix)
    remove_others(folder, re.escape(name + '.tum'))
    odometry.write_poses(prefix + '.txt', poses, both.frames)
    written = [prefix + '.txt']
    if both.times and set(both.frames.tolist()) <= set(both.times):
        written.append(prefix + '.tum')
        odometry.write_tum(written[1], [both.times[frame] for frame in both.frames.tolist()], poses)
    print('written: %s' % ', '.join(written))


def _hint(both, config, result):
    """Warns about the mistake that explains bad results."""
    positions = both.pred[:, :3, 3] - both.pred[:, :3, 3].mean(axis=0)
    spread = np.linalg.svd(positions, compute_uv=False)
    if config.align in ('6dof', '7dof') and spread[1] < 1e-6 * spread[0]:
        warn('the predicted positions lie on a line: the alignment does not determine the rotation '
             'about it')
    raw = [np.array([side[frame] for frame in both.frames.tolist()])
           for side in (both.all_gt, both.all_pred)]
    hint = hints.trajectory_hint(*raw, both.frames, config.align, config.lengths, result)
    hint = hint or hints.shift_hint(
        *map(hints.motions_of, (both.all_gt, both.all_pred)), both.offset, config.seq_id,
        len(both.all_pred) - len(both.frames))
    if hint:
        warn(hint)


def _run_evo(both, align, plot_prefix):
    from kitti_eval import evo_tools
    # evo ignores frame numbers: for its RPE, consecutive rows are consecutive frames.
    metrics = [name for name in evo_tools.METRICS
               if name == 'ape' or (np.diff(both.frames) == 1).all()]
    try:
        result = evo_tools.evo_errors(both.gt, both.pred, align, metrics, plot_prefix)
    except UserError as error:
        warn(str(error))
        return None
    print('evo: ' + ', '.join('%s rmse %.6f %s' % (name, result[name]['rmse'],
                                                   'deg' if name == 'rpe_rot' else 'm')
                              for name in metrics))
    return result


def plot_result(prefix, curves, rows, config):
    """Writes `<prefix>_trajectory.png` and, with segments, `_errors.png`; returns the paths."""
    from kitti_eval import plots  # matplotlib is slow to import.
    title = 'Sequence %s, alignment %s' % (config.seq_id, config.align)
    paths = [prefix + '_trajectory.png']
    plots.plot_trajectories(paths[0], curves, title)
    if rows[0][1]['segments']:
        paths.append(prefix + '_errors.png')
        plots.plot_errors_over_length(
            paths[1], [(label, result['by_length']) for label, result in rows], title)
    return paths


if __name__ == '__main__':
    run_main(main)
