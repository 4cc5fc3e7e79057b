"""The KITTI odometry layout: `sequences/NN/{image_C,calib.txt,times.txt}` and `poses/NN.txt`."""
import os

import numpy as np

from common.errors import UserError
from common.files import atomic_write, list_folder, require_folder
from kitti_data.calibration import Calibration
from kitti_data.frame_files import frame_number, list_frames, require_no_gaps
from kitti_data.number_files import numbered_rows, read_rows
from kitti_data.poses import rotation_faults, to_4x4

# Metres, some laps of the Earth; and frames, four years of them. Beyond, sums are not finite.
_MOST_DISTANT, _MOST_FRAMES = 1e8, 1e9


class OdometrySequence:
    """One sequence seen by one camera. Files are read when first needed, and errors come then.

    Args:
      root: the folder that holds `sequences/` and `poses/`.
      sequence: its number or name, 9 and '09' alike.
      camera: 0..3; 0 and 1 are the gray pair, 2 and 3 the colour pair.
      allow_gaps: whether frame numbers may jump; a program that takes neighbours in the list for
        neighbours in time leaves it False.

    Frame number n belongs to line n (from 0) of `times.txt`, and to line n of a poses file of 12
    columns or to the line that begins with n of one of 13. So `times` and `poses` have one row for
    each image, also when images at the start or end are absent.
    """

    def __init__(self, root, sequence, camera=0, allow_gaps=False):
        self.root = require_folder(root, 'KITTI odometry folder')
        self.name = sequence_name(sequence)
        self.camera = int(camera)
        self.allow_gaps = allow_gaps
        self.folder = require_folder(os.path.join(self.root, 'sequences', self.name),
                                     'odometry sequence')
        self._frames = None
        self._calibration = None

    @property
    def frames(self):
        """List of N (frame number, image path), ascending."""
        if self._frames is None:
            self._frames = self._list_frames()
        return self._frames

    def _list_frames(self):
        folder = os.path.join(self.folder, 'image_%d' % self.camera)
        frames = list_frames(require_folder(
            folder, 'camera folder', 'this sequence has %s' % _cameras(self.folder)))
        if not self.allow_gaps:
            require_no_gaps(frames)
        return frames

    @property
    def image_paths(self):
        """List of N paths in the order of their frame numbers."""
        return [path for _, path in self.frames]

    @property
    def frame_numbers(self):
        """int64 [N], ascending."""
        return np.array([number for number, _ in self.frames])

    @property
    def times(self):
        """float64 [N] seconds since the sequence began."""
        path = os.path.join(self.folder, 'times.txt')
        return self._at_frames(*_counted(read_times(path)), path, 'time')

    @property
    def poses(self):
        """float64 [N, 4, 4] camera-to-world poses of camera 0, metres."""
        return self._at_frames(*read_poses_indexed(self.poses_path), self.poses_path, 'pose')

    @property
    def poses_path(self):
        return os.path.join(self.root, 'poses', self.name + '.txt')

    @property
    def projection(self):
        """float64 [3, 4], from the rectified frame of camera 0 to pixels of this camera."""
        return self.calibration.projection('P%d' % self.camera)

    @property
    def intrinsics(self):
        """float64 [3, 3] in pixels of the image files."""
        return self.projection[:, :3]

    @property
    def velo_to_cam(self):
        """float64 [4, 4], from the laser scanner to the rectified camera 0, metres."""
        return to_4x4(self.calibration.matrix('Tr', (3, 4)))

    @property
    def calibration(self):
        """<Calibration> of this sequence, all cameras."""
        if self._calibration is None:
            self._calibration = Calibration(os.path.join(self.folder, 'calib.txt'))
        return self._calibration

    def _at_frames(self, numbers, rows, path, what):
        places = {number: place for place, number in enumerate(numbers.tolist())}
        absent = [frame for frame in self.frames if frame[0] not in places]
        if absent:
            raise UserError('%s has %d %ss, but none of frame %d (%s): sequence %s has images up '
                            'to frame %d' % (path, len(rows), what, absent[0][0], absent[0][1],
                                          self.name, self.frames[-1][0]))
        return rows[[places[number] for number, _ in self.frames]]


def sequence_name(sequence):
    """The folder name of a sequence: 9, '9' and '09' are '09'; other names stay."""
    text = str(sequence).strip()
    number = frame_number(text)
    return text if number is None else '%02d' % number


def sequence_names(root):
    """Sorted names of the sequences under the odometry folder `root`."""
    folder = require_folder(os.path.join(root, 'sequences'), 'folder of sequences')
    names = sorted(name for name in list_folder(folder)
                   if os.path.isdir(os.path.join(folder, name)))
    if not names:
        raise UserError('no sequence in %s' % folder)
    return names


def read_poses(path):
    """float64 [N, 4, 4] poses of frames 0 to N - 1 in the KITTI file `path`.

    Raises:
      UserError: as `read_poses_indexed`, or the file has 13 columns and its frames are others.
    """
    numbers, poses = read_poses_indexed(path)
    if numbers[0] != 0 or numbers[-1] != len(numbers) - 1:
        raise UserError('pose file %s: has %d poses of frames %d to %d, must have all from frame 0 '
                        'on' % (path, len(numbers), numbers[0], numbers[-1]))
    return poses


def read_poses_indexed(path):
    """The poses in `path` and the frame number of each.

    Args:
      path: lines of 12 numbers (the upper 3x4, row by row), or of 13 with the frame number first.

    Returns:
      (int64 [N] ascending frame numbers, 0..N-1 where the file has none; float64 [N, 4, 4]).

    Raises:
      UserError: names the file and line: no number, a frame number that is not whole or not above
        the one before, or a pose that is no rotation and position.
    """
    lines, rows = numbered_rows(path, (12, 13), 'pose file')
    numbers, poses = _counted(to_4x4(rows[:, -12:].reshape(-1, 3, 4)))
    if rows.shape[1] == 13:
        numbers = _frame_numbers(path, lines, rows[:, 0])
    for place, fault in rotation_faults(poses):
        raise UserError('pose file %s: line %d: found %s, must be a rotation (determinant 1)' % (
            path, lines[place], fault))
    far = np.flatnonzero(np.abs(poses[:, :3, 3]).max(axis=1) > _MOST_DISTANT)
    if far.size:
        raise UserError('pose file %s: line %d: found the position %s, must be within %g m' % (
            path, lines[far[0]], poses[far[0], :3, 3], _MOST_DISTANT))
    return numbers, poses


def _frame_numbers(path, lines, column):
    bad = np.flatnonzero((np.rint(column) != column) | (column > _MOST_FRAMES)
                         | (np.diff(column, prepend=-1) <= 0))
    if bad.size:
        raise UserError('pose file %s: line %d: found the frame number %.10g, must be whole and '
                        'above the one before (the first of 13 columns is the frame number)' % (
                            path, lines[bad[0]], column[bad[0]]))
    return column.astype(np.int64)


def _counted(rows):
    return np.arange(len(rows)), rows


def write_poses(path, poses, numbers=None):
    """Writes [N, 4, 4] or [N, 3, 4] poses as a KITTI file of 12 columns, ten digits each, whole.

    With `numbers`, int [N], the frame number comes first, as the 13th column.
    """
    rows = np.asarray(poses, np.float64)[:, :3, :].reshape(-1, 12)
    columns = ['%.9e'] * 12
    if numbers is not None:
        rows, columns = np.column_stack([numbers, rows]), ['%d'] + columns
    with atomic_write(path) as stream:
        np.savetxt(stream, rows, fmt=columns)


def read_times(path):
    """float64 [N] seconds, from a file of one number a line."""
    return read_rows(path, (1,), 'times file')[:, 0]


def read_times_and_poses(poses_path, times_path):
    """The poses of a file with the times of their frames.

    Args:
      poses_path: KITTI pose file of 12 or 13 columns.
      times_path: file of one time a line, the first line that of frame 0.

    Returns:
      (int64 [N] frame numbers, float64 [N] seconds, float64 [N, 4, 4]).

    Raises:
      UserError: a file is missing or broken, or they do not belong together.
    """
    numbers, poses = read_poses_indexed(poses_path)
    times = read_times(times_path)
    if numbers[-1] >= len(times) or len(numbers) == numbers[-1] + 1 != len(times):
        raise UserError('%s has %d times, but %s has %d poses up to frame %d' % (
            times_path, len(times), poses_path, len(poses), numbers[-1]))
    return numbers, times[numbers], poses


def _cameras(folder):
    names = sorted(name for name in list_folder(folder) if name.startswith('image_'))
    return ', '.join(names) or 'no image folder'
