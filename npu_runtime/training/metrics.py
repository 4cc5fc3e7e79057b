"""metrics.jsonl: the measurements of a run, one JSON object per line.

Every row has `event` ('start', 'resume', 'train', 'validation', 'checkpoint', 'end'), `step` and
`time` (seconds since 1970). Rows of 'train' have `losses` (name -> value), `total`,
`learning_rate`, `seconds_per_step`, `examples_per_second`, and with loss scaling `loss_scale` and
`skipped_steps`. Rows of 'resume' have `changed`: flag -> [value before, value now].
"""
import json
import os
import time

from vo_common.console import warn
from vo_common.files import reading, write_text, writing

FILE_NAME = 'metrics.jsonl'


def read_metrics(path):
    """The rows of a metrics.jsonl (or of the one in a folder), in order: list of dicts.

    Skips lines that are not rows (a killed run may have truncated the last one). Empty if the file
    is missing.

    Raises:
      UserError: the file cannot be read.
    """
    return _read(path)[0]


def _read(path):
    """(rows, line numbers of all other lines)."""
    path = os.path.abspath(path)
    if os.path.isdir(path):
        path = os.path.join(path, FILE_NAME)
    if not os.path.exists(path):
        return [], []
    with reading(path, 'metrics'), open(path, 'rb') as stream:
        lines = stream.read().split(b'\n')
    found = [(number, _row(line)) for number, line in enumerate(lines, 1) if line.strip()]
    return [row for _, row in found if row], [number for number, row in found if not row]


def _row(line):
    """The row in a line of bytes, or None."""
    try:
        row = json.loads(line.decode('utf-8'))
    except (ValueError, RecursionError):  # a UnicodeDecodeError is a ValueError
        return None
    is_row = (isinstance(row, dict) and isinstance(row.get('event'), str)
              and isinstance(row.get('step'), int) and not isinstance(row['step'], bool))
    return row if is_row else None


class MetricsLog:
    """Appends rows to the metrics.jsonl of a folder.

    Drops rows after `start_step`, which an earlier run wrote after its last checkpoint, so that no
    step occurs twice. Also drops lines that are not rows, with a warning.

    Args:
      folder: path.
      start_step: global step at which the run starts; 0 starts a new file.

    Raises:
      UserError: the file cannot be read or written.
    """

    def __init__(self, folder, start_step):
        self._path = os.path.join(os.path.abspath(folder), FILE_NAME)
        rows, unreadable = _read(self._path) if start_step > 0 else ([], [])
        if unreadable:
            warn('%s: line %s: not a row of metrics, dropped; the other %d lines are kept' % (
                self._path, ', '.join(str(number) for number in unreadable[:10]), len(rows)))
        write_text(self._path, ''.join(_line(row) for row in rows if row['step'] <= start_step))
        with writing(self._path):
            self._stream = open(self._path, 'a', encoding='utf-8')

    def append(self, event, step, **values):
        """Writes and flushes a row, so that a killed run loses none."""
        line = _line(dict(event=event, step=int(step), time=round(time.time(), 3), **values))
        with writing(self._path):
            self._stream.write(line)
            self._stream.flush()

    def close(self):
        with writing(self._path):
            self._stream.close()


def _line(row):
    """The row as a line of JSON, with null for NaN and infinity, which JSON lacks."""
    return json.dumps(json.loads(json.dumps(row), parse_constant=lambda name: None)) + '\n'
