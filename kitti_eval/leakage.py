"""Finds out whether what is evaluated was trained on: odometry sequences are raw drives."""
import functools
import os
import re

import kitti_data
from common.errors import UserError
from common.files import read_lines
from kitti_eval.report import warn

_DRIVE = re.compile(r'\d{4}_\d{2}_\d{2}_drive_\d{4}')


def trained_on(train_list, names):
    """Which of `names` are in a formatted training set.

    Args:
      train_list: path of its `train.txt`, lines `folder frame`.
      names: odometry sequences, raw drives, or paths and folders that contain a drive's name.

    Returns:
      Sorted list of the drives (or sequences that are no known drive) in both.
    """
    lines = [line.split() for line in read_lines(train_list, 'list of training examples')]
    if not lines or any(len(words) != 2 for words in lines):
        raise UserError('%s is not a train.txt: wanted lines "folder frame"' % train_list)
    trained = {_drive(folder) for folder in {words[0] for words in lines}}
    return sorted(trained & {_drive(name) for name in names if name})


def warn_if_trained(train_list, names):
    """Warns with the names of evaluated drives that were trained on; returns them.

    Without a `train_list` nothing is known, and nothing is said.
    """
    drives = trained_on(train_list, names) if train_list else []
    if drives:
        warn('trained on what is evaluated here, the numbers are too good: %s' % ', '.join(
            '%s (sequence %s)' % (drive, _sequences()[drive]) if drive in _sequences() else drive
            for drive in drives))
    return drives


def _drive(name):
    """The raw drive in a name, or of a sequence; a name without one stays as it is."""
    found = _DRIVE.search(name)
    if found:
        return found.group()
    drives = {sequence: drive for drive, sequence in _sequences().items()}
    return drives.get(name.zfill(2), name)


@functools.lru_cache(maxsize=None)
def _sequences():
    """{raw drive: odometry sequence}."""
    path = os.path.join(os.path.dirname(kitti_data.__file__), 'splits', 'odometry_drives.txt')
    return {drive: sequence for sequence, drive in map(str.split, read_lines(path))}
