"""The images to evaluate depth on, with their truth: Eigen's, KITTI 2015's, whole sequences."""
import functools
import os
import re
from typing import Callable, List, NamedTuple

import numpy as np

from kitti_data import splits
from kitti_data.calibration import KITTI_SIZES, Calibration
from kitti_data.depth_files import (
    exact_depth_path, laser_depth_path, read_kitti_depth, read_laser_depth)
from kitti_data.frame_files import frame_number
from kitti_data.image_lists import read_image_list
from kitti_data.images import image_size, read_16_bit
from kitti_data.kitti_2015 import REFERENCE, reference_names
from kitti_data.odometry import OdometrySequence
from kitti_data.raw import RawDrive, read_velodyne
from kitti_eval.depth_errors import GARG_CROP, valid_pixels
from vo_common.errors import UserError
from vo_common.files import require_file, require_folder

# Number of Eigen's test images, and of those with KITTI's annotated depth (Uhrig et al., 3DV 2017).
EIGEN_IMAGES, ANNOTATED_IMAGES = 697, 652
_ANNOTATED_PARTS = ('train', 'val')
_RAW_IMAGE = re.compile(r'([^/]+)/image_0([0-3])/data/([0-9]+)\.(png|jpg|jpeg)$', re.I)
_STEPS_PER_PIXEL = 256.0  # scale of KITTI 2015's disparities
# Focal length in pixels by image width, and baseline in metres, as commonly used for their depth.
_FOCAL_OF_WIDTH = {width: focal for focal, (_, width) in KITTI_SIZES.items()}
_BASELINE = 0.54


class DepthTruth(NamedTuple):
    """True depth of one image: metres, 0 where unknown, and <bool>, the pixels to evaluate.

    focal_baseline: focal length (pixels) times baseline (metres) of disparities, or None.
    """
    depth: np.ndarray  # [H, W]
    valid: np.ndarray  # [H, W]
    focal_baseline: float = None


class Split(NamedTuple):
    """The images to evaluate depth on.

    paths: paths of N images, which need not exist for annotated depth.
    drives: drives of the images.
    truth: function from an index to the <DepthTruth> of the image, or None if it has none.
    """
    paths: List[str]
    drives: List[str]
    truth: Callable


def eigen_split(kitti_dir, list_path, limits):
    """The <Split> of images of KITTI raw with the laser scans as truth, in Garg's crop.

    Args:
      kitti_dir: the raw folder, with the dates.
      list_path: list of images below it, see `image_lists`.
      limits: (minimum, maximum) of the depths to evaluate, metres.
    """
    root = require_folder(kitti_dir, 'KITTI raw folder (--kitti_dir)')
    if any(os.path.isdir(os.path.join(root, part)) for part in _ANNOTATED_PARTS):
        raise UserError('--kitti_dir=%s: is KITTI\'s annotated depth, must be the raw folder '
                        'with --split=eigen (or give --split=eigen_benchmark)' % kitti_dir)
    paths, drives, images = _listed_images(list_path, root)
    open_drive = functools.lru_cache(maxsize=None)(RawDrive)
    scans = [open_drive(root, drive).velodyne_path(number) for drive, _, number in images]
    if not any(map(os.path.exists, scans)):
        raise UserError('none of %d images has a laser scan, such as %s (unpack the raw drives, '
                        'not the depth benchmark: they hold velodyne_points)' % (
                            len(scans), scans[0]))

    def truth(index):
        if not os.path.exists(scans[index]):
            return None
        drive, camera, _ = images[index]
        calibration = open_drive(root, drive).calibration
        size = calibration.projected_size(camera, image_size(paths[index]))
        depth = project_velodyne(read_velodyne(scans[index]),
                                 calibration.velo_to_image(camera, size), *size)
        return DepthTruth(depth, valid_pixels(depth, GARG_CROP, limits))
    return Split(paths, drives, truth)


def annotated_split(kitti_dir, list_path, limits, crop):
    """The <Split> of Eigen's images with KITTI's annotated depth, the "improved ground truth".

    Images without annotated depth in Eigen's list of 697 have no truth. Raises a UserError if no
    image is annotated, or not exactly 652 images of Eigen's list are.

    Args:
      kitti_dir: data_depth_annotated, with `{train,val}/<drive>/proj_depth/groundtruth/image_0C`.
      list_path, limits: as for `eigen_split`, but the images need not exist.
      crop: whether to evaluate pixels in Garg's crop and within the limits, as `eigen_split`, or
        all annotated pixels (Godard et al., ICCV 2019).
    """
    root = require_folder(kitti_dir, 'annotated depth of KITTI (--kitti_dir)')
    paths, drives, images = _listed_images(list_path, root, exist=False)
    names = ['%s/proj_depth/groundtruth/image_%02d/%010d.png' % image for image in images]
    found = [next(filter(os.path.isfile, (os.path.join(root, part, name)
                                          for part in _ANNOTATED_PARTS)), None)
             for name in names]
    count = len(found) - found.count(None)
    is_published = len(images) in (EIGEN_IMAGES, ANNOTATED_IMAGES)
    if not count or (is_published and count != ANNOTATED_IMAGES):
        raise UserError('%s: holds annotations for %d of the %d images of %s, must be %s (unpack '
                        'train and val of data_depth_annotated)' % (
                            kitti_dir, count, len(images), list_path,
                            ANNOTATED_IMAGES if is_published else 'at least one'))

    def truth(index):
        if found[index] is None:
            return None
        depth = read_kitti_depth(found[index])
        return DepthTruth(depth, valid_pixels(depth, GARG_CROP, limits) if crop else depth > 0)
    return Split(paths, drives, truth)


def stereo_split(kitti_dir, disparity_dir):
    """The <Split> of the training images of KITTI 2015 at hand, with disparity as truth.

    `kitti_dir` holds `training/`, and that holds `disparity_dir`, disp_noc_0 or disp_occ_0.
    """
    root = require_folder(kitti_dir, 'KITTI 2015 folder (--kitti_dir)')
    training = require_folder(os.path.join(root, 'training'), 'KITTI 2015 images')
    disparities = require_folder(os.path.join(training, disparity_dir), 'KITTI 2015 disparities')
    numbers = reference_names(disparities, 'disparity')
    names = ['%s_%02d.png' % (number, REFERENCE) for number in numbers]

    def truth(index):
        disparity = read_16_bit(os.path.join(disparities, names[index]), 1,
                                'disparity image') / _STEPS_PER_PIXEL
        width, known = disparity.shape[1], disparity > 0
        if width in _FOCAL_OF_WIDTH:
            focal_baseline = _FOCAL_OF_WIDTH[width] * _BASELINE
        else:
            path = os.path.join(training, 'calib_cam_to_cam', numbers[index] + '.txt')
            focal_baseline = np.prod(focal_and_baseline(path, disparity.shape))
        depth = np.where(known, focal_baseline / np.where(known, disparity, 1), 0)
        return DepthTruth(depth, known, focal_baseline)
    return Split([os.path.join(training, 'image_2', name) for name in names],
                 sorted(splits.test_scenes('stereo')), truth)


def odometry_split(kitti_dir, sequence, camera, limits):
    """The <Split> of a sequence in the odometry layout, with the depth stored with it.

    Rendered sequences have the exact depth of the left cameras, 0 and 2, see `exact_depth_path`.
    Others may have laser depth, see `read_laser_depth`, which is evaluated in Garg's crop. For the
    arguments, see `OdometrySequence` and `eigen_split`.
    """
    frames = OdometrySequence(kitti_dir, sequence, camera)
    depths = [exact_depth_path(frames.folder, number) for number in frames.frame_numbers]
    laser = laser_depth_path(frames.root, frames.name)
    if not has_depth(frames):
        raise UserError('%s: has no exact depth, such as %s (of cameras 0 and 2), and no laser '
                        'depth, %s (for a rendered sequence, run kitti_data/rendering/synthetic.py '
                        'again; for a real one, write that file, see docs/data.md)' % (
                            frames.folder, depths[0], laser))
    scans = read_laser_depth(laser) if os.path.isfile(laser) else None

    def truth(index):
        if scans is None:
            depth = read_kitti_depth(depths[index])
            return DepthTruth(depth, valid_pixels(depth, limits=limits))
        depth = scans.get(int(frames.frame_numbers[index]))
        return None if depth is None else DepthTruth(depth, valid_pixels(depth, GARG_CROP, limits))
    return Split(frames.image_paths, [frames.name], truth)


def has_depth(frames):
    """Whether `odometry_split` has true depth for the camera of an <OdometrySequence>."""
    return os.path.isfile(laser_depth_path(frames.root, frames.name)) or (
        frames.camera in (0, 2) and any(os.path.isfile(exact_depth_path(frames.folder, number))
                                        for number in frames.frame_numbers))


def _listed_images(list_path, root, exist=True):
    """Paths of the images of KITTI raw in a list, drives, (drive, camera, number) of each image."""
    listed = read_image_list(
        require_file(list_path, 'list of test images (--test_file_list)'), root, exist)
    images = []
    for name, line in listed:
        match = _RAW_IMAGE.search(name)
        number = frame_number(match.group(3)) if match else None
        if number is None:
            raise UserError('%s: line %d: found %r, must be an image of KITTI raw such as '
                            '2011_09_26/2011_09_26_drive_0002_sync/image_02/data/0000000069.png' % (
                                list_path, line, name))
        images.append((match.group(1), int(match.group(2)), number))
    return ([os.path.join(root, name) for name, _ in listed],
            sorted({drive for drive, _, _ in images}), images)


def project_velodyne(points, velo_to_image, height, width):
    """Projects a laser scan into an image: <float32>[H, W] metres, 0 for pixels without a point.

    As for Eigen's split, a pixel is round(projection) - 1, and its depth is the forward distance of
    its nearest point from the scanner. Ignores points behind the scanner.

    Args:
      points: <float>[N, 3 or 4], forward, left, up from the scanner, metres.
      velo_to_image: float64 [3, 4], to pixels of the camera.
    """
    forward = points[points[:, 0] >= 0, :3].astype(np.float64)
    projected = forward @ velo_to_image[:, :3].T + velo_to_image[:, 3]
    with np.errstate(divide='ignore', invalid='ignore'):
        pixels = np.rint(projected[:, :2] / projected[:, 2:]) - 1
    inside = ((pixels >= 0) & (pixels < (width, height))).all(axis=1)
    depths = forward[inside, 0]
    columns, rows = pixels[inside].astype(np.int64).T
    depth_map = np.zeros((height, width), np.float32)
    # If an element is assigned several times, the last value is kept: write from far to near.
    order = np.argsort(-depths, kind='stable')
    depth_map[rows[order], columns[order]] = np.maximum(depths[order], 0)
    return depth_map


def focal_and_baseline(calibration_path, size):
    """(focal length in pixels, baseline in metres), which turn disparity of camera 2 into depth.

    Raises a UserError if the `calib_cam_to_cam` file is for images of another size than `size`,
    the (height, width) of the disparities.
    """
    calibration = Calibration(calibration_path)
    calibrated = calibration.image_size('P_rect_02')
    if calibrated and calibrated != tuple(size):
        raise UserError('calibration file %s: is for images of %dx%d pixels, must be for %dx%d '
                        'like the disparities (which cannot be resized)' % (
                            (calibration_path,) + calibrated[::-1] + tuple(size)[::-1]))
    left, right = (calibration.projection('P_rect_%02d' % number, size) for number in (2, 3))
    baseline = abs(right[0, 3] / right[0, 0] - left[0, 3] / left[0, 0])
    return float(left[0, 0]), float(baseline)
