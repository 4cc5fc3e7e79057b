"""What every evaluation shares on the command line: its table, its JSON file, its warnings."""
import dataclasses
import os
from typing import List

import numpy as np
from tabulate import tabulate

from vo_common.console import warn
from vo_common.files import make_folder, write_json
from vo_common.flags import Flags, flag, path_flag


_ODOMETRY_COLUMNS = (
    ('t_rel %', 't_rel', '%.4f'), ('r_rel deg/100m', 'r_rel', '%.4f'), ('ATE m', 'ate', '%.4f'),
    ('RPE m', 'rpe_trans', '%.4f'), ('RPE deg', 'rpe_rot', '%.4f'))


@dataclasses.dataclass
class ReportFlags:
    """Where the results go."""
    output_dir: str = path_flag('', 'folder of the JSON result and the plots; empty is beside '
                                    'the predictions')
    plot: bool = flag(False, 'also write plots (PNG) and a page with them (HTML)')


@dataclasses.dataclass
class TrainListFlags(Flags):
    """What was trained on."""
    train_list: str = path_flag('', 'train.txt of the training set: warn of what is in it')


@dataclasses.dataclass
class PoseFlags(TrainListFlags):
    """What the evaluations of poses share."""
    baseline_poses: List[str] = path_flag(
        [], 'pose files of the training sequences, whose mean step is the baseline; empty is '
        'KITTI 00-08')


@dataclasses.dataclass
class MapFlags(TrainListFlags):
    """What the evaluations of depth and flow share."""
    num_plots: int = flag(20, 'pictures that --plot writes, evenly chosen; 0 is one for each image',
                          at_least=0)

    def plotted(self, count):
        """List of the indices, of `count` images, that --plot draws."""
        shown = min(self.num_plots or count, count)
        return sorted(set(np.linspace(0, count - 1, shown).astype(int).tolist()))


def print_table(title, columns, rows):
    """Prints a table under a title, and returns its arguments.

    Args:
      title: what is evaluated, with everything a reader needs to compare it.
      columns: list of (key, format), such as ('ate_mean', '%.4f'); the key is the heading.
      rows: list of (label, dict key -> number). A key that is absent or None is shown as '-'.
    """
    print(title)
    print(tabulate([[label] + cells(columns, values) for label, values in rows],
                   [''] + [key for key, _ in columns], tablefmt='plain', disable_numparse=True,
                   colalign=['left'] + ['right'] * len(columns)))
    return title, columns, rows


def print_odometry(rows, title):
    """As `print_table`, of `evaluate_odometry`'s results: rows are (label, result)."""
    shown = print_table(title, [(heading, form) for heading, _, form in _ODOMETRY_COLUMNS],
                        [(label, {heading: result[key] for heading, key, _ in _ODOMETRY_COLUMNS})
                         for label, result in rows])
    if not rows[0][1]['segments']:
        warn('the trajectory is shorter than every length in --lengths: no t_rel, r_rel')
    if rows[0][1]['rpe_trans'] is None:
        warn('no two frames of the prediction are neighbours: no RPE')
    return shown


def best_explanation(errors, limit):
    """(words, error) of the least of {words: error}, or None where it is not below `limit`."""
    words = min(errors, key=errors.get)
    return (words, errors[words]) if errors[words] < limit else None


def cells(columns, values):
    """The texts of a row of a table: `values` by the (key, format) of `columns`; '-' for none."""
    return ['-' if values.get(key) is None else form % values[key] for key, form in columns]


def result_folder(flags, predictions):
    """The folder, made where missing, of a tool's results.

    Args:
      flags: ReportFlags.
      predictions: the folder or file with the predictions that were evaluated.
    """
    if flags.output_dir:
        return make_folder(flags.output_dir)
    predictions = os.path.abspath(predictions)
    return predictions if os.path.isdir(predictions) else os.path.dirname(predictions)


def save_result(folder, name, result):
    """Writes `result`, plain numbers in dicts and lists, to `<folder>/<name>.json`; says where."""
    path = os.path.join(folder, name + '.json')
    write_json(path, result)
    print('written: %s' % path)
