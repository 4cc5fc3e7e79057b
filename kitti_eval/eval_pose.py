"""Evaluates predicted pose snippets: absolute trajectory error, compared with constant motion."""
import os
import sys
if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Before the slow imports, because it makes Ctrl-C exit with one line.
from vo_common.errors import UserError, run_main

import dataclasses

from kitti_data import odometry
from kitti_data.frame_files import KITTI_FRAME_RATE
from kitti_data.poses import relative
from kitti_eval import hints, leakage, report, snippets, trajectories, truth
from kitti_eval.constant_motion import step_from_files
from kitti_eval.snippet_errors import evaluate_snippets, on_clock_of
from vo_common.console import warn
from vo_common.files import require_folder
from vo_common.flags import parse_flags, path_flag


@dataclasses.dataclass
class Config(trajectories.TruthFlags):
    """Input."""
    pred_dir: str = path_flag('', 'folder of predicted snippets')
    gtruth_dir: str = path_flag('', 'folder of ground truth snippets')
    gtruth_poses: str = path_flag('', 'pose file of the sequence, instead of --gtruth_dir')

    def __post_init__(self):
        super().__post_init__()
        if bool(self.gtruth_dir) == bool(self.gtruth_poses):
            raise UserError('give either --gtruth_dir or --gtruth_poses')
        if self.gtruth_dir and self.times:
            raise UserError('--times=%s: must not be given without --gtruth_poses' % self.times)
        self.name_sequence('gtruth_poses' if self.gtruth_poses else 'gtruth_dir')


def main(argv=None):
    config, = parse_flags(__doc__, Config, argv=argv)
    pred = snippets.read_snippets(require_folder(config.pred_dir, 'folder --pred_dir'))
    snippets.require_successive(config.pred_dir)
    snippets.warn_of_other_sequence(config.pred_dir, config.seq_id)
    gt = read_truth(config, _frames(pred))
    if _frames(gt) != _frames(pred):
        raise UserError('%s holds snippets of %d frames, %s of %d: both must have the same length '
                        '(write the truth with generate_pose_snippets.py --seq_length=%d, or give '
                        '--gtruth_poses)' % (config.pred_dir, _frames(pred), config.gtruth_dir,
                                             _frames(gt), _frames(pred)))
    offset = trajectories.frame_offset(max(pred), max(gt), config.first_frame, config.seq_id)
    pred = on_clock_of(
        gt, {first - offset: snippet for first, snippet in pred.items()}, config.pred_dir)
    trained = leakage.warn_if_trained(config.train_list, [config.seq_id])
    step, label = step_from_files(config.baseline_poses)
    result = dict(evaluate_snippets(gt, pred, step), baseline=label, trained_on=trained)
    _check(result, config, gt, pred, step, offset)
    overlap = report.Overlap(result['snippets'], len(gt), len(pred), 'snippets')
    shown = _print_result(result, config, overlap)
    prefix = report.result_prefix(config.output_dir, config.pred_dir, 'eval_pose')
    report.save_result(prefix, result)
    if config.plot:
        report.write_page(prefix, shown, _plot(prefix, gt, pred, config.seq_id), __file__, argv)
    overlap.require_half(config.gtruth_dir or config.gtruth_poses, config.pred_dir)


def read_truth(config, seq_length):
    """The ground truth {first frame: (times, poses)} that `config` selects."""
    if config.gtruth_dir:
        return snippets.read_snippets(require_folder(config.gtruth_dir, 'folder --gtruth_dir'))
    numbers, poses, times = truth.read_truth(config.gtruth_poses, config.times)
    if times is None:
        warn('%s does not exist (it is in data_odometry_calib.zip, or give --times=FILE): frames '
             'are assumed to be %g s apart' % (odometry.times_of_poses(config.gtruth_poses),
                                               1 / KITTI_FRAME_RATE))
        times = dict(zip(numbers.tolist(), numbers / KITTI_FRAME_RATE))
    return snippets.snippets_of_frames(numbers, times, poses, seq_length)


def _frames(runs):
    return max(len(times) for times, _ in runs.values())


def _check(result, config, gt, pred, step, offset):
    """Warns about snippets that are not scored and about the mistake that explains bad results.

    Raises a UserError if none is scored.
    """
    for key, meaning in (('missing', 'ground truth snippets have no prediction'),
                         ('without_truth', 'predicted snippets have no ground truth'),
                         ('unmatched', 'predicted snippets match the truth at fewer than 2 times'),
                         ('partly_matched', 'predicted snippets were matched only in part')):
        if result[key]:
            warn('%d %s' % (result[key], meaning))
    cause = hints.shift_hint(*map(hints.first_motions, (gt, pred)), offset, config.seq_id,
                             result['without_truth'])
    if not result['snippets']:
        raise UserError('no snippet of %s matches the ground truth in %s%s' % (
            config.pred_dir, config.gtruth_dir or config.gtruth_poses, cause and ': ' + cause))
    cause = cause or hints.snippets_hint(gt, pred, result, step)
    if cause:
        warn(cause)


def _print_result(result, config, overlap):
    print('ATE mean: %.4f, std: %.4f' % (result['ate_mean'], result['ate_std']))
    sequence = ' of sequence %s' % config.seq_id if config.seq_id else ''
    return report.Table(
        'ATE [m] of %d-frame snippets%s, %s' % (result['seq_length'], sequence, overlap),
        [('mean', '%.4f'), ('std', '%.4f')],
        [(label, dict(mean=result[key + '_mean'], std=result[key + '_std']))
         for label, key in (('prediction', 'ate'), (result['baseline'], 'baseline_ate'))]).show()


def _plot(prefix, gt, pred, sequence):
    """Draws the chained snippets to `<prefix>.png`; returns [its path], or [] without a plot."""
    from kitti_eval import plots  # matplotlib is slow to import.
    try:
        truth = dict(zip(*snippets.chain_snippets(
            {first: poses for first, (_, poses) in gt.items()})))
        frames, chained = snippets.chain_snippets(
            {first: poses for first, (_, poses) in pred.items() if first in gt}, truth,
            'per_snippet')
    except UserError as error:
        warn('no plot: %s' % error)
        return []
    gt_poses = [truth[frame] for frame in frames]
    gt_poses = relative(gt_poses[0], gt_poses)
    plots.plot_trajectories(
        prefix + '.png',
        [('ground truth', gt_poses), ('prediction (each snippet scaled)', chained)],
        'Sequence %s, snippets chained' % sequence if sequence else 'Snippets chained')
    return [prefix + '.png']


if __name__ == '__main__':
    run_main(main)
