"""Scores predicted pose snippets: the absolute trajectory error beside constant motion."""
import os
import sys
if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

import dataclasses

from common.console import warn
from common.errors import UserError, run_main
from common.files import require_folder
from common.flags import flag, parse_flags, path_flag
from kitti_data.odometry import read_times_and_poses
from kitti_data.poses import relative
from kitti_eval import html_report, leakage, report, snippets
from kitti_eval.chaining import chain_snippets
from kitti_eval.constant_motion import step_from_files
from kitti_eval.snippet_errors import evaluate_snippets


@dataclasses.dataclass
class Config(report.PoseFlags):
    """What is compared."""
    pred_dir: str = path_flag('', 'folder of predicted snippets')
    gtruth_dir: str = path_flag('', 'folder of ground truth snippets')
    gtruth_poses: str = path_flag('', 'instead of --gtruth_dir: KITTI pose file of the sequence')
    times: str = path_flag('', 'times of --gtruth_poses; empty is sequences/NN/times.txt beside '
                               'poses/')
    seq_id: str = flag('', 'the sequence; empty is the name of --gtruth_poses')

    def __post_init__(self):
        super().__post_init__()
        if bool(self.gtruth_dir) == bool(self.gtruth_poses):
            raise UserError('give one of --gtruth_dir and --gtruth_poses')
        if self.gtruth_poses and not self.seq_id:
            self.seq_id = os.path.splitext(os.path.basename(self.gtruth_poses))[0]
        if self.train_list:
            self.require(seq_id='the sequence of --gtruth_dir, to look for in --train_list')


def main(argv=None):
    config, output = parse_flags(__doc__, Config, report.ReportFlags, argv=argv)
    pred = snippets.read_snippets(require_folder(config.pred_dir, 'folder --pred_dir'))
    snippets.require_successive(config.pred_dir)
    gt = read_truth(config, _frames(pred))
    if _frames(gt) != _frames(pred):
        raise UserError('%s holds snippets of %d frames, %s of %d: both must be as long (write the '
                        'truth with generate_pose_snippets.py --seq_length=%d, or give '
                        '--gtruth_poses)' % (config.pred_dir, _frames(pred), config.gtruth_dir,
                                             _frames(gt), _frames(pred)))
    trained = leakage.warn_if_trained(config.train_list, [config.seq_id])
    step, baseline_label = step_from_files(config.baseline_poses)
    result = evaluate_snippets(gt, pred, step)
    result.update(baseline=baseline_label, trained_on=trained)
    shown = _print_result(result, config)
    folder = report.result_folder(output, config.pred_dir)
    report.save_result(folder, 'eval_pose', result)
    if output.plot:
        html_report.evaluation_page(os.path.join(folder, 'eval_pose.html'), shown,
                                    _plot(folder, gt, pred, config.seq_id))


def read_truth(config, seq_length):
    """The ground truth {first frame: (times, poses)} that `config` names."""
    if config.gtruth_dir:
        return snippets.read_snippets(require_folder(config.gtruth_dir, 'folder --gtruth_dir'))
    times_path = config.times or os.path.join(
        os.path.dirname(config.gtruth_poses), os.pardir, 'sequences', config.seq_id, 'times.txt')
    return snippets.snippets_of_frames(*read_times_and_poses(config.gtruth_poses, times_path),
                                       seq_length)


def _frames(runs):
    return max(len(times) for times, _ in runs.values())


def _print_result(result, config):
    for key, meaning in (('missing', 'ground truth snippets have no prediction'),
                         ('without_truth', 'predicted snippets have no ground truth'),
                         ('unmatched', 'predicted snippets agree in fewer than two times'),
                         ('partly_matched', 'predicted snippets were matched only in part')):
        if result[key]:
            warn('%d %s' % (result[key], meaning))
    if not result['snippets']:
        raise UserError('no snippet of %s matches the ground truth in %s' % (
            config.pred_dir, config.gtruth_dir or config.gtruth_poses))
    print('ATE mean: %.4f, std: %.4f' % (result['ate_mean'], result['ate_std']))
    sequence = ' of sequence %s' % config.seq_id if config.seq_id else ''
    return report.print_table(
        'ATE [m] of %d-frame snippets%s' % (result['seq_length'], sequence),
        [('mean', '%.4f'), ('std', '%.4f'), ('snippets', '%d')],
        [(label, dict(mean=result[key + '_mean'], std=result[key + '_std'],
                      snippets=result['snippets']))
         for label, key in (('prediction', 'ate'), (result['baseline'], 'baseline_ate'))])


def _plot(folder, gt, pred, sequence):
    """Draws the chained snippets, and returns the paths of what was drawn."""
    from kitti_eval import plots  # Only here: matplotlib takes longer than the rest.
    try:
        truth = dict(zip(*chain_snippets({first: poses for first, (_, poses) in gt.items()})))
        frames, chained = chain_snippets(
            {first: poses for first, (_, poses) in pred.items() if first in gt}, truth,
            'per_snippet')
    except UserError as error:
        warn('no plot: %s' % error)
        return []
    gt_poses = [truth[frame] for frame in frames]
    gt_poses = relative(gt_poses[0], gt_poses)
    path = os.path.join(folder, 'eval_pose.png')
    plots.plot_trajectories(
        path, [('ground truth', gt_poses), ('prediction (each snippet scaled)', chained)],
        'Sequence %s, snippets chained' % sequence if sequence else 'Snippets chained')
    return [path]


if __name__ == '__main__':
    run_main(main)
