"""Calibration files of KITTI (`key: numbers`) and of KITTI raw, camera files of formatted sets.

A camera is a matrix float64 [3, 3] of intrinsics in pixels, ((fx, 0, cx), (0, fy, cy), (0, 0, 1)).
"""
import functools
import os
import re

import numpy as np

from kitti_data.images import MAX_PIXELS
from kitti_data.number_files import finite_numbers, shortened
from kitti_data.poses import from_parts
from vo_common.console import warn
from vo_common.errors import UserError
from vo_common.files import numbered_lines, read_text, require_file

# Range of plausible focal lengths in pixels; outside it, depth and flow are noise.
_LEAST_FOCAL, _MOST_FOCAL = 1e-2, 1e6
# Smallest focal length as a fraction of width or height, largest as a multiple of the longer side.
_LEAST_SHARE, _MOST_SHARE = 0.25, 10
_MOST_OF_SHARES = 2.0  # if fx, fy, cx, cy are all below, they are fractions of the size
# Focal length (pixels) -> (height, width) of KITTI's rectified images, which differ between
# recording dates. The calib.txt of the odometry benchmark does not give the size.
KITTI_SIZES = {721.5377: (375, 1242), 718.856: (376, 1241), 718.3351: (374, 1238),
               707.0912: (370, 1226), 707.0493: (370, 1224)}
_LINE = re.compile(r'([^\s:]+)\s*:?\s*(.*)')
_warn_once = functools.lru_cache(maxsize=None)(warn)  # not for every frame of a calibration


class Calibration:
    """A KITTI calibration file of `key: numbers` lines, the colon optional.

    Lines that are not needed are not checked.
    """

    def __init__(self, path):
        self.path = require_file(path, 'calibration file')
        self._texts = {}
        for number, line in numbered_lines(self.path, 'calibration file'):
            match = _LINE.match(line)
            if match:
                self._texts[match.group(1)] = (number, match.group(2))

    def matrix(self, key, shape):
        """The float64 array of `shape` under `key`; a UserError if it is missing or wrong."""
        if key not in self._texts:
            raise UserError('calibration file %s has no key %r; it has %s' % (
                self.path, key, ', '.join(self._texts)))
        text, size = self._texts[key][1], int(np.prod(shape))
        values = finite_numbers(text.split())
        if values is None or len(values) != size:
            raise UserError('%s is %r, must be %d finite numbers' % (
                self._where(key), shortened(text.strip()), size))
        return np.array(values).reshape(shape)

    def _where(self, key):
        return 'calibration file %s: line %d: %s' % (self.path, self._texts[key][0], key)

    def projection(self, key, size=None):
        """float64 [3, 4] under `key`, such as 'P2' or 'P_rect_02', to pixels of image files.

        Scales the camera, with a single warning, if the image files are not of the calibrated size.
        Raises a UserError if the key is missing or wrong, or the camera does not fit.

        Args:
          key: key of the file.
          size: (height, width) of the image files; None skips the comparison.
        """
        projection = self.matrix(key, (3, 4))
        calibrated = self.image_size(key)
        if size and calibrated and tuple(size) != calibrated:
            projection = resized(projection, calibrated, size)
            self.warn_of_size(calibrated, size, 'the camera is scaled accordingly')
        check_camera(projection, self._where(key), size)
        return projection

    def warn_of_size(self, calibrated, size, consequence):
        """Warns once that images have another `size` than this calibration, and of what follows."""
        _warn_once('calibration file %s: is for images of %dx%d pixels, but these are %dx%d: %s '
                   '(cropped images need their own calibration)' % (
                       (self.path,) + calibrated[::-1] + tuple(size)[::-1] + (consequence,)))

    def image_size(self, key):
        """(height, width) of the calibrated images of the camera under `key`; None if unknown.

        KITTI raw may give that of `P_rect_02` under `S_rect_02`; that of `P2` follows from the
        focal lengths of KITTI.
        """
        size_key = key.replace('P_rect', 'S_rect')
        if size_key != key:
            if size_key not in self._texts:
                return None
            width, height = self.matrix(size_key, (2,))
            if min(width, height) < 1 or width * height > MAX_PIXELS:
                raise UserError('%s is %gx%g, must be the size of an image' % (
                    self._where(size_key), width, height))
            return int(height), int(width)
        projection = self.matrix(key, (3, 4))
        return next((size for focal, size in KITTI_SIZES.items()
                     if np.allclose(projection[[0, 1], [0, 1]], focal, rtol=0, atol=1e-3)), None)


class RawCalibration(Calibration):
    """The calibration of one recording date of KITTI raw.

    Args:
      date_folder: `<root>/<date>`, with `calib_cam_to_cam.txt` and `calib_velo_to_cam.txt`.
    """

    def __init__(self, date_folder):
        super().__init__(os.path.join(date_folder, 'calib_cam_to_cam.txt'))
        self.folder = date_folder

    def projected_size(self, camera, size):
        """(height, width) of the calibrated images of `camera`; `size` if that is unknown.

        Warns once if the image files, of `size`, are not of the calibrated size.
        """
        calibrated = self.image_size('P_rect_%02d' % camera)
        if calibrated and calibrated != tuple(size):
            self.warn_of_size(calibrated, size,
                              'scans are projected into images of the calibrated size')
        return calibrated or size

    def intrinsics(self, camera, size=None):
        """float64 [3, 3] of the rectified images of `camera` (0..3); see `projection`."""
        return self.projection('P_rect_%02d' % camera, size)[:, :3]

    def velo_to_image(self, camera, size=None):
        """float64 [3, 4], from homogeneous laser points to pixels of `camera`; see `projection`."""
        return self.projection('P_rect_%02d' % camera, size) @ self.velo_to_cam

    @property
    def velo_to_cam(self):
        """float64 [4, 4], from the laser scanner to the rectified frame of camera 0, metres."""
        velo = Calibration(os.path.join(self.folder, 'calib_velo_to_cam.txt'))
        rectify = self.matrix('R_rect_00', (3, 3))
        return from_parts(rectify, np.zeros(3)) @ from_parts(
            velo.matrix('R', (3, 3)), velo.matrix('T', (3,)))


def check_camera(matrix, where, size=None):
    """Raises a UserError unless intrinsics are plausible and fit images of `size`.

    Args:
      matrix: float [3, 3 or 4], pixels.
      where: start of an error message.
      size: (height, width) of the images; None skips the comparison.
    """
    focal, point = matrix[[0, 1], [0, 1]], matrix[:2, 2]

    def check_focal(least, most, images=''):
        for axis, value, smallest in zip(('fx', 'fy'), focal, least):
            if not smallest <= value <= most:
                raise UserError('%s: %s is %g pixels, must be from %g to %g%s' % (
                    where, axis, value, smallest, most, images))

    check_focal((_LEAST_FOCAL, _LEAST_FOCAL), _MOST_FOCAL)
    if size is None:
        return
    lengths, name = np.array(size[::-1]), '%dx%d' % tuple(size[::-1])
    if max(focal.max(), np.abs(point).max()) < _MOST_OF_SHARES:
        raise UserError('%s: fx, fy, cx, cy are fractions of width and height, which only '
                        '--canonical_camera accepts; must be in pixels, for images of %s: '
                        '%.6g,%.6g,%.6g,%.6g' % (
                            (where, name) + tuple(focal * lengths) + tuple(point * lengths - 0.5)))
    check_focal(_LEAST_SHARE * lengths, _MOST_SHARE * lengths.max(), ' for images of ' + name)
    # A crop moves the principal point along one axis; an offset along both implies another size.
    places = (point + 0.5) / lengths
    if places.min() > 2 / 3 or places.max() < 1 / 3:
        raise UserError('%s: the principal point %.6g, %.6g is that of images of about %.0fx%.0f '
                        'pixels, must be that of %s (scale fx, cx by the width and fy, cy by the '
                        'height)' % ((where,) + tuple(point) + tuple(2 * point + 1) + (name,)))
    if places.min() < 0 or places.max() > 1:
        raise UserError('%s: the principal point %.6g, %.6g is outside the images, must be within '
                        '%s' % ((where,) + tuple(point) + (name,)))


def resized(camera, size, new_size, half_pixel_centers=True):
    """The camera <float>[3, 3 or 4] after a resize from `size` to `new_size`, (height, width).

    Integer coordinates are pixel centres, so images start at -0.5 before and after resizing, and a
    new pixel is at the centre of the area that it averages. Without `half_pixel_centers`, as
    published, the principal point is up to half a pixel off.
    """
    (zoom_y, zoom_x), shift = np.divide(new_size, size), 0.5 if half_pixel_centers else 0
    change = np.array([[zoom_x, 0, shift * (zoom_x - 1)], [0, zoom_y, shift * (zoom_y - 1)],
                       [0, 0, 1]])
    return change @ np.asarray(camera)


def camera_matrix(fx, fy, cx, cy):
    """float64 [3, 3] of intrinsics."""
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], np.float64)


def typed_camera(intrinsics, size):
    """The camera of --intrinsics (fx, fy, cx, cy) for image files of `size`; None if empty."""
    if not len(intrinsics):
        return None
    camera = camera_matrix(*intrinsics)
    check_camera(camera, '--intrinsics=%s' % ','.join('%g' % value for value in intrinsics), size)
    return camera


def camera_text(intrinsics):
    """The content of a camera file of a formatted set."""
    return '%f,0.,%f,0.,%f,%f,0.,0.,1.' % tuple(intrinsics[[0, 0, 1, 1], [0, 2, 1, 2]])


def read_camera_file(path, size=None):
    """Reads a camera file of a formatted set, for frames of `size` (height, width): float32 [3, 3].

    Raises a UserError if it does not hold a camera, or one that `check_camera` rejects.
    """
    text = read_text(path, 'camera file').strip()
    numbers = finite_numbers(text.split(','))
    if numbers is None or len(numbers) != 9:
        raise UserError('camera file %s: found %r, must be 9 finite numbers with commas' % (
            path, shortened(text)))
    camera = np.array(numbers).reshape(3, 3)
    if (camera[[0, 1, 2, 2, 2], [1, 0, 0, 1, 2]] != [0, 0, 0, 0, 1]).any():
        raise UserError('camera file %s: found %s, must be fx,0,cx,0,fy,cy,0,0,1' % (
            path, shortened(text)))
    check_camera(camera, 'camera file %s' % path, size)
    return camera.astype(np.float32)
