"""Text files of rows of numbers; errors name file and line."""
import numpy as np

from vo_common.errors import UserError
from vo_common.files import numbered_lines


def read_rows(path, widths, what):
    """The rows of numbers in `path`; see `numbered_rows`."""
    return numbered_rows(path, widths, what)[1]


def numbered_rows(path, widths, what, wanted=''):
    """The rows of numbers in `path`, and the lines they stand in.

    Args:
      path: a text file with one row of numbers a line, separated by white space or commas; lines
        that begin with # are comments.
      widths: the allowed numbers of columns; all rows must have the same.
      what: what the file is, for errors.
      wanted: what a row must be, for errors; empty names the widths.

    Returns:
      (list of N line numbers, float64 [N, width]).

    Raises:
      UserError: no row, a row of another width, or something that is not a finite number.
    """
    rows, numbers = [], []
    for number, line in numbered_lines(path, what):
        if line.startswith('#'):
            continue
        row = finite_numbers(line.replace(',', ' ').split())
        if row is None or len(row) not in widths or len(row) != len(rows[0] if rows else row):
            raise UserError('%s %s: line %d: found %r, must be %s' % (
                what, path, number, shortened(line), wanted if wanted and not rows else
                '%s finite numbers' % (len(rows[0]) if rows else ' or '.join(map(str, widths)))))
        rows.append(row)
        numbers.append(number)
    if not rows:
        raise UserError('%s %s is empty' % (what, path))
    return numbers, np.array(rows)


def finite_numbers(words):
    """The floats that `words` are, or None where one is no finite number."""
    try:
        values = [float(word) for word in words]
    except ValueError:
        return None
    return values if np.all(np.isfinite(values)) else None


def shortened(text, length=60):
    """`text`, cut off where it is too long for an error."""
    return text if len(text) <= length else text[:length] + '...'
