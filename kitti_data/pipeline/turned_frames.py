"""Frames as a camera sees them that turns more: a new drive with the same scenery.

A camera that only rotates about its centre sees the same rays, whatever their depth: its image is
the homography K R^T K^-1 of the other one. So turns can be added to a drive exactly, but for what
comes in at the border; drives are mostly straight, and what is learnt from them turns too little.
Nor do they tell how the world looks to a camera that is mounted otherwise.
"""
import numpy as np
from scipy.spatial.transform import Rotation

from vo_common.opencv import cv2

# Radians between neighbouring frames, of which KITTI's sharpest turns have 0.05: the most that may
# be asked for, and the most of a camera that turns on the spot.
MOST_TURN = 0.2
PIVOT_TURN = 0.06
# Radians that a camera may look up, down or aside of what it looked before.
MOST_MOUNT = 0.1


def turn(angles):
    """float64 [..., 3, 3] rotations of a camera about its vertical axis, y, by [...] radians."""
    angles = np.asarray(angles, np.float64)
    rotations = Rotation.from_euler('y', angles.reshape(-1, 1)).as_matrix()
    return rotations.reshape(angles.shape + (3, 3))


def mount(pitch_and_yaw):
    """float64 [..., 3, 3] rotations of a camera in its mount by float [..., 2] radians about its
    axes x and y."""
    pitch_and_yaw = np.asarray(pitch_and_yaw, np.float64)
    rotations = Rotation.from_euler('xy', pitch_and_yaw.reshape(-1, 2)).as_matrix()
    return rotations.reshape(pitch_and_yaw.shape[:-1] + (3, 3))


def turned_frame(frame, intrinsics, rotation):
    """What a camera sees that is rotated about its centre; the border goes on beyond the image.

    Args:
      frame: uint8 or uint16 [H, W, C].
      intrinsics: float [3, 3], pixels.
      rotation: float [3, 3], from the rotated camera to the other.

    Returns:
      Array like `frame`, contiguous.
    """
    intrinsics = np.asarray(intrinsics, np.float64)
    homography = intrinsics @ rotation.T @ np.linalg.inv(intrinsics)
    return cv2.warpPerspective(frame, homography, frame.shape[1::-1], flags=cv2.INTER_LINEAR,
                               borderMode=cv2.BORDER_REPLICATE).reshape(frame.shape)
