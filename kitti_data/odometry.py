"""The KITTI odometry layout: `sequences/NN/{image_C,calib.txt,times.txt}` and `poses/NN.txt`."""
import os
from typing import NamedTuple, Optional

import numpy as np

from kitti_data.calibration import Calibration
from kitti_data.frame_files import check_gaps, frame_number, frame_rate, list_frames
from kitti_data.images import size_of_first
from kitti_data.number_files import numbered_rows, read_rows
from kitti_data.poses import (
    from_parts, quaternion_from_rotation, rotation_faults, rotation_from_quaternion, to_4x4)
from vo_common.errors import UserError
from vo_common.files import atomic_write, list_folder, reading, require_file, require_folder

# Limits that keep sums finite: metres (a few times round the Earth) and frames (three years).
LARGEST_POSITION, _MOST_FRAMES = 1e8, 1e9
_POSE_COLUMNS = ('12 finite numbers (the upper 3x4, row by row), 16 (4x4), 13 or 17 (the same '
                 'after the frame number) or 8 (TUM: t tx ty tz qx qy qz qw)')


class OdometrySequence:
    """One sequence seen by one camera. Times, poses and calibration are read on access.

    Frame n belongs to line n (from 0) of `times.txt`, and to line n of a pose file of 12 columns or
    to the line that starts with n in a pose file of 13. `times` and `poses` therefore have one row
    for each image, even if images at the start or end are absent.

    Args:
      root: the folder that holds `sequences/` and `poses/`.
      sequence: its number or name; 9 and '09' are the same.
      camera: 0..3; 0 and 1 are the gray pair, 2 and 3 the colour pair.
      allow_gaps: whether frame numbers may jump, so that neighbours may be apart in time.

    Attributes:
      frames: list of N (frame number, image path), ascending.
      frame_numbers: int64 [N].
      image_paths: list of N paths.
    """

    def __init__(self, root, sequence, camera=0, allow_gaps=False):
        self.root = require_folder(root, 'KITTI odometry folder')
        self.name = sequence_name(sequence)
        self.camera = int(camera)
        self.folder = require_folder(os.path.join(self.root, 'sequences', self.name),
                                     'odometry sequence')
        self.times_path = os.path.join(self.folder, 'times.txt')
        self.poses_path = os.path.join(self.root, 'poses', self.name + '.txt')
        cameras = [name for name in list_folder(self.folder) if name.startswith('image_')]
        self.frames = list_frames(require_folder(
            os.path.join(self.folder, 'image_%d' % self.camera), 'camera folder',
            'this sequence has %s' % (', '.join(sorted(cameras)) or 'no image folder')))
        if not allow_gaps:
            check_gaps(self.frames)
        self.frame_numbers = np.array([number for number, _ in self.frames])
        self.image_paths = [path for _, path in self.frames]

    @property
    def times(self):
        """float64 [N] seconds since the start of the sequence."""
        times = read_times(self.times_path)
        return self._at_frames(np.arange(len(times)), times, self.times_path, 'time')

    @property
    def rate(self):
        """Frames per second, by the times if they exist."""
        return frame_rate(self.frame_numbers, read_times(self.times_path)
                          if os.path.isfile(self.times_path) else ())

    @property
    def poses(self):
        """float64 [N, 4, 4] camera-to-world poses of camera 0, metres."""
        content = read_pose_file(self.poses_path)
        return self._at_frames(content.frames, content.poses, self.poses_path, 'pose')

    @property
    def poses_if_any(self):
        """`poses`, or None without a pose file."""
        return self.poses if os.path.exists(self.poses_path) else None

    @property
    def calibration(self):
        """<Calibration> of this sequence, all cameras."""
        return Calibration(os.path.join(self.folder, 'calib.txt'))

    @property
    def intrinsics(self):
        """float64 [3, 3] in pixels of the image files."""
        return self.calibration.projection(
            'P%d' % self.camera, size_of_first(self.image_paths))[:, :3]

    def _at_frames(self, numbers, rows, path, what):
        places = {number: place for place, number in enumerate(numbers.tolist())}
        for number, image in self.frames:
            if number not in places:
                raise UserError('%s has %d %ss, but none for frame %d (%s): sequence %s has images '
                                'up to frame %d' % (path, len(rows), what, number, image,
                                                    self.name, self.frames[-1][0]))
        return rows[[places[number] for number, _ in self.frames]]


def sequence_name(sequence):
    """The folder name of a sequence: '09' for 9, '9' and '09'; other names are kept."""
    text = str(sequence).strip()
    number = frame_number(text)
    return text if number is None else '%02d' % number


def sequence_names(root):
    """Sorted names of the sequences in the odometry folder `root`."""
    folder = require_folder(os.path.join(root, 'sequences'), 'folder of sequences')
    names = sorted(name for name in list_folder(folder)
                   if os.path.isdir(os.path.join(folder, name)))
    if not names:
        raise UserError('no sequence in %s' % folder)
    return names


def require_sequences(root, names, flag):
    """The distinct folder names of the sequences that a flag gave; all must be in `root`."""
    names, present = list(dict.fromkeys(map(sequence_name, names))), sequence_names(root)
    absent = [name for name in names if name not in present]
    if absent:
        raise UserError('--%s=%s: must be among the sequences of %s (%s)' % (
            flag, ','.join(absent), root, ', '.join(present)))
    return names


class PoseFile(NamedTuple):
    """The content of a pose file."""
    poses: np.ndarray              # float64 [N, 4, 4] camera-to-world, metres
    numbers: Optional[np.ndarray]  # int64 [N] ascending frame numbers, or None
    times: Optional[np.ndarray]    # float64 [N] ascending seconds, or None

    @property
    def frames(self):
        """int64 [N] ascending: `numbers`, or 0..N-1 if the file has none."""
        return np.arange(len(self.poses)) if self.numbers is None else self.numbers


def read_pose_file(path):
    """Reads a <PoseFile>: a `.npy` array [N, 3 or 4, 4], or text with one pose per line.

    A line holds the columns that `_POSE_COLUMNS` describes, separated by white space or commas.
    Raises a UserError that names file and line if a word is not a number, a frame number is not
    whole, a frame or time is not above the one before, or a pose is not rigid.
    """
    if path.lower().endswith('.npy'):
        rows = _npy_rows(path)
        places = ['pose %d' % place for place in range(len(rows))]
    else:
        lines, rows = numbered_rows(path, (8, 12, 13, 16, 17), 'pose file', _POSE_COLUMNS)
        places = ['line %d' % line for line in lines]

    def require(good, required, found, values):
        for place in np.flatnonzero(~good)[:1]:
            raise UserError('pose file %s: %s: found %s, must be %s' % (
                path, places[place], found % values[place], required))

    width, numbers, times = rows.shape[1], None, None
    if width in (16, 17):
        last_rows, rows = rows[:, -4:], rows[:, :-4]
        require((last_rows == (0, 0, 0, 1)).all(axis=1), '0 0 0 1', 'the last row %s', last_rows)
    if width == 8:
        times, lengths = rows[:, 0], np.linalg.norm(rows[:, 4:], axis=1)
        require(np.diff(times, prepend=-np.inf) > 0, 'above the one before',
                'the time %.10g', times)
        require(np.abs(lengths - 1) < 0.01, 'a rotation (length 1)',
                'a quaternion of length %.4g', lengths)
        poses = from_parts(rotation_from_quaternion(rows[:, 4:]), rows[:, 1:4])
    else:
        poses = to_4x4(rows[:, -12:].reshape(-1, 3, 4))
    if width in (13, 17):
        column = rows[:, 0]
        require((np.rint(column) == column) & (column <= _MOST_FRAMES)
                & (np.diff(column, prepend=-1) > 0),
                'whole and above the one before (the first of %d columns is the frame number)'
                % width, 'the frame number %.10g', column)
        numbers = column.astype(np.int64)
    faults, positions = dict(rotation_faults(poses)), poses[:, :3, 3]
    require(~np.isin(np.arange(len(poses)), list(faults)), 'a rotation (determinant 1)', '%s',
            faults)
    require(np.abs(positions).max(axis=1) <= LARGEST_POSITION, 'within %g m' % LARGEST_POSITION,
            'the position %s', positions)
    return PoseFile(poses, numbers, times)


def _npy_rows(path):
    """Reads a `.npy` array [N, 3 or 4, 4] as float64 [N, 12 or 16]."""
    require_file(path, 'pose file')
    with reading(path, 'pose file'):
        array = np.load(path, mmap_mode='r', allow_pickle=False)
    if array.ndim != 3 or array.shape[1:] not in ((3, 4), (4, 4)) or array.dtype.kind not in 'fiu' \
            or not len(array) or not np.isfinite(array).all():
        raise UserError('pose file %s: found %s %s, must be finite numbers [N, 3 or 4, 4]' % (
            path, array.dtype, list(array.shape)))
    return array.reshape(len(array), -1).astype(np.float64)


def write_poses(path, poses, numbers=None):
    """Writes [N, 4, 4] or [N, 3, 4] poses atomically as a KITTI pose file.

    It has 12 columns of ten digits, preceded by a column of frame `numbers` if they are not 0..N-1.
    """
    rows, formats = np.asarray(poses, np.float64)[:, :3, :].reshape(-1, 12), ['%.9e'] * 12
    if numbers is not None and not np.array_equal(numbers, np.arange(len(rows))):
        rows, formats = np.column_stack([numbers, rows]), ['%d'] + formats
    with atomic_write(path) as stream:
        np.savetxt(stream, rows, fmt=formats)


def write_tum(path, times, poses, number_format='%.9g'):
    """Writes [N, 4, 4] poses atomically as a TUM file, with times [N] in seconds."""
    rows = np.column_stack([times, poses[:, :3, 3], quaternion_from_rotation(poses[:, :3, :3])])
    with atomic_write(path) as stream:
        np.savetxt(stream, rows, fmt=['%.6f'] + [number_format] * 7)


def sequence_of_poses(path):
    """The sequence of a pose file: NN for `poses/NN.txt` and `NN/poses.txt`."""
    stem = os.path.splitext(os.path.basename(path))[0]
    folder = os.path.basename(os.path.dirname(os.path.abspath(path)))
    return folder if frame_number(stem) is None and frame_number(folder) is not None else stem


def times_of_poses(path):
    """`NN/times.txt` for the poses `NN/poses.txt`, `sequences/NN/times.txt` for `poses/NN.txt`."""
    folder, name = os.path.dirname(os.path.abspath(path)), sequence_of_poses(path)
    if os.path.basename(folder) == name:
        return os.path.join(folder, 'times.txt')
    return os.path.join(os.path.dirname(folder), 'sequences', name, 'times.txt')


def read_times(path):
    """Reads float64 [N] ascending seconds from a file with one number per line."""
    times = read_rows(path, (1,), 'times file')[:, 0]
    back = np.flatnonzero(np.diff(times) <= 0)
    if len(back):
        raise UserError('times file %s: time %d is %.6g, must be above the one before, %.6g' % (
            path, back[0] + 2, times[back[0] + 1], times[back[0]]))
    return times
