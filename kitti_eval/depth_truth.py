"""Ground truth of depth: laser scans projected into the image, and KITTI 2015's disparities."""
import numpy as np

from kitti_data.calibration import KITTI_SIZES, Calibration
from kitti_data.images import read_16_bit
from vo_common.errors import UserError

# Pixels, by the width of KITTI's images: how the field turns KITTI 2015's disparity into depth.
FOCAL_OF_WIDTH = {width: focal for focal, (_, width) in KITTI_SIZES.items()}
BASELINE = 0.54
_STEPS_PER_PIXEL = 256.0


def project_velodyne(points, velo_to_image, height, width, along='forward'):
    """Projects a laser scan into an image.

    A pixel is round(projection) - 1, as in KITTI's own code; the nearest of the points that meet
    in a pixel wins; points behind the scanner are left out.

    Args:
      points: <float>[N, 3 or 4], forward, left, up of the scanner, metres.
      velo_to_image: float64 [3, 4], to pixels of the camera.
      height, width: of the image.
      along: what depth is: 'forward', the point's distance in the scanner's forward direction (the
        Eigen split's truth), or 'camera', along the camera's axis.

    Returns:
      <float32>[H, W] metres, 0 where no point fell.
    """
    if along not in ('forward', 'camera'):
        raise ValueError("along is 'forward' or 'camera', got %r" % along)
    forward = points[points[:, 0] >= 0, :3].astype(np.float64)
    projected = forward @ velo_to_image[:, :3].T + velo_to_image[:, 3]
    with np.errstate(divide='ignore', invalid='ignore'):
        pixels = np.rint(projected[:, :2] / projected[:, 2:]) - 1
    inside = ((pixels >= 0) & (pixels < (width, height))).all(axis=1)
    depths = (forward[:, 0] if along == 'forward' else projected[:, 2])[inside]
    columns, rows = pixels[inside].astype(np.int64).T
    depth_map = np.zeros((height, width), np.float32)
    # Of several values for one element the last stays: write from far to near.
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


def focal_and_baseline(calibration_path, camera=2, size=None):
    """What turns disparity between the colour cameras into depth.

    Args:
      calibration_path: a `calib_cam_to_cam` file.
      camera: 2 or 3, whose focal length it is.
      size: (height, width) of the disparities; None compares with none.

    Returns:
      (focal length in pixels, baseline in metres).

    Raises:
      UserError: the calibration is of images of another size: disparities cannot follow a resize.
    """
    calibration = Calibration(calibration_path)
    calibrated = calibration.image_size('P_rect_02', 'S_rect_02')
    if size and calibrated and calibrated != tuple(size):
        raise UserError('calibration file %s: is of images of %dx%d pixels, must be of %dx%d like '
                        'the disparities (which cannot be resized)' % (
                            (calibration_path,) + calibrated[::-1] + tuple(size)[::-1]))
    left, right = (calibration.projection('P_rect_%02d' % number, size) for number in (2, 3))
    baseline = abs(right[0, 3] / right[0, 0] - left[0, 3] / left[0, 0])
    return float((left if camera == 2 else right)[0, 0]), float(baseline)
