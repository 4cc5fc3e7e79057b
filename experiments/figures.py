"""Results of experiments: figures with their baselines and what it takes to reproduce them."""
import os
import platform
import shlex

import numpy as np

from kitti_data import poses as pose_math
from kitti_eval import html_report, plots, report, snippets
from kitti_eval.chaining import chain_snippets
from kitti_eval.constant_motion import constant_motion, step_from_files
from kitti_eval.motion_agreement import motion_agreement
from kitti_eval.snippet_errors import evaluate_snippets
from kitti_eval.trajectory_errors import KITTI_LENGTHS, evaluate_odometry
from npu_runtime.training.metrics import read_metrics
from vo_common.parallel import num_cores

# Key -> (what a reader calls it, format). Shorter paths than KITTI's: its test drives are long.
FIGURES = {'ate_3': ('3-frame ATE [m]', '%.4f'), 'ate_5': ('5-frame ATE [m]', '%.4f'),
           't_rel': ('t_rel [%]', '%.2f'), 'r_rel': ('r_rel [deg/100 m]', '%.2f'),
           'rpe_trans': ('RPE [m]', '%.4f'), 'rpe_rot': ('RPE [deg]', '%.4f'),
           'yaw_correlation': ('yaw correlation', '%.3f'), 'yaw_slope': ('yaw slope', '%.3f'),
           'step_spread': ('step spread', '%.3f'), 'abs_rel': ('depth abs_rel', '%.4f'),
           'epe': ('flow EPE [px]', '%.4f')}
SHORT_LENGTHS = (20, 50)


def circumstances(argv, program):
    """What is stored with every figure: dict(command, machine, engine, load)."""
    import tensorflow as tf  # takes seconds to import
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
    """Minutes spent in training steps, by a run's metrics.jsonl; without starts and saves."""
    minutes, last = 0.0, 0
    for row in read_metrics(folder):
        if row['event'] == 'train':
            minutes += (row['step'] - last) * row['seconds_per_step'] / 60
            last = row['step']
    return round(minutes, 1)


def snippet_figures(pred_dir, gt, pose_files):
    """3- and 5-frame ATE, trajectory figures and trajectories of predicted 3-frame snippets.

    The 3-frame ATE is that of the snippets as predicted. For all other figures they are chained,
    motions that two snippets cover being averaged, and scaled by one factor.

    Args:
      pred_dir: folder of the snippets.
      gt: float64 [N, 4, 4] the true poses.
      pose_files: of the training sequences, for the baseline.

    Returns:
      (figures, figures of the baseline, list of (label, trajectory) to plot).
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
    """The rows of results.json: one for each figure, with its baseline and all of `about`."""
    return [dict(about, figure=key, meaning=_meaning(key, found), value=found[key],
                 baseline=baseline.get(key)) for key in FIGURES if found.get(key) is not None]


def _meaning(key, found):
    """The name of a figure; of t_rel and r_rel with the path lengths that it averages over."""
    name, lengths = FIGURES[key][0], found.get('lengths')
    return '%s over %d to %d m' % (name, lengths[0], lengths[-1]) if (
        lengths and key in ('t_rel', 'r_rel')) else name


def mean_rows(rows):
    """Rows with the mean of each figure and baseline over the test drives.

    Drives that were trained on are left out, as are figures of fewer than two drives.
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
    """One row for each model and sequence: its figures as columns, "prediction / baseline".

    Args:
      rows: as `rows_of` returns them.
      key: function of a row that returns the label (str or tuple) of its row in the table.

    Returns:
      (list of the columns' headings, {label: {heading: cell}} in the order of `rows`).
    """
    order = list(FIGURES)
    headings = sorted({(order.index(row['figure']), row['meaning']) for row in rows})
    table = {}
    for row in rows:
        table.setdefault(key(row), {})[row['meaning']] = ' / '.join(
            '-' if value is None else '%.4g' % value for value in (row['value'], row['baseline']))
    return [meaning for _, meaning in headings], table


def place_of(row):
    """A row's sequence with what qualifies it: '07', '39 (validation)', '00 (trained on)'."""
    return row['sequence'] + (' (trained on)' if row['trained_on'] else
                              ' (validation)' if row.get('split') == 'validation' else '')


def summary(rows, title):
    """Prints the table of all results, and returns it as a block of the report."""
    headings, table = wide_table(rows, lambda row: '%s, %s' % (row['model'], place_of(row)))
    columns = [(heading, '%s') for heading in headings]
    return html_report.table(*report.print_table(title + ': prediction / baseline', columns,
                                                 list(table.items())))


def run_blocks(title, about, lines, run):
    """The first blocks of a model's report: what was run, and the loss curve.

    Args:
      title: names the model and what it learns.
      about: dict with model, steps, minutes and frames.
      lines: the command lines.
      run: the folder of the run; the curve is written beside it, as `loss.png`.
    """
    path = os.path.join(os.path.dirname(run), 'loss.png')
    rows = [row for row in read_metrics(run) if row['event'] == 'train']
    plots.plot_losses(path, {about['model']: ([row['step'] for row in rows],
                                              [row['total'] for row in rows])},
                      about['model'] + ', total loss')
    return [html_report.heading(title),
            html_report.paragraph('%(steps)d steps, %(minutes)g minutes, %(frames)d training '
                                  'frames.' % about),
            html_report.commands(lines), html_report.picture(path, 'loss')]


def trajectory_results(found, baseline, curves, path, about):
    """(rows of results.json, blocks of the report) of one trajectory.

    Args:
      found, baseline, curves: as `trajectory_figures` returns them.
      path: the PNG file of the trajectory, written here.
      about: dict with model, sequence, trained_on, split and all else that rows hold.
    """
    title = '%s, sequence %s' % (about['model'], place_of(about))
    plots.plot_trajectories(path, curves, title)
    keys = [key for key in FIGURES if found.get(key) is not None]
    columns = [(_meaning(key, found), FIGURES[key][1]) for key in keys]
    shown = report.print_table(title, columns, [
        (label, {_meaning(key, found): values.get(key) for key in keys})
        for label, values in (('prediction', found), (curves[-1][0], baseline))])
    notes = [html_report.note('Trained on this sequence: the results show how well it is fitted, '
                              'not how well the model generalizes.')] if about['trained_on'] else []
    return rows_of(found, baseline, **about), notes + [html_report.table(*shown),
                                                       html_report.picture(path, title)]


def video_blocks(stem, folder, caption):
    """The block of the video `<stem>.mp4` or `.gif`, if there is one.

    Args:
      stem: path without its ending.
      folder: of the model; the page is beside it.
      caption: what it shows.
    """
    paths = [stem + ending for ending in ('.mp4', '.gif') if os.path.exists(stem + ending)]
    return [html_report.video(path, os.path.dirname(folder), caption) for path in paths[:1]]


def not_scored(name):
    """The block of a sequence without truth."""
    return html_report.note('Sequence %s has no poses: predicted, not scored.' % name)
