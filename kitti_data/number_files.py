"""Text files with rows of numbers; errors name file and line."""
import numpy as np

from vo_common.errors import UserError
from vo_common.files import numbered_lines


def read_rows(path, widths, what):
    """Reads float64 [N, width] from `path`; see `numbered_rows`."""
    return numbered_rows(path, widths, what)[1]


def numbered_rows(path, widths, what, required=''):
    """Reads the rows of numbers in a text file: (list of N line numbers, float64 [N, width]).

    A line holds a row, separated by white space or commas; lines that start with # are comments.
    Raises a UserError if there is no row, one of another width, or a word is no finite number.

    Args:
      path, what: the file, and its kind for errors.
      widths: allowed numbers of columns; all rows must have the same number.
      required: description of a valid row, for errors; empty names the widths.
    """
    rows, numbers = [], []
    for number, line in numbered_lines(path, what):
        if line.startswith('#'):
            continue
        row = finite_numbers(line.replace(',', ' ').split())
        if row is None or len(row) not in widths or len(row) != len(rows[0] if rows else row):
            raise UserError('%s %s: line %d: found %r, must be %s' % (
                what, path, number, shortened(line), required if required and not rows else
                '%s finite numbers' % (len(rows[0]) if rows else ' or '.join(map(str, widths)))))
        rows.append(row)
        numbers.append(number)
    if not rows:
        raise UserError('%s %s is empty' % (what, path))
    return numbers, np.array(rows)


def finite_numbers(words):
    """List of float, or None if one of `words` is not a finite number."""
    try:
        values = [float(word) for word in words]
    except ValueError:
        return None
    return values if np.all(np.isfinite(values)) else None


def shortened(text, length=60):
    """`text`, cut off after `length` characters."""
    return text if len(text) <= length else text[:length] + '...'
