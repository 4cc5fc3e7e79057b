"""Detects evaluation on training data; odometry sequences are matched with their raw drives."""
import re

from kitti_data import splits
from kitti_data.example_list import read_example_list
from kitti_data.odometry import sequence_name
from vo_common.console import warn

_DRIVE = re.compile(r'\d{4}_\d{2}_\d{2}_drive_\d{4}')
# Endings of the folders of a formatted set: camera and frame distance.
_ENDING = re.compile(r'(_[0-3])?(_every\d+)?$')


def warn_if_trained(train_list, names):
    """Warns about the drives of `names` that are in a formatted training set.

    Args:
      train_list: path of its `train.txt`, with lines `folder frame`; empty: none is known.
      names: odometry sequences, raw drives, or paths that contain the name of a drive.

    Returns:
      Sorted list of the drives (or sequences without a known drive) in both.
    """
    folders = {folder for folder, _ in read_example_list(train_list)} if train_list else ()
    trained = {_drive(name) for folder in folders for name in (folder, _ENDING.sub('', folder))}
    drives = sorted(trained & {_drive(name) for name in names if name})
    if drives:
        sequences = {_drive(drive): name for name, drive in splits.odometry_drives().items()}
        warn('evaluated drives were used in training, so the results are too good: %s' % ', '.join(
            '%s (sequence %s)' % (drive, sequences[drive]) if drive in sequences else drive
            for drive in drives))
    return drives


def _drive(name):
    """The raw drive in a name, or of a sequence; `name` itself if there is none."""
    name = sequence_name(name)
    name = splits.odometry_drives().get(name, name)
    found = _DRIVE.search(name)
    return found.group() if found else name
