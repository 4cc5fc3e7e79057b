"""Writes docs/results.md from the results.json of runs, kept in docs/results.

    python scripts/write_results.py

A file there is called real_NAME.json (frames of KITTI) or synthetic_NAME.json (rendered ones) and is
what learn_kitti.py or demo.py wrote; a `note` in its first row is shown with it. No figure reaches
the page any other way.
"""
import dataclasses
import glob
import os
import sys

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from common.errors import UserError, run_main
from common.files import read_json, write_text
from common.flags import Flags, parse_flags, path_flag

_DOCS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'docs')
SECTIONS = (
    ('real', 'KITTI', 'An excerpt of the odometry benchmark, gray and at half its size: all 801 '
     'frames of 03 and the first 200 of 00, trained on; the first 160 of 07, never trained on.'),
    ('synthetic', 'Rendered drives', 'Frames rendered by kitti_data/rendering.'))


@dataclasses.dataclass
class Config(Flags):
    """Where results are read and written."""
    results_dir: str = path_flag(os.path.join(_DOCS, 'results'), 'folder of the JSON files')
    output: str = path_flag(os.path.join(_DOCS, 'results.md'), 'the page')


def main(argv=None):
    config, = parse_flags(__doc__, Config, argv=argv)
    write_text(config.output, page_of(config.results_dir))
    print('written: %s' % config.output)


def page_of(folder):
    """The text of the page, from all JSON files in `folder`."""
    parts = ['# Results\n\nEvery figure is shown with that of a baseline on the same frames: '
             'constant motion straight on with the mean step of the training drives, or each '
             "image's best constant depth. GeoNet's path has no scale of its own: one factor for "
             'the whole path fits it to the truth, and motions that two snippets hold are their '
             'mean. The yaw correlation is that of predicted and true turns from frame to frame; '
             'the yaw slope is what a true turn is multiplied by (1 is right); the step spread is '
             'the deviation of predicted over true step lengths (0 is right). Made by '
             '`scripts/write_results.py` from [results](results).\n']
    for kind, title, text in SECTIONS:
        paths = sorted(glob.glob(os.path.join(glob.escape(folder), kind + '_*.json')))
        if paths:
            parts.append('## %s\n\n%s\n' % (title, text))
            parts += [_run_text(path) for path in paths]
    if len(parts) == 1:
        raise UserError('%s: must hold real_NAME.json or synthetic_NAME.json' % folder)
    return '\n'.join(parts)


def _run_text(path):
    """One table, under what it took to get it."""
    rows = [row for part in read_json(path).values() if isinstance(part, list) for row in part]
    if not rows:
        raise UserError('%s: holds no figure' % path)
    first = rows[0]
    lines = ['### %s\n' % os.path.basename(path)[:-5].split('_', 1)[1].replace('_', ' '),
             '```bash\n%s\n```\n' % first['command']]
    if first.get('note'):
        lines.append(first['note'] + '\n')
    lines += ['%s; %s; load of the machine as it was tested: %g.\n' % (
                  first['machine'], first['engine'], first['load']),
              '| model | steps, minutes | training frames | sequence | figure | found | baseline |',
              '|---|---|---|---|---|---|---|']
    for row in rows:
        lines.append('| %s | %d, %.1f | %d | %s%s | %s | %s | %s |' % (
            row['model'], row['steps'], row['minutes'], row['frames'], row['sequence'],
            ' (trained on)' if row['trained_on'] else '', row['meaning'], _number(row['value']),
            _number(row['baseline'])))
    return '\n'.join(lines) + '\n'


def _number(value):
    return '-' if value is None else '%.4g' % value


if __name__ == '__main__':
    run_main(main)
