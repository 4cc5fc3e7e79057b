"""The images, and their truth, that depth is scored on: Eigen's, KITTI 2015's, synthetic ones."""
import functools
import os
import re
from typing import NamedTuple

import numpy as np

from common.errors import UserError
from common.files import read_lines, require_folder
from kitti_data import splits
from kitti_data.images import image_size
from kitti_data.odometry import OdometrySequence
from kitti_data.raw import RawDrive, read_velodyne
from kitti_data.rendering.scene import load_scene
from kitti_eval.depth_errors import GARG_CROP, valid_pixels
from kitti_eval.depth_truth import (
    BASELINE, FOCAL_OF_WIDTH, disparity_to_depth, focal_and_baseline, project_velodyne,
    read_disparity)

_RAW_IMAGE = re.compile(r'([^/]+)/image_0([0-3])/data/(\d+)\.(png|jpg|jpeg)$')


class DepthTruth(NamedTuple):
    """True depth of one image.

    depth: [H, W] metres, 0 where unknown. valid: <bool>[H, W], the pixels that count.
    focal_baseline: focal length (pixels) times baseline (metres) of disparities, or None.
    """
    depth: np.ndarray
    valid: np.ndarray
    focal_baseline: float = None


class EigenSplit:
    """Images of KITTI raw with the laser scan as truth.

    Args:
      kitti_dir: the raw folder, with the dates.
      list_path: lines of which the first word is an image below it, such as
        `2011_09_26/2011_09_26_drive_0002_sync/image_02/data/0000000069.png`.
      limits: depths that count, metres.
    """

    def __init__(self, kitti_dir, list_path, limits):
        self._root = require_folder(kitti_dir, 'KITTI raw folder (--kitti_dir)')
        self.names = [line.split()[0] for line in read_lines(
            list_path, 'list of test images (--test_file_list)')]
        self.drives = sorted({_raw_image(name)[0] for name in self.names})
        self._limits = limits
        self._drive = functools.lru_cache(maxsize=None)(RawDrive)

    def image_path(self, index):
        return os.path.join(self._root, self.names[index])

    def truth(self, index):
        """The `DepthTruth` of an image; None where KITTI has no scan of that moment."""
        drive_name, camera, number = _raw_image(self.names[index])
        drive = self._drive(self._root, drive_name)
        path = drive.velodyne_path(number)
        if not os.path.exists(path):
            return None
        height, width = image_size(self.image_path(index))
        depth = project_velodyne(read_velodyne(path), drive.calibration.velo_to_image(camera),
                                 height, width)
        return DepthTruth(depth, valid_pixels(depth, GARG_CROP, self._limits))


class StereoSplit:
    """KITTI 2015's training images with disparity as truth; all that are there, 200 or not.

    Args:
      kitti_dir: the folder with `training/image_2` and its neighbours.
      disparity_dir: 'disp_noc_0' or 'disp_occ_0'.
    """

    def __init__(self, kitti_dir, disparity_dir='disp_noc_0'):
        root = require_folder(kitti_dir, 'KITTI 2015 folder (--kitti_dir)')
        self._training = require_folder(os.path.join(root, 'training'), 'KITTI 2015 images')
        self._disparities = require_folder(os.path.join(self._training, disparity_dir),
                                           'KITTI 2015 disparities')
        self.names = sorted(name for name in os.listdir(self._disparities)
                            if name.endswith('_10.png'))
        if not self.names:
            raise UserError('no disparity NNNNNN_10.png in %s' % self._disparities)
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
            focal_baseline = np.prod(focal_and_baseline(self._calibration_path(index, width)))
        depth = disparity_to_depth(disparity, focal_baseline)
        return DepthTruth(depth, disparity > 0, focal_baseline)

    def _calibration_path(self, index, width):
        path = os.path.join(self._training, 'calib_cam_to_cam', self.names[index][:-7] + '.txt')
        if not os.path.exists(path):
            raise UserError('%s is %d pixels wide, none of KITTI (%s), and there is no calibration '
                            '%s to take its focal length from' % (
                                self.names[index], width,
                                ', '.join(map(str, sorted(FOCAL_OF_WIDTH))), path))
        return path


class SyntheticSplit:
    """A synthetic odometry sequence with the exact depth of camera 2.

    Args:
      kitti_dir: the folder that `kitti_data/rendering/synthetic.py` wrote.
      sequence: name or number.
      limits: depths that count, metres.
    """

    def __init__(self, kitti_dir, sequence, limits):
        frames = OdometrySequence(kitti_dir, sequence, camera=2)
        if not os.path.isfile(os.path.join(frames.folder, 'synthetic.json')):
            raise UserError('%s is no synthetic sequence: it has no synthetic.json, and so no '
                            'exact depth' % frames.folder)
        self._scene = load_scene(frames.folder)
        self._frames = frames
        self._limits = limits
        self.names = [os.path.basename(path) for path in frames.image_paths]
        self.drives = [frames.name]

    def image_path(self, index):
        return self._frames.image_paths[index]

    def truth(self, index):
        """The `DepthTruth` of an image."""
        depth = self._scene.depth(int(self._frames.frame_numbers[index]), 2)
        return DepthTruth(depth, valid_pixels(depth, limits=self._limits))


def _raw_image(name):
    """(drive, camera, frame number) of an image's path in KITTI raw."""
    match = _RAW_IMAGE.search(name)
    if not match:
        raise UserError('%r in --test_file_list is no image of KITTI raw, such as 2011_09_26/'
                        '2011_09_26_drive_0002_sync/image_02/data/0000000069.png' % name)
    return match.group(1), int(match.group(2)), int(match.group(3))
