"""Ground truth of depth: laser scans projected into the image, and KITTI 2015's disparities."""
import numpy as np

from kitti_data.calibration import KITTI_SIZES, Calibration
from kitti_data.images import read_16_bit
from vo_common.errors import UserError

# Pixels, by the width of KITTI's images: how the field turns KITTI 2015's disparity into depth.
FOCAL_OF_WIDTH = {width: focal for focal, (_, width) in KITTI_SIZES.items()}
BASELINE = 0.54
_STEPS_PER_PIXEL = 256.0


def project_velodyne(points, velo_to_image, height, width):
    """Projects a laser scan into an image.

    As for Eigen's split, a pixel is round(projection) - 1, its depth the forward distance of its
    nearest point from the scanner; ignores points behind the scanner.

    Args:
      points: <float>[N, 3 or 4], forward, left, up of the scanner, metres.
      velo_to_image: float64 [3, 4], to pixels of the camera.
      height, width: of the image.

    Returns:
      <float32>[H, W] metres, 0 where no point fell.
    """
    forward = points[points[:, 0] >= 0, :3].astype(np.float64)
    projected = forward @ velo_to_image[:, :3].T + velo_to_image[:, 3]
    with np.errstate(divide='ignore', invalid='ignore'):
        pixels = np.rint(projected[:, :2] / projected[:, 2:]) - 1
    inside = ((pixels >= 0) & (pixels < (width, height))).all(axis=1)
    depths = forward[inside, 0]
    columns, rows = pixels[inside].astype(np.int64).T
    depth_map = np.zeros((height, width), np.float32)
    # The last of several values for one element stays: write from far to near.
    order = np.argsort(-depths, kind='stable')
    depth_map[rows[order], columns[order]] = np.maximum(depths[order], 0)
    return depth_map


def read_disparity(path):
    """Reads KITTI 2015's 16-bit disparity PNG.

    Returns:
      <float64>[H, W] pixels, 0 where unknown.

    Raises:
      UserError: the file is missing, broken, or no 16-bit gray PNG.
    """
    return read_16_bit(path, 1, 'disparity image') / _STEPS_PER_PIXEL


def disparity_to_depth(disparity, focal_baseline):
    """depth = focal (pixels) * baseline (metres) / disparity, [H, W] metres; 0 where it is 0."""
    known = disparity > 0
    return np.where(known, focal_baseline / np.where(known, disparity, 1), 0)


def focal_and_baseline(calibration_path, size=None):
    """What turns disparity of camera 2 into depth.

    Args:
      calibration_path: a `calib_cam_to_cam` file.
      size: (height, width) of the disparities; None accepts any.

    Returns:
      (focal length in pixels, baseline in metres).

    Raises:
      UserError: the calibration is of images of another size.
    """
    calibration = Calibration(calibration_path)
    calibrated = calibration.image_size('P_rect_02', 'S_rect_02')
    if size and calibrated and calibrated != tuple(size):
        raise UserError('calibration file %s: is of images of %dx%d pixels, must be of %dx%d like '
                        'the disparities (which cannot be resized)' % (
                            (calibration_path,) + calibrated[::-1] + tuple(size)[::-1]))
    left, right = (calibration.projection('P_rect_%02d' % number, size) for number in (2, 3))
    baseline = abs(right[0, 3] / right[0, 0] - left[0, 3] / left[0, 0])
    return float(left[0, 0]), float(baseline)
