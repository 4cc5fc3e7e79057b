"""The images to evaluate depth on, and their truth: Eigen's, KITTI 2015's, synthetic ones.

A split has the `names` and `drives` of its images, `image_path(index)`, `truth(index)` and
`has_images`, whether those paths exist.
"""
import functools
import os
import re
from typing import NamedTuple

import numpy as np

from kitti_data import splits
from kitti_data.depth_files import exact_depth_path, read_kitti_depth
from kitti_data.frame_files import frame_number
from kitti_data.image_lists import read_image_list
from kitti_data.images import image_size
from kitti_data.kitti_2015 import REFERENCE, reference_names
from kitti_data.odometry import OdometrySequence
from kitti_data.raw import RawDrive, read_velodyne
from kitti_eval.depth_errors import GARG_CROP, valid_pixels
from kitti_eval.depth_truth import (
    BASELINE, FOCAL_OF_WIDTH, disparity_to_depth, focal_and_baseline, project_velodyne,
    read_disparity)
from vo_common.errors import UserError
from vo_common.files import require_file, require_folder

_ANNOTATED_PARTS = ('train', 'val')
_RAW_IMAGE = re.compile(r'([^/]+)/image_0([0-3])/data/([0-9]+)\.(png|jpg|jpeg)$', re.I)


class DepthTruth(NamedTuple):
    """True depth of one image.

    depth: [H, W] metres, 0 where unknown. valid: <bool>[H, W], the pixels to evaluate.
    focal_baseline: focal length (pixels) times baseline (metres) of disparities, or None.
    """
    depth: np.ndarray
    valid: np.ndarray
    focal_baseline: float = None


# Eigen's test images, and those with KITTI's annotated depth (Uhrig et al., 3DV 2017).
EIGEN_IMAGES, ANNOTATED_IMAGES = 697, 652


class EigenSplit:
    """Images of KITTI raw with the laser scan as truth.

    Args:
      kitti_dir: the raw folder, with the dates.
      list_path: images below it, such as
        `2011_09_26/2011_09_26_drive_0002_sync/image_02/data/0000000069.png`; see `image_lists`.
      limits: depths to evaluate, metres.
    """
    has_images = True

    def __init__(self, kitti_dir, list_path, limits):
        self._root = require_folder(kitti_dir, 'KITTI raw folder (--kitti_dir)')
        if _holds_annotated_depth(self._root):
            raise UserError('--kitti_dir=%s: is KITTI\'s annotated depth, must be the raw folder '
                            'with --split=eigen (or give --split=eigen_benchmark)' % kitti_dir)
        self.names, self._images = _listed_images(list_path, self._root)
        self.drives = sorted({drive for drive, _, _ in self._images})
        self._limits = limits
        self._drive = functools.lru_cache(maxsize=None)(RawDrive)
        scans = [self._drive(self._root, drive).velodyne_path(number)
                 for drive, _, number in self._images]
        if not any(map(os.path.exists, scans)):
            raise UserError('none of %d images has a laser scan, such as %s (unpack the raw '
                            'drives, not the depth benchmark: they hold velodyne_points)' % (
                                len(scans), scans[0]))

    def image_path(self, index):
        return os.path.join(self._root, self.names[index])

    def truth(self, index):
        """The `DepthTruth` of an image; None if KITTI has no scan of that moment."""
        drive_name, camera, number = self._images[index]
        drive = self._drive(self._root, drive_name)
        path = drive.velodyne_path(number)
        if not os.path.exists(path):
            return None
        size = drive.calibration.projected_size(camera, image_size(self.image_path(index)))
        depth = project_velodyne(read_velodyne(path),
                                 drive.calibration.velo_to_image(camera, size), *size)
        return DepthTruth(depth, valid_pixels(depth, GARG_CROP, self._limits))


class AnnotatedSplit:
    """Eigen's images with KITTI's annotated depth, the "improved ground truth", as truth.

    Args:
      kitti_dir: data_depth_annotated, with `{train,val}/<drive>/proj_depth/groundtruth/image_0C`.
      list_path: as for `EigenSplit`, but the images need not exist. Ignores those of Eigen's 697
        without annotated depth.
      limits: depths to evaluate, metres.
      crop: whether to evaluate pixels in Garg's crop and within the limits, as `EigenSplit`, or all
        that are annotated (Godard et al., ICCV 2019).

    Raises:
      UserError: no image is annotated, or not exactly 652 of Eigen's list.
    """
    has_images = False

    def __init__(self, kitti_dir, list_path, limits, crop=True):
        self._limits, self._crop = limits, crop
        self._root = require_folder(kitti_dir, 'annotated depth of KITTI (--kitti_dir)')
        self.names, images = _listed_images(list_path, self._root, exist=False)
        self.drives = sorted({drive for drive, _, _ in images})
        self._paths = [self._annotation(*image) for image in images]
        found = sum(path is not None for path in self._paths)
        published = {EIGEN_IMAGES: ANNOTATED_IMAGES, ANNOTATED_IMAGES: ANNOTATED_IMAGES}
        if found != published.get(len(images), found) or not found:
            raise UserError('%s: %d of the %d images of %s are annotated there, must be %s (unpack '
                            'train and val of data_depth_annotated)' % (
                                kitti_dir, found, len(images), list_path,
                                published.get(len(images), 'at least one')))

    def _annotation(self, drive, camera, number):
        parts = drive, 'proj_depth', 'groundtruth', 'image_%02d' % camera, '%010d.png' % number
        paths = [os.path.join(self._root, part, *parts) for part in _ANNOTATED_PARTS]
        return next(filter(os.path.isfile, paths), None)

    def image_path(self, index):
        return os.path.join(self._root, self.names[index])

    def truth(self, index):
        """The `DepthTruth` of an image; None if it is not annotated."""
        if self._paths[index] is None:
            return None
        depth = read_kitti_depth(self._paths[index])
        return DepthTruth(depth, valid_pixels(depth, GARG_CROP, self._limits) if self._crop
                          else depth > 0)


class StereoSplit:
    """KITTI 2015's training images with disparity as truth; all that exist, 200 or not.

    Args:
      kitti_dir: the folder with `training/image_2` and its neighbours.
      disparity_dir: 'disp_noc_0' or 'disp_occ_0'.
    """
    has_images = True

    def __init__(self, kitti_dir, disparity_dir='disp_noc_0'):
        root = require_folder(kitti_dir, 'KITTI 2015 folder (--kitti_dir)')
        self._training = require_folder(os.path.join(root, 'training'), 'KITTI 2015 images')
        self._disparities = require_folder(os.path.join(self._training, disparity_dir),
                                           'KITTI 2015 disparities')
        self.names = ['%s_%02d.png' % (name, REFERENCE)
                      for name in reference_names(self._disparities, 'disparity')]
        self.drives = sorted(splits.test_scenes('stereo'))

    def image_path(self, index):
        return os.path.join(self._training, 'image_2', self.names[index])

    def truth(self, index):
        """The `DepthTruth` of an image."""
        disparity = read_disparity(os.path.join(self._disparities, self.names[index]))
        width = disparity.shape[1]
        if width in FOCAL_OF_WIDTH:
            focal_baseline = FOCAL_OF_WIDTH[width] * BASELINE
        else:
            focal_baseline = np.prod(focal_and_baseline(self._calibration_path(index, width),
                                                        size=disparity.shape))
        depth = disparity_to_depth(disparity, focal_baseline)
        return DepthTruth(depth, disparity > 0, focal_baseline)

    def _calibration_path(self, index, width):
        name = self.names[index].partition('_')[0]
        path = os.path.join(self._training, 'calib_cam_to_cam', name + '.txt')
        if not os.path.exists(path):
            raise UserError('%s is %d pixels wide, unlike those of KITTI (%s), and there is no '
                            'calibration %s to take its focal length from' % (
                                self.names[index], width,
                                ', '.join(map(str, sorted(FOCAL_OF_WIDTH))), path))
        return path


class SyntheticSplit:
    """A synthetic odometry sequence with the exact depth of camera 2.

    Args:
      kitti_dir: the folder that `kitti_data/rendering/synthetic.py` wrote.
      sequence: name or number.
      limits: depths to evaluate, metres.
    """
    has_images = True

    def __init__(self, kitti_dir, sequence, limits):
        frames = OdometrySequence(kitti_dir, sequence, camera=2)
        self._depths = [exact_depth_path(frames.folder, number) for number in frames.frame_numbers]
        if not any(map(os.path.isfile, self._depths)):
            raise UserError('%s: has no exact depth, such as %s (give a sequence that '
                            'kitti_data/rendering/synthetic.py wrote; run it again to add what is '
                            'missing)' % (frames.folder, self._depths[0]))
        self._images = frames.image_paths
        self._limits = limits
        self.names = [os.path.basename(path) for path in self._images]
        self.drives = [frames.name]

    def image_path(self, index):
        return self._images[index]

    def truth(self, index):
        """The `DepthTruth` of an image."""
        depth = read_kitti_depth(self._depths[index])
        return DepthTruth(depth, valid_pixels(depth, limits=self._limits))


def _holds_annotated_depth(root):
    return any(os.path.isdir(os.path.join(root, part)) for part in _ANNOTATED_PARTS)


def _listed_images(list_path, root, exist=True):
    """(names of the images in a list, their `_raw_image`s)."""
    listed = read_image_list(
        require_file(list_path, 'list of test images (--test_file_list)'), root, exist)
    return [image.name for image in listed], [_raw_image(image, list_path) for image in listed]


def _raw_image(image, list_path):
    """(drive, camera, frame number) of a listed image's path in KITTI raw."""
    match = _RAW_IMAGE.search(image.name)
    number = frame_number(match.group(3)) if match else None
    if number is None:
        raise UserError('%s: line %d: found %r, must be an image of KITTI raw such as 2011_09_26/'
                        '2011_09_26_drive_0002_sync/image_02/data/0000000069.png' % (
                            list_path, image.line, image.name))
    return match.group(1), int(match.group(2)), number
