"""Writes docs/results.md from the results of runs in docs/results.

    python experiments/write_results.py

The files are real_NAME.json (frames of KITTI) and synthetic_NAME.json (rendered frames), the
results.json of learn_kitti.py or demo.py. A `note` in the first row is shown as well. The page has
no other source.
"""
import collections
import dataclasses
import glob
import math
import os
import statistics
import sys

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from tabulate import tabulate

from vo_common.errors import UserError, run_main
from vo_common.files import read_json, write_text
from vo_common.flags import Flags, parse_flags, path_flag

from experiments import figures

_DOCS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'docs')
HEAD = (
    '# Results\n\nEach cell is prediction / baseline on the same frames. The baseline for motion '
    'drives straight on by the mean motion of the training drives; that for depth is the best '
    'constant of each image. Refined depth also uses the frames before and after (--refine_steps). '
    "The best variant of a model comes first. GeoNet's path has no scale: "
    'one factor aligns it with the truth, and motions that two snippets cover are averaged. Yaw '
    'correlation compares predicted with true turns from frame to frame; yaw slope is the factor '
    'from true to predicted ones (1 is ideal); step spread is the standard deviation of the ratio '
    'of predicted to true lengths of motions, divided by its mean (0 is ideal); headings are root '
    'mean squares of the angle between predicted and true direction of travel. '
    '`experiments/write_results.py` writes this page from [results](results).\n')
SECTIONS = (
    ('real', 'KITTI', 'An excerpt of the odometry benchmark, gray and at half its size: 300 frames '
     'each of 00 and 02, all 801 of 03, and the first 160 of 07. 39 is raw drive 2011_09_26_0039, '
     'with poses from its INS; recipes are chosen on it. A run is named after the drives of its '
     'training, or the one left out of it. Errors of the true poses limit what can be reached: '
     'their directions of travel differ by half a degree, varying slowly, from those found with '
     "tracked corners and epipolar geometry, and likewise from GeoNet's (the two differences, "
     'averaged over 9 frames, have a correlation of 0.78 to 0.99). With the directions of the '
     'corners in place of their own, the true poses have a 3-frame ATE of 0.0082 m on 39, 0.0095 m '
     'on 00, 0.0099 m on 02, 0.0066 m on 03 and 0.0039 m on 07; with even lengths of motions too, '
     '0.0098 m on 39, whose true lengths are uneven by 7 %.'),
    ('synthetic', 'Rendered drives', 'Frames rendered by kitti_data/rendering.'))
_KEYS = frozenset([
    'baseline', 'command', 'engine', 'figure', 'frames', 'load', 'machine', 'meaning', 'minutes',
    'model', 'sequence', 'split', 'steps', 'trained_on', 'value'])


@dataclasses.dataclass
class Config(Flags):
    """Input and output."""
    results_dir: str = path_flag(os.path.join(_DOCS, 'results'), 'folder of the JSON files')
    output: str = path_flag(os.path.join(_DOCS, 'results.md'), 'page to write')


def main(argv=None):
    config, = parse_flags(__doc__, Config, argv=argv)
    write_text(config.output, page_of(config.results_dir))
    print('written: %s' % config.output)


def page_of(folder):
    """The text of the page, from all JSON files in `folder`."""
    parts = [HEAD]
    for kind, title, text in SECTIONS:
        paths = sorted(glob.glob(os.path.join(glob.escape(folder), kind + '_*.json')))
        runs = {os.path.basename(path)[len(kind) + 1:-len('.json')].replace('_', ' '): rows_of(path)
                for path in paths}
        if runs:
            parts.append('## %s\n\n%s\n' % (title, text))
            rows = [dict(row, run=run) for run, rows in runs.items() for row in rows]
            parts += [_model_text(model, [row for row in rows if _model(row) == model])
                      for model in sorted({_model(row) for row in rows})]
            parts += [_run_text(run, rows[0]) for run, rows in runs.items()]
    if len(parts) == 1:
        raise UserError('%s: must hold real_NAME.json or synthetic_NAME.json' % folder)
    return '\n'.join(parts)


def rows_of(path):
    """The rows of a results.json: list of dict."""
    parts = read_json(path)
    rows = [row for part in (parts.values() if isinstance(parts, dict) else ())
            if isinstance(part, list) for row in part]
    if not rows or not all(isinstance(row, dict) and _KEYS <= set(row) for row in rows):
        raise UserError('%s: must hold rows of results with %s' % (path, ', '.join(sorted(_KEYS))))
    return rows


def _model(row):
    return row['model'].split(',')[0]


def _model_text(model, rows):
    """The table of a model, with a row for each variant and sequence, best variant first."""
    headings, table = figures.wide_table(
        best_first(rows), lambda row: (
            '%s%s' % (row['run'], row['model'][len(model):]), figures.place_of(row),
            '%d, %.1f' % (row['steps'], row['minutes']), row['frames']))
    lines = [list(label) + [cells.get(heading, '') for heading in headings]
             for label, cells in table.items()]
    return '### %s\n\n%s\n' % (model, tabulate(
        lines, ['run', 'sequence', 'steps, minutes', 'training frames'] + headings,
        tablefmt='github', disable_numparse=True))


def best_first(rows):
    """Sorts rows by variant (run and model), ascending in the ratio of first value to baseline.

    The ratio is the mean over sequences that were not used in training; variants without such
    sequences come last.
    """
    first = min((row['figure'] for row in rows), key=list(figures.FIGURES).index)
    shares = collections.defaultdict(list)
    for row in rows:
        if row['figure'] == first and not row['trained_on'] and row['baseline']:
            shares[row['run'], row['model']].append(row['value'] / row['baseline'])

    def order(row):
        variant = row['run'], row['model']
        return (statistics.mean(shares.get(variant, [math.inf])), *variant, row['trained_on'])

    return sorted(rows, key=order)


def _run_text(run, row):
    """The command, machine and engine of a run."""
    return '\n'.join(['### %s\n' % run, '```bash\n%s\n```\n' % row['command']]
                     + ([row['note'] + '\n'] if row.get('note') else [])
                     + ['%s; %s; load of the machine when tested: %g.\n' % (
                         row['machine'], row['engine'], row['load'])])


if __name__ == '__main__':
    run_main(main)
