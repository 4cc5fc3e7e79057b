"""The figures of learning: each with its baseline, and with what it takes to get it again."""
import os
import platform
import shlex

import numpy as np

from common.parallel import num_cores
from kitti_data import poses as pose_math
from kitti_eval import html_report, plots, report, snippets
from kitti_eval.chaining import chain_snippets
from kitti_eval.constant_motion import constant_motion, step_from_files
from kitti_eval.motion_agreement import motion_agreement
from kitti_eval.snippet_errors import evaluate_snippets
from kitti_eval.trajectory_errors import KITTI_LENGTHS, evaluate_odometry
from npu_runtime.training.metrics import read_metrics

# Key -> (what a reader calls it, format). Shorter paths than KITTI's: its test drives are long.
FIGURES = {'ate_3': ('3-frame ATE [m]', '%.4f'), 'ate_5': ('5-frame ATE [m]', '%.4f'),
           't_rel': ('t_rel [%]', '%.2f'), 'r_rel': ('r_rel [deg/100 m]', '%.2f'),
           'rpe_trans': ('RPE [m]', '%.4f'), 'rpe_rot': ('RPE [deg]', '%.4f'),
           'yaw_correlation': ('yaw correlation', '%.3f'), 'yaw_slope': ('yaw slope', '%.3f'),
           'step_spread': ('step spread', '%.3f'), 'abs_rel': ('depth abs_rel', '%.4f'),
           'epe': ('flow EPE [px]', '%.4f')}
SHORT_LENGTHS = (20, 50)


def circumstances(argv, program):
    """What every figure needs beside it: dict(command, machine, engine, load)."""
    import tensorflow as tf  # only a program that trains asks
    return dict(command=' '.join(['python', program] + [shlex.quote(word) for word in argv]),
                machine='%s, %d core%s' % (_processor(), num_cores(), 's' * (num_cores() > 1)),
                engine='TensorFlow %s, Python %s' % (tf.__version__, platform.python_version()),
                load=round(os.getloadavg()[0], 1))


class Programs:
    """Runs the repository's programs in this process, and keeps their command lines.

    Attributes:
      lines: list of str, one for each call, in order.
    """

    def __init__(self):
        self.lines = []

    def __call__(self, module, argv):
        """`module.main(argv)`, for a module such as `geonet.main`."""
        self.lines.append(' '.join(['python', module.__name__.replace('.', '/') + '.py']
                                   + [shlex.quote(word) for word in argv]))
        return module.main(argv)


def _processor():
    try:
        with open('/proc/cpuinfo') as stream:
            names = [line.split(':', 1)[1].strip() for line in stream
                     if line.startswith('model name')]
    except OSError:
        names = []
    return names[0] if names else platform.machine()


def training_minutes(folder):
    """Minutes of the steps that the metrics.jsonl of a run tells of, starts and saves left out."""
    minutes, last = 0.0, 0
    for row in read_metrics(folder):
        if row['event'] == 'train':
            minutes += (row['step'] - last) * row['seconds_per_step'] / 60
            last = row['step']
    return round(minutes, 1)


def loss_curve(run):
    """(steps, total losses) of the metrics.jsonl in a run's folder."""
    rows = [row for row in read_metrics(run) if row['event'] == 'train']
    return [row['step'] for row in rows], [row['total'] for row in rows]


def snippet_figures(pred_dir, gt, pose_files):
    """3- and 5-frame ATE, trajectory figures and trajectories of predicted 3-frame snippets.

    The 3-frame ATE is that of the snippets as predicted; for all else they are chained, a motion
    that two of them cover being the mean of both, and scaled by one factor.

    Args:
      pred_dir: folder of the snippets.
      gt: float64 [N, 4, 4] the true poses.
      pose_files: of the training sequences, for the baseline.

    Returns:
      (dict of the figures, dict of the baseline's, list of (label, trajectory) for a plot).
    """
    pred = snippets.read_snippets(pred_dir)
    step, label = step_from_files(pose_files)
    truth = dict(enumerate(gt))
    found, baseline = {}, {}
    runs = np.array([poses for _, (_, poses) in sorted(pred.items())])
    _, trajectory = chain_snippets(dict(enumerate(runs)), truth, 'global', 'mean')
    for length, predicted in ((3, runs), (5, snippets.snippets_of_trajectory(trajectory, 5))):
        result = evaluate_snippets(snippets.timed(snippets.snippets_of_trajectory(gt, length)),
                                   snippets.timed(predicted), step)
        found['ate_%d' % length] = result['ate_mean']
        baseline['ate_%d' % length] = result['baseline_ate_mean']
    more, more_baseline, curves = trajectory_figures(trajectory, gt, step, label)
    return dict(found, **more), dict(baseline, **more_baseline), curves


def trajectory_figures(pred, gt, step, label):
    """KITTI's figures, RPE and agreement of a trajectory, and those of constant motion.

    Args:
      pred, gt: float64 [N, 4, 4].
      step: float [3], the baseline's motion in a frame.
      label: of the baseline.

    Returns:
      As `snippet_figures`.
    """
    gt = pose_math.relative(gt[0], gt)
    constant = constant_motion(len(gt), step)
    lengths = KITTI_LENGTHS if np.linalg.norm(np.diff(gt[:, :3, 3], axis=0), axis=1).sum() > (
        2 * KITTI_LENGTHS[0]) else SHORT_LENGTHS
    results = []
    for poses in (pred, constant):
        errors = evaluate_odometry(gt, poses, 'none', lengths)
        results.append({key: errors[key] for key in ('t_rel', 'r_rel', 'rpe_trans', 'rpe_rot')})
        results[-1].update(motion_agreement(gt, poses), lengths=list(lengths))
    return results[0], results[1], [('ground truth', gt), ('prediction', pred),
                                    (label, constant)]


def rows_of(found, baseline, **about):
    """The list of figures as results.json has them: each with its baseline and all of `about`."""
    return [dict(about, figure=key, meaning=_meaning(key, found), value=found[key],
                 baseline=baseline.get(key)) for key in FIGURES if found.get(key) is not None]


def _meaning(key, found):
    """What a reader calls a figure; of t_rel and r_rel also over which lengths of path."""
    name, lengths = FIGURES[key][0], found.get('lengths')
    return '%s over %d to %d m' % (name, lengths[0], lengths[-1]) if (
        lengths and key in ('t_rel', 'r_rel')) else name


def poses_if_there(drives, name):
    """True poses [N, 4, 4] of a sequence, or None where it has no pose file."""
    return drives.sequence(name).poses if drives.has_poses(name) else None


def blocks_of(path, curves, found, baseline, title, trained_on):
    """What a report shows of one trajectory: a note, a table with the baseline, a picture.

    Args:
      path: the PNG file of the trajectory, written here.
      curves: list of (label, float64 [N, 4, 4]), the truth first.
      found, baseline: dicts of figures.
      title: names model and sequence.
      trained_on: whether the sequence is among the training ones.
    """
    plots.plot_trajectories(path, curves, title)
    keys = [key for key in FIGURES if found.get(key) is not None]
    columns = [(_meaning(key, found), FIGURES[key][1]) for key in keys]
    rows = [(label, {_meaning(key, found): values.get(key) for key in keys})
            for label, values in (('prediction', found), (curves[-1][0], baseline))]
    report.print_table(title, columns, rows)
    notes = [html_report.note('Trained on this sequence: the figures say how well it is fitted, '
                              'not how well anything new is seen.')] if trained_on else []
    return notes + [html_report.table(title, columns, rows), html_report.picture(path, title)]
