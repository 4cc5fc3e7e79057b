"""Calibration files: KITTI's `key: numbers`, a raw date's, and the camera files of formatted sets.

A camera is a matrix float64 [3, 3] of intrinsics in pixels, ((fx, 0, cx), (0, fy, cy), (0, 0, 1)).
"""
import os

import numpy as np

from common.errors import UserError
from common.files import numbered_lines, read_text, require_file, require_folder
from kitti_data.number_files import finite_numbers, shortened
from kitti_data.poses import from_parts

# Pixels. A focal length outside is no camera's, and a depth or a flow made with it is noise.
_LEAST_FOCAL, _MOST_FOCAL = 1e-2, 1e6


class Calibration:
    """A KITTI calibration file of `key: numbers` lines; keys are looked up, never line numbers."""

    def __init__(self, path):
        self.path = require_file(path, 'calibration file')
        self._texts = {}
        for number, line in numbered_lines(self.path, 'calibration file'):
            key, colon, text = line.partition(':')
            if not colon:
                raise UserError('calibration file %s: line %d: found %r, must be "key: numbers"' % (
                    self.path, number, shortened(line)))
            self._texts[key.strip()] = (number, text)

    def matrix(self, key, shape):
        """float64 array of `shape` under `key`; a UserError tells what is missing or wrong."""
        if key not in self._texts:
            raise UserError('calibration file %s has no key %r; it has %s' % (
                self.path, key, ', '.join(self._texts)))
        number, text = self._texts[key]
        values = finite_numbers(text.split())
        size = int(np.prod(shape))
        if values is None or len(values) != size:
            raise UserError('calibration file %s: line %d: %s is %r, must be %d finite numbers' % (
                self.path, number, key, shortened(text.strip()), size))
        return np.array(values).reshape(shape)

    def projection(self, key):
        """float64 [3, 4] under `key`, to pixels of a camera whose focal lengths are plausible."""
        projection = self.matrix(key, (3, 4))
        check_camera(projection, 'calibration file %s: line %d: %s' % (
            self.path, self._texts[key][0], key))
        return projection


class RawCalibration:
    """The calibration of one recording date of KITTI raw; files are read when first needed.

    Args:
      date_folder: `<root>/<date>`, with `calib_cam_to_cam.txt` and `calib_velo_to_cam.txt`.
    """

    def __init__(self, date_folder):
        self.folder = require_folder(date_folder, 'KITTI raw date folder')
        self._files = {}

    def _file(self, name):
        if name not in self._files:
            self._files[name] = Calibration(os.path.join(self.folder, name))
        return self._files[name]

    def projection(self, camera):
        """float64 [3, 4], from the rectified frame of camera 0 to pixels of `camera` (0..3)."""
        return self._file('calib_cam_to_cam.txt').projection('P_rect_%02d' % camera)

    def intrinsics(self, camera):
        """float64 [3, 3] of the rectified images of `camera`, pixels."""
        return self.projection(camera)[:, :3]

    @property
    def velo_to_cam(self):
        """float64 [4, 4], from the laser scanner to the rectified frame of camera 0, metres."""
        velo = self._file('calib_velo_to_cam.txt')
        rectify = self._file('calib_cam_to_cam.txt').matrix('R_rect_00', (3, 3))
        return from_parts(rectify, np.zeros(3)) @ from_parts(
            velo.matrix('R', (3, 3)), velo.matrix('T', (3,)))

    def velo_to_image(self, camera):
        """float64 [3, 4], from homogeneous points of the laser scanner to pixels of `camera`."""
        return self.projection(camera) @ self.velo_to_cam


def check_camera(matrix, where):
    """Raises a UserError, which begins with `where`, unless [3, 3 or 4] has focal lengths of a
    camera."""
    for name, value in (('fx', matrix[0, 0]), ('fy', matrix[1, 1])):
        if not _LEAST_FOCAL <= value <= _MOST_FOCAL:
            raise UserError('%s: %s is %g pixels, must be from %g to %g' % (
                where, name, value, _LEAST_FOCAL, _MOST_FOCAL))


def zoomed(intrinsics, zoom_x, zoom_y):
    """Intrinsics <float>[3, 3] of images that are resized by these factors, in their pixels."""
    return np.asarray(intrinsics) * np.array([[zoom_x], [zoom_y], [1.0]])


def resized(intrinsics, zoom_x, zoom_y):
    """As `zoomed`, but exact: a pixel of the new images is in the middle of what it averages.

    Integer coordinates are pixel centres, so the image begins at -0.5 before and after.
    """
    half = np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])
    return zoomed(intrinsics + half, zoom_x, zoom_y) - half


def camera_text(intrinsics, zoom_x, zoom_y, half_pixel_centers=False):
    """The content of a formatted set's camera file.

    Args:
      intrinsics: <float>[3, 3] in pixels of the image file.
      zoom_x, zoom_y: by which the image was resized.
      half_pixel_centers: whether the principal point is `resized`, or `zoomed` as published.
    """
    change = resized if half_pixel_centers else zoomed
    scaled = change(intrinsics, zoom_x, zoom_y).astype(intrinsics.dtype)
    return '%f,0.,%f,0.,%f,%f,0.,0.,1.' % (scaled[0, 0], scaled[0, 2], scaled[1, 1], scaled[1, 2])


def read_camera_file(path):
    """float32 [3, 3] of a formatted set's camera file; a UserError says what is wrong with it."""
    text = read_text(path, 'camera file').strip()
    numbers = finite_numbers(text.split(','))
    if numbers is None or len(numbers) != 9:
        raise UserError('camera file %s: found %r, must be 9 finite numbers with commas' % (
            path, shortened(text)))
    camera = np.array(numbers).reshape(3, 3)
    if (camera[[0, 1, 2, 2, 2], [1, 0, 0, 1, 2]] != [0, 0, 0, 0, 1]).any():
        raise UserError('camera file %s: found %s, must be fx,0,cx,0,fy,cy,0,0,1' % (
            path, shortened(text)))
    check_camera(camera, 'camera file %s' % path)
    return camera.astype(np.float32)
