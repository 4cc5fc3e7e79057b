"""The KITTI raw layout: `<date>/<date>_drive_<n>_sync/{image_0C,oxts,velodyne_points}/data`.

The calibration files are in the folder of the date. Cameras 0 and 1 are gray, 2 and 3 colour.
"""
import os
import re

import numpy as np

from kitti_data.calibration import RawCalibration
from kitti_data.frame_files import list_frames
from kitti_data.number_files import read_rows, shortened
from vo_common.errors import UserError
from vo_common.files import (
    list_folder, numbered_lines, reading, require_file, require_folder)

_CAMERA_FOLDER = re.compile(r'image_0([0-3])')
_DRIVE_NAME = re.compile(r'(\d{4}_\d{2}_\d{2})_drive_\d{4}_sync$')
_SPEED_COLUMNS = slice(8, 11)  # forward, leftward, upward, metres per second
_NUM_OXTS_COLUMNS = 30
_TIME = re.compile(r'\d{4}-[01]\d-[0-3]\d [0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,9})?')
_MOST_BYTES_OF_A_SCAN = 2 ** 28  # KITTI's scans have about 2 ** 21


class RawDrive:
    """One synchronised drive; a UserError if `name` is not that of a drive in `root`.

    Args:
      root: the folder that holds the dates.
      name: for example '2011_09_26_drive_0001_sync'.
    """

    def __init__(self, root, name):
        self.name = name
        match = _DRIVE_NAME.match(name)
        if not match:
            raise UserError('%r is not the name of a KITTI raw drive such as '
                            '2011_09_26_drive_0001_sync' % name)
        self._date_folder = os.path.join(require_folder(root, 'KITTI raw folder'), match.group(1))
        self.folder = require_folder(os.path.join(self._date_folder, name), 'KITTI raw drive')

    @property
    def calibration(self):
        """<RawCalibration> of its date, which is read on each access."""
        return RawCalibration(self._date_folder)

    def frames(self, camera):
        """List of (frame number, image path) of `camera`, ascending; numbers may jump."""
        return list_frames(require_folder(
            os.path.join(self.folder, 'image_%02d' % camera, 'data'), 'camera folder'))

    def velodyne_path(self, number):
        """Path of the laser scan of frame `number`; a few frames of KITTI have none."""
        return os.path.join(self.folder, 'velodyne_points', 'data', '%010d.bin' % number)

    def speed(self, number):
        """Speed in metres per second at frame `number`, from the inertial unit (`oxts`)."""
        path = os.path.join(self.folder, 'oxts', 'data', '%010d.txt' % number)
        row = read_rows(path, (_NUM_OXTS_COLUMNS,), 'oxts file')[0]
        return float(np.linalg.norm(row[_SPEED_COLUMNS]))


def drive_of(path, camera):
    """(folder of the drive, camera) that `path` belongs to, or None.

    Args:
      path: the folder of a synchronised drive, or `image_0C` or `image_0C/data` in it.
      camera: camera to use if the path names none.
    """
    folder = os.path.abspath(path)
    if os.path.basename(folder) == 'data':
        folder = os.path.dirname(folder)
    named = _CAMERA_FOLDER.fullmatch(os.path.basename(folder))
    if named:
        folder, camera = os.path.dirname(folder), int(named.group(1))
    return (folder, camera) if _DRIVE_NAME.fullmatch(os.path.basename(folder)) else None


def read_timestamps(path):
    """Reads times such as `2011-09-26 13:02:25.964389445`: float64 [N] seconds since the first.

    Raises a UserError if a line is no time, or not after the one before.
    """
    times = []
    for number, line in numbered_lines(path, 'timestamps'):
        if not _TIME.fullmatch(line):
            raise UserError('timestamps %s: line %d: found %r, must be a time such as '
                            '2011-09-26 13:02:25.964389445' % (path, number, shortened(line)))
        times.append(np.datetime64(line.replace(' ', 'T'), 'ns'))
        if len(times) > 1 and times[-1] <= times[-2]:
            raise UserError('timestamps %s: line %d: found %s, must be after the time before' % (
                path, number, line))
    if not times:
        raise UserError('timestamps %s is empty' % path)
    return (np.array(times) - times[0]) / np.timedelta64(1, 's')


def list_drives(root):
    """Sorted names of the drives in the KITTI raw folder `root`; a UserError if there are none."""
    root = require_folder(root, 'KITTI raw folder')
    drives = sorted(
        name for date in list_folder(root) if os.path.isdir(os.path.join(root, date))
        for name in list_folder(os.path.join(root, date))
        if _DRIVE_NAME.fullmatch(name) and name.startswith(date))
    if not drives:
        raise UserError('no KITTI raw drive (<date>/<date>_drive_<number>_sync) in %s' % root)
    return drives


def read_velodyne(path):
    """Reads a laser scan: float32 [N, 4] forward, left, up in metres, and reflectance.

    Raises a UserError if the file is missing, or is not a sequence of finite points.
    """
    path = require_file(path, 'velodyne scan')
    size = os.path.getsize(path)
    if size == 0 or size % 16 or size > _MOST_BYTES_OF_A_SCAN:
        raise UserError('velodyne scan %s: has %d bytes, must be a multiple of 16 (four float32 '
                        'per point) up to %d' % (path, size, _MOST_BYTES_OF_A_SCAN))
    with reading(path, 'velodyne scan'):
        points = np.fromfile(path, '<f4').reshape(-1, 4)
    if not np.isfinite(points).all():
        raise UserError('velodyne scan %s: holds numbers that are not finite' % path)
    return points
