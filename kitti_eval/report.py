"""What every evaluation shares on the command line: its table, its JSON file, its warnings."""
import dataclasses
import os
import sys

from common.files import make_folder, write_json
from common.flags import flag, path_flag


@dataclasses.dataclass
class ReportFlags:
    """Where the results go."""
    output_dir: str = path_flag('', 'folder of the JSON result and the plots; empty is beside the '
                               'predictions')
    plot: bool = flag(False, 'also write plots, as PNG files')


def print_table(title, columns, rows):
    """Prints rows of numbers under a title, and returns what it was given.

    Args:
      title: what is evaluated, with everything a reader needs to compare it.
      columns: list of (key, format), such as ('ate_mean', '%.4f'); the key is the heading.
      rows: list of (label, dict key -> number). A key that is absent or None is shown as '-'.
    """
    labels = [label for label, _ in rows]
    cells = [[_cell(values.get(key), form) for key, form in columns] for _, values in rows]
    headings = [key for key, _ in columns]
    widths = [max(len(text) for text in column) for column in zip(headings, *cells)]
    margin = max(len(label) for label in labels)
    print(title)
    for label, texts in [('', headings)] + list(zip(labels, cells)):
        print('  '.join(['%-*s' % (margin, label)] +
                        ['%*s' % (width, text) for width, text in zip(widths, texts)]))
    return title, columns, rows


def _cell(value, form):
    return '-' if value is None else form % value


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


def warn(message):
    """Prints a warning on stderr."""
    sys.stdout.flush()
    print('warning: %s' % message, file=sys.stderr)
