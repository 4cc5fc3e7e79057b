"""Flags, tables, JSON results and pages with pictures, for all evaluations."""
import dataclasses
import html
import os
import shlex
import sys
from typing import NamedTuple

from tabulate import tabulate

from kitti_eval import html_report
from vo_common.console import warn
from vo_common.errors import UserError
from vo_common.files import make_folder, write_json
from vo_common.flags import Flags, flag, path_flag

LEAST_SHARE = 0.5  # smallest fraction of common frames, images or snippets for an evaluation
# Heading, key and format of the errors of a trajectory.
_ODOMETRY_COLUMNS = (
    ('t_rel %', 't_rel', '%.4f'), ('r_rel deg/100m', 'r_rel', '%.4f'), ('ATE m', 'ate', '%.4f'),
    ('RPE m', 'rpe_trans', '%.4f'), ('RPE deg', 'rpe_rot', '%.4f'))


@dataclasses.dataclass
class ReportFlags(Flags):
    """Output."""
    output_dir: str = path_flag('', 'folder of the JSON result and the plots; empty: that of the '
                                    'predictions')
    plot: bool = flag(False, 'also write plots (PNG) and a page with them (HTML)')
    train_list: str = path_flag('', 'train.txt of the training set: warn if it contains the '
                                    'evaluated drives')


class Overlap(NamedTuple):
    """Numbers of frames, images or snippets (`what`): evaluated ones, true and predicted ones."""
    common: int
    num_gt: int
    num_pred: int
    what: str

    def __str__(self):
        if self.common == self.num_gt == self.num_pred:
            return '%d %s' % (self.common, self.what)
        return '%d common %s (%d in the truth, %d in the prediction)' % (
            self.common, self.what, self.num_gt, self.num_pred)

    def require_half(self, gt_path, pred_path):
        """Raises a UserError if less than half of either side was evaluated."""
        if self.common < LEAST_SHARE * max(self.num_gt, self.num_pred):
            raise UserError('%s and %s share %d %s of %d and %d: must be at least half of each' % (
                gt_path, pred_path, self.common, self.what, self.num_gt, self.num_pred))


class Table(NamedTuple):
    """A table of results.

    title: description of the evaluation, complete enough to compare results.
    columns: list of (key, format), such as ('mean', '%.4f'); the key is the heading.
    rows: list of (label, {key: number}); an absent key or None is shown as '-'.
    """
    title: str
    columns: list
    rows: list

    def show(self):
        """Prints and returns the table."""
        print(self.title)
        print(self._tabulated(tablefmt='plain', colalign=['left'] + ['right'] * len(self.columns)))
        return self

    def block(self):
        """The table as a block of an HTML page."""
        return self._tabulated(tablefmt='html').replace(
            '<table>', '<table><caption>%s</caption>' % html.escape(self.title), 1)

    def _tabulated(self, **options):
        cells = [[label] + ['-' if values.get(key) is None else form % values[key]
                            for key, form in self.columns] for label, values in self.rows]
        return tabulate(cells, [''] + [key for key, _ in self.columns], disable_numparse=True,
                        **options)


def print_odometry(rows, title):
    """Prints and returns the `Table` of (label, result of `evaluate_odometry`) rows."""
    shown = Table(title, [(heading, form) for heading, _, form in _ODOMETRY_COLUMNS],
                  [(label, {heading: result[key] for heading, key, _ in _ODOMETRY_COLUMNS})
                   for label, result in rows]).show()
    if not rows[0][1]['segments']:
        warn('the trajectory is shorter than every length in --lengths: no t_rel, r_rel')
    if rows[0][1]['rpe_trans'] is None:
        warn('the prediction has no two consecutive frames: no RPE')
    return shown


def result_prefix(output_dir, predictions, name):
    """Path of the results of the evaluation `name`, without the extension.

    They are written to `output_dir`, created if missing, or beside the predictions if it is empty.
    Results of a file, rather than a folder, of predictions contain its name.
    """
    folder = os.path.abspath(predictions)
    if not os.path.isdir(folder):
        folder, base = os.path.split(folder)
        name = '%s.%s' % (os.path.splitext(base)[0], name)
    return os.path.join(make_folder(output_dir) if output_dir else folder, name)


def save_result(prefix, result):
    """Writes `result`, plain numbers in dicts and lists, to `<prefix>.json`."""
    write_json(prefix + '.json', result)
    print('written: %s.json' % prefix)


def write_page(prefix, table, pictures, program, argv=None):
    """Writes `<prefix>.html`: the command, the table and up to 8 of the pictures of an evaluation.

    `program` is the `__file__` of the evaluation, and `argv` the arguments of its `main`; None for
    those of the process.
    """
    program = os.path.relpath(program, os.path.dirname(os.path.dirname(__file__)))
    command = ['python', program, *(sys.argv[1:] if argv is None else argv)]
    shown = pictures[::max(1, -(-len(pictures) // 8))]
    html_report.write_page(prefix + '.html', table.title, [
        html_report.commands([' '.join(map(shlex.quote, command))]), table.block(),
        *map(html_report.picture, shown)])
