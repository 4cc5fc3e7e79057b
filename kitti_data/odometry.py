"""The KITTI odometry layout: `sequences/NN/{image_C,calib.txt,times.txt}` and `poses/NN.txt`."""
import os

import numpy as np

from common.errors import UserError
from common.files import atomic_write, require_folder
from kitti_data import poses as pose_math
from kitti_data.number_files import Calibration, read_rows

IMAGE_EXTENSIONS = ('.png', '.jpg', '.jpeg')


class OdometrySequence:
    """One sequence seen by one camera. Files are read when first needed, and errors come then.

    Args:
      root: the folder that holds `sequences/` and `poses/`.
      sequence: its number or name, 9 and '09' alike.
      camera: 0..3; 0 and 1 are the gray pair, 2 and 3 the colour pair.
      allow_gaps: whether frame numbers may jump; a program that takes neighbours in the list for
        neighbours in time leaves it False.

    Frame number n belongs to line n (from 0) of `times.txt` and of the poses file, so `times` and
    `poses` have one row for each image, also when images at the start or end are absent.
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
        return self._at_frames(read_times(path), path, 'times')

    @property
    def poses(self):
        """float64 [N, 4, 4] camera-to-world poses of camera 0, metres."""
        return self._at_frames(read_poses(self.poses_path), self.poses_path, 'poses')

    @property
    def poses_path(self):
        return os.path.join(self.root, 'poses', self.name + '.txt')

    @property
    def projection(self):
        """float64 [3, 4], from the rectified frame of camera 0 to pixels of this camera."""
        return self.calibration.matrix('P%d' % self.camera, (3, 4))

    @property
    def intrinsics(self):
        """float64 [3, 3] in pixels of the image files."""
        return self.projection[:, :3]

    @property
    def velo_to_cam(self):
        """float64 [4, 4], from the laser scanner to the rectified camera 0, metres."""
        return pose_math.to_4x4(self.calibration.matrix('Tr', (3, 4)))

    @property
    def calibration(self):
        """<Calibration> of this sequence, all cameras."""
        if self._calibration is None:
            self._calibration = Calibration(os.path.join(self.folder, 'calib.txt'))
        return self._calibration

    def _at_frames(self, rows, path, what):
        numbers = self.frame_numbers
        if numbers[-1] >= len(rows):
            raise UserError('%s has %d %s, but the images of sequence %s go up to frame %d (%s)' % (
                path, len(rows), what, self.name, numbers[-1], self.image_paths[-1]))
        return rows[numbers]


def sequence_name(sequence):
    """The folder name of a sequence: 9, '9' and '09' are '09'; other names stay."""
    text = str(sequence).strip()
    return '%02d' % int(text) if text.isdigit() else text


def sequence_names(root):
    """Sorted names of the sequences under the odometry folder `root`."""
    folder = require_folder(os.path.join(os.path.abspath(root), 'sequences'), 'folder of sequences')
    names = sorted(name for name in os.listdir(folder)
                   if os.path.isdir(os.path.join(folder, name)))
    if not names:
        raise UserError('no sequence in %s' % folder)
    return names


def list_frames(folder):
    """(frame number, path) of every numbered image in `folder`, ascending.

    Raises:
      UserError: there is none, or two files have the same number.
    """
    frames = []
    for name in os.listdir(folder):
        stem, extension = os.path.splitext(name)
        if stem.isdigit() and extension.lower() in IMAGE_EXTENSIONS:
            frames.append((int(stem), os.path.join(folder, name)))
    if not frames:
        raise UserError('no image with a number for a name in %s' % folder)
    frames.sort()
    for (number, path), (next_number, next_path) in zip(frames, frames[1:]):
        if number == next_number:
            raise UserError('%s and %s are the same frame' % (path, next_path))
    return frames


def require_no_gaps(frames):
    """Raises a UserError that names the first jump in the numbers of (frame number, path) pairs."""
    for (number, path), (next_number, next_path) in zip(frames, frames[1:]):
        if next_number != number + 1:
            raise UserError('frames %d to %d are missing between %s and %s' % (
                number + 1, next_number - 1, path, os.path.basename(next_path)))


def read_poses(path):
    """float64 [N, 4, 4] poses in the KITTI file `path`: 12 columns, or 13 with the index first."""
    return read_poses_indexed(path)[1]


def read_poses_indexed(path):
    """The poses in `path` and the frame number of each.

    Args:
      path: lines of 12 numbers (the upper 3x4, row by row), or of 13 with the frame number first.

    Returns:
      (int64 [N] frame numbers, 0..N-1 where the file has none; float64 [N, 4, 4]).

    Raises:
      UserError: names the file and line.
    """
    rows = read_rows(path, (12, 13), 'pose file')
    if rows.shape[1] == 12:
        return np.arange(len(rows)), pose_math.to_4x4(rows.reshape(-1, 3, 4))
    numbers = np.rint(rows[:, 0]).astype(np.int64)
    bad = np.flatnonzero((numbers != rows[:, 0]) | (np.diff(numbers, prepend=-1) <= 0))
    if bad.size:
        raise UserError('pose file %s, line %d: the first of 13 columns is the frame number and '
                        'must be whole and ascending, found %g'
                        % (path, bad[0] + 1, rows[bad[0], 0]))
    return numbers, pose_math.to_4x4(rows[:, 1:].reshape(-1, 3, 4))


def write_poses(path, poses):
    """Writes [N, 4, 4] or [N, 3, 4] poses as a KITTI file of 12 columns, ten digits each, whole."""
    rows = np.asarray(poses, np.float64)[:, :3, :].reshape(-1, 12)
    with atomic_write(path) as stream:
        np.savetxt(stream, rows, fmt='%.9e')


def read_times(path):
    """float64 [N] seconds, from a file of one number a line."""
    return read_rows(path, (1,), 'times file')[:, 0]


def _cameras(folder):
    names = sorted(name for name in os.listdir(folder) if name.startswith('image_'))
    return ', '.join(names) or 'no image folder'
