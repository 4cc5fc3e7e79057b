"""Results of experiments: each value with its baseline and the information to reproduce it."""
import os
import platform
import shlex
from typing import NamedTuple

import numpy as np

from kitti_data import poses as pose_math
from kitti_eval import html_report, plots, report, snippets
from kitti_eval.constant_motion import constant_motion, step_from_files
from kitti_eval.snippet_errors import evaluate_snippets
from kitti_eval.trajectory_errors import KITTI_LENGTHS, evaluate_odometry, motion_agreement
from npu_runtime.training.metrics import read_metrics
from vo_common.parallel import num_cores

# Evaluated values, most important first. Key: (name, format).
FIGURES = {'ate_3': ('3-frame ATE [m]', '%.4f'), 'ate_5': ('5-frame ATE [m]', '%.4f'),
           't_rel': ('t_rel [%]', '%.2f'), 'r_rel': ('r_rel [deg/100 m]', '%.2f'),
           'rpe_trans': ('RPE [m]', '%.4f'), 'rpe_rot': ('RPE [deg]', '%.4f'),
           'yaw_correlation': ('yaw correlation', '%.3f'), 'yaw_slope': ('yaw slope', '%.3f'),
           'step_spread': ('step spread', '%.3f'),
           'heading_right': ('heading right [deg]', '%.2f'),
           'heading_down': ('heading down [deg]', '%.2f'), 'abs_rel': ('depth abs_rel', '%.4f'),
           'abs_rel_refined': ('depth abs_rel, refined', '%.4f'),
           'epe': ('flow EPE [px]', '%.4f')}
SHORT_LENGTHS = (20, 50)  # metres, for drives too short for KITTI's lengths


class Results(NamedTuple):
    """Results of a model.

    rows: rows of results.json, see `rows_of`.
    blocks: blocks of the report, see `html_report`.
    """
    rows: list
    blocks: list


class Scores(NamedTuple):
    """Scores of a trajectory.

    found, baseline: {key of FIGURES: value}.
    curves: list of (label, trajectory) to plot: truth, prediction, baseline.
    """
    found: dict
    baseline: dict
    curves: list


def circumstances(argv, program):
    """dict(command, machine, engine, load), which is stored with every value."""
    import tensorflow as tf  # slow to import
    return dict(command=' '.join(['python', program] + [shlex.quote(word) for word in argv]),
                machine='%s, %d core%s' % (_processor(), num_cores(), 's' * (num_cores() > 1)),
                engine='TensorFlow %s, Python %s' % (tf.__version__, platform.python_version()),
                load=round(os.getloadavg()[0], 1))


class Programs:
    """Runs the repository's programs in this process and records their command lines.

    Attributes:
      lines: list of str, one per call, in order.
    """

    def __init__(self):
        self.lines = []

    def __call__(self, module, argv):
        """Calls `module.main(argv)`, for a module such as `geonet.main`."""
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
    """Minutes spent in training steps, from the metrics.jsonl of a run."""
    minutes, last = 0.0, 0
    for row in read_metrics(folder):
        if row['event'] == 'train':
            minutes += (row['step'] - last) * row['seconds_per_step'] / 60
            last = row['step']
    return round(minutes, 1)


def snippet_figures(pred_dir, drives, name):
    """The `Scores` of the 3-frame snippets predicted for a sequence; None without true poses.

    The 3-frame ATE is that of the predicted snippets. All other values are those of their chain, in
    which motions covered by two snippets are averaged and one factor scales all motions.

    Args:
      pred_dir: folder of the snippets.
      drives: <Drives>; the poses of the training sequences give the baseline.
      name: name of the sequence.
    """
    gt = drives.poses(name)
    if gt is None:
        return None
    step, label = step_from_files(drives.pose_files)
    runs = np.array([poses for _, (_, poses) in sorted(snippets.read_snippets(pred_dir).items())])
    _, trajectory = snippets.chain_snippets(
        dict(enumerate(runs)), dict(enumerate(gt)), 'global', 'mean')
    scores = trajectory_figures(trajectory, gt, step, label, drives.sequence(name).frame_numbers)
    for length, predicted in ((3, runs), (5, snippets.snippets_of_trajectory(trajectory, 5))):
        result = evaluate_snippets(snippets.timed(snippets.snippets_of_trajectory(gt, length)),
                                   snippets.timed(predicted), step)
        scores.found['ate_%d' % length] = result['ate_mean']
        scores.baseline['ate_%d' % length] = result['baseline_ate_mean']
    return scores


def trajectory_figures(pred, gt, step, label, frames=None):
    """The `Scores` of a trajectory: KITTI's errors, RPE and agreement of motions.

    Args:
      pred, gt: float64 [N, 4, 4].
      step: float [3], motion of the baseline per frame.
      label: name of the baseline.
      frames: ascending numbers of the N frames; None: they are consecutive.
    """
    gt = pose_math.relative(gt[0], gt)
    constant = constant_motion(len(gt) if frames is None else frames, step)
    lengths = KITTI_LENGTHS if np.linalg.norm(np.diff(gt[:, :3, 3], axis=0), axis=1).sum() > (
        2 * KITTI_LENGTHS[0]) else SHORT_LENGTHS
    results = []
    for poses in (pred, constant):
        errors = evaluate_odometry(gt, poses, 'none', lengths, frames)
        results.append({key: errors[key] for key in ('t_rel', 'r_rel', 'rpe_trans', 'rpe_rot')})
        results[-1].update(motion_agreement(gt, poses), lengths=list(lengths))
    return Scores(*results, [('ground truth', gt), ('prediction', pred), (label, constant)])


def rows_of(found, baseline, **about):
    """Rows of results.json, one per key of FIGURES, each with its baseline and `about`."""
    return [dict(about, figure=key, meaning=_meaning(key, found), value=found[key],
                 baseline=baseline.get(key)) for key in FIGURES if found.get(key) is not None]


def _meaning(key, found):
    """The name of a value; for t_rel and r_rel, includes the averaged path lengths."""
    name, lengths = FIGURES[key][0], found.get('lengths')
    return '%s over %d to %d m' % (name, lengths[0], lengths[-1]) if (
        lengths and key in ('t_rel', 'r_rel')) else name


def mean_rows(rows):
    """Rows with the mean of each value and baseline over two or more test drives.

    Ignores drives that were used in training.
    """
    groups = {}
    for row in rows:
        if row['split'] == 'test' and not row['trained_on']:
            groups.setdefault((row['model'], row['meaning']), []).append(row)
    return [dict(group[0], sequence='mean of %d' % len(group),
                 **{key: None if any(row[key] is None for row in group)
                    else float(np.mean([row[key] for row in group]))
                    for key in ('value', 'baseline')})
            for group in groups.values() if len(group) > 1]


def wide_table(rows, key):
    """A table with one row for each model and sequence and cells "prediction / baseline".

    Args:
      rows: as `rows_of` returns them.
      key: function from a row to its label (str or tuple) in the table.

    Returns:
      (list of headings, {label: {heading: cell}} in the order of `rows`).
    """
    order = list(FIGURES)
    headings = sorted({(order.index(row['figure']), row['meaning']) for row in rows})
    table = {}
    for row in rows:
        table.setdefault(key(row), {})[row['meaning']] = ' / '.join(
            '-' if value is None else '%.4g' % value for value in (row['value'], row['baseline']))
    return [meaning for _, meaning in headings], table


def place_of(row):
    """The sequence of a row with its role, such as '07', '39 (validation)', '00 (trained on)'."""
    return row['sequence'] + (' (trained on)' if row['trained_on'] else
                              ' (validation)' if row.get('split') == 'validation' else '')


def summary(rows, title):
    """Prints the table of all results and returns it as a block of the report."""
    headings, table = wide_table(rows, lambda row: '%s, %s' % (row['model'], place_of(row)))
    return report.Table(title + ': prediction / baseline',
                        [(heading, '%s') for heading in headings],
                        list(table.items())).show().block()


def about_run(about, model, run, steps, frames):
    """`about` with the model, its steps, training frames and minutes in the folder `run`."""
    return dict(about, model=model, minutes=training_minutes(run), steps=steps, frames=frames)


def results_of_model(title, about, lines, run, tested):
    """The `Results` of a model: its commands and the loss curve, then those of its tests.

    Args:
      title: heading: the model and what it learns.
      about: result of `about_run`.
      lines: the command lines.
      run: folder of the run; `loss.png` is written to its parent.
      tested: list of `Results`, such as one for each sequence.
    """
    path = os.path.join(os.path.dirname(run), 'loss.png')
    rows = [row for row in read_metrics(run) if row['event'] == 'train']
    plots.plot_losses(path, [row['step'] for row in rows], [row['total'] for row in rows],
                      about['model'] + ', total loss')
    blocks = [html_report.heading(title),
              html_report.paragraph('%(steps)d steps, %(minutes)g minutes, %(frames)d training '
                                    'frames.' % about),
              html_report.commands(lines), html_report.picture(path, 'loss')]
    return Results(sum((each.rows for each in tested), []),
                   sum((each.blocks for each in tested), blocks))


def sequence_results(scores, path, about):
    """The `Results` of a sequence.

    Args:
      scores: <Scores>, or None without true poses.
      path: PNG file to write the trajectory to.
      about: dict with model, sequence, trained_on, split and all other values stored in rows.
    """
    if scores is None:
        return Results([], [html_report.note(
            'Sequence %s has no poses: predicted, not evaluated.' % about['sequence'])])
    title = '%s, sequence %s' % (about['model'], place_of(about))
    plots.plot_trajectories(path, scores.curves, title)
    rows = rows_of(scores.found, scores.baseline, **about)
    shown = comparison(title, rows, scores.curves[-1][0]).show()
    notes = [html_report.note('Trained on this sequence: the results show how well it is fitted, '
                              'not how well the model generalizes.')] if about['trained_on'] else []
    return Results(rows, notes + [shown.block(), html_report.picture(path, title)])


def comparison(title, rows, baseline):
    """The <report.Table> of predicted values above those of their baseline.

    Args:
      title: title of the table.
      rows: as `rows_of` returns them, one for each column.
      baseline: name of the baseline.
    """
    return report.Table(
        title, [(row['meaning'], FIGURES[row['figure']][1]) for row in rows],
        [(label, {row['meaning']: row[key] for row in rows})
         for label, key in (('prediction', 'value'), (baseline, 'baseline'))])


def video_blocks(stem, folder, caption):
    """[block of the video `<stem>.mp4` or `.gif`, for a page in the parent of `folder`], or []."""
    paths = [stem + ending for ending in ('.mp4', '.gif') if os.path.exists(stem + ending)]
    return [html_report.video(path, os.path.dirname(folder), caption) for path in paths[:1]]
