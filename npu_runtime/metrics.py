"""metrics.jsonl: what a run measured, one JSON object a line, for programs to read.

Every row has `event` ('start', 'resume', 'train', 'validation', 'checkpoint', 'end'), `step` and
`time` (seconds since 1970). Rows of 'train' have `losses` (name -> value), `total`,
`learning_rate`, `seconds_per_step`, `examples_per_second`, and with loss scaling `loss_scale` and
`skipped_steps`.
"""
import json
import math
import os
import time

from common.errors import UserError
from common.files import write_text

FILE_NAME = 'metrics.jsonl'


def read_metrics(path):
    """The rows of a metrics.jsonl (or of the one in a folder), in order: list of dicts.

    A last line cut short by a killed run is left out. A missing file has no rows.
    """
    path = os.path.abspath(path)
    if os.path.isdir(path):
        path = os.path.join(path, FILE_NAME)
    rows = []
    if os.path.exists(path):
        with open(path, encoding='utf-8') as stream:
            for line in stream:
                try:
                    rows.append(json.loads(line))
                except ValueError:
                    break
    return rows


class MetricsLog:
    """Appends rows to the metrics.jsonl of a folder.

    Opened at the step a run starts from; rows of a later step, which an earlier run wrote after
    its last checkpoint, are dropped: no step stands there twice.
    """

    def __init__(self, folder, start_step):
        self._path = os.path.join(os.path.abspath(folder), FILE_NAME)
        rows = read_metrics(self._path) if start_step > 0 else []
        self.rows = [row for row in rows if row.get('step', 0) <= start_step]
        write_text(self._path, ''.join(_line(row) for row in self.rows))
        self._stream = open(self._path, 'a', encoding='utf-8')

    def append(self, event, step, **values):
        """Writes one row at once, so that a killed run leaves all it measured."""
        row = dict(event=event, step=int(step), time=round(time.time(), 3), **values)
        try:
            self._stream.write(_line(row))
            self._stream.flush()
        except OSError as error:
            raise UserError('cannot write %s: %s' % (self._path, error.strerror)) from error

    def close(self):
        try:
            self._stream.close()
        except OSError as error:
            raise UserError('cannot write %s: %s' % (self._path, error.strerror)) from error


def _line(row):
    return json.dumps(_without_nan(row), allow_nan=False) + '\n'


def _without_nan(value):
    """JSON has no NaN: null stands for it."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
