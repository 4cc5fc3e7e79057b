"""A canonical camera for all sequences, and the conversion of motions to the actual camera.

pose_net only sees images, so it cannot infer their focal length or principal point. It therefore
learns motions as seen by one canonical camera, and its predictions are converted to the actual
camera afterwards (Yin et al., ICCV 2023, transform depth labels this way). Use the mean of the
training cameras, especially with mirrored images, whose principal point is on the other side.

`shares` are fractions, (fx / width, fy / height, cx / width, cy / height), of an image that starts
at 0, not at -0.5.
"""
import numpy as np
from scipy.spatial.transform import Rotation

from kitti_data.calibration import camera_matrix, resized
from kitti_data.poses import rotation_from_euler


def camera_of(shares, height, width):
    """The camera with these `shares`, for images of this size in pixels: float64 [3, 3]."""
    fx, fy, cx, cy = shares
    return resized(camera_matrix(fx, fy, cx - 0.5, cy - 0.5), (1, 1), (height, width))


def shares_of(camera, height, width):
    """The `shares` of a camera [3, 3] whose images have this size in pixels: float64 [4]."""
    unit = resized(np.asarray(camera, np.float64), (height, width), (1, 1))
    return np.array([unit[0, 0], unit[1, 1], unit[0, 2] + 0.5, unit[1, 2] + 0.5])


def convert_motions(camera, vectors, predicted_for):
    """Converts motions from one camera to another with the same image motion.

    Exact for translations, for the direction of the optical axis and for the turn about it; other
    parts of a rotation have second-order errors.

    Args:
      camera: float [3, 3], the actual camera, pixels.
      vectors: float [..., 6] of pose_net, (tx, ty, tz, rx, ry, rz), which map points of one frame
        into another, R = Rx Ry Rz. The result, float64, has the same order.
      predicted_for: float [3, 3], the camera that the motions were predicted for, same pixels.
    """
    vectors = np.asarray(vectors, np.float64)
    change = np.linalg.solve(camera, predicted_for)
    moved = change @ rotation_from_euler(vectors[..., 3:]) @ np.linalg.inv(change)
    axis = moved[..., 2] / np.linalg.norm(moved[..., 2], axis=-1, keepdims=True)
    # A twist about (0, 0, 1), then a swing that rotates (0, 0, 1) to the axis in their plane.
    flat = np.stack([-axis[..., 1], axis[..., 0], np.zeros_like(axis[..., 0])], axis=-1)
    sine = np.linalg.norm(flat, axis=-1, keepdims=True)
    angle = np.arctan2(sine, axis[..., 2:])
    swing = flat * angle / np.where(sine > 0, sine, 1)
    twist = np.zeros_like(swing)
    twist[..., 2] = np.arctan2(moved[..., 1, 0] - moved[..., 0, 1],
                               moved[..., 0, 0] + moved[..., 1, 1])
    rotations = (Rotation.from_rotvec(swing.reshape(-1, 3))
                 * Rotation.from_rotvec(twist.reshape(-1, 3)))
    return np.concatenate([vectors[..., :3] @ change.T,
                           rotations.as_euler('XYZ').reshape(swing.shape)], axis=-1)
