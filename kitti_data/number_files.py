"""Text files of numbers: rows, and `key: values` calibration; errors name file and line."""
import numpy as np

from common.errors import UserError
from common.files import read_lines, require_file


def read_rows(path, widths, what):
    """The rows of numbers in `path`.

    Args:
      path: a text file with one row of numbers, between white space, a line.
      widths: the allowed numbers of columns; all rows must have the same.
      what: what the file is, for errors.

    Returns:
      float64 [N, width].

    Raises:
      UserError: no row, a row of another width, or something that is not a finite number.
    """
    rows = []
    for number, line in enumerate(read_lines(path, what), 1):
        row = _numbers(line.split())
        if row is None or len(row) not in widths or len(row) != len(rows[0] if rows else row):
            raise UserError('%s %s, line %d: wanted %s finite numbers, found %r' % (
                what, path, number,
                len(rows[0]) if rows else ' or '.join(map(str, widths)), _shorten(line)))
        rows.append(row)
    if not rows:
        raise UserError('%s %s is empty' % (what, path))
    return np.array(rows)


class Calibration:
    """A KITTI calibration file of `key: numbers` lines; keys are looked up, never line numbers."""

    def __init__(self, path):
        self.path = require_file(path, 'calibration file')
        self._texts = {}
        for number, line in enumerate(read_lines(self.path, 'calibration file'), 1):
            key, colon, text = line.partition(':')
            if not colon:
                raise UserError('calibration file %s, line %d: wanted "key: numbers", found %r' % (
                    self.path, number, _shorten(line)))
            self._texts[key.strip()] = (number, text)

    def __contains__(self, key):
        return key in self._texts

    def matrix(self, key, shape):
        """float64 array of `shape` under `key`; a UserError tells what is missing or wrong."""
        if key not in self._texts:
            raise UserError('calibration file %s has no key %r; it has %s' % (
                self.path, key, ', '.join(self._texts)))
        number, text = self._texts[key]
        values = _numbers(text.split())
        size = int(np.prod(shape))
        if values is None or len(values) != size:
            raise UserError('calibration file %s, line %d: %s wants %d finite numbers, found %r' % (
                self.path, number, key, size, _shorten(text.strip())))
        return np.array(values).reshape(shape)


def _numbers(words):
    try:
        values = [float(word) for word in words]
    except ValueError:
        return None
    return values if np.all(np.isfinite(values)) else None


def _shorten(text, length=60):
    return text if len(text) <= length else text[:length] + '...'
