"""Frames as seen by a camera that turns more or is mounted differently, for augmentation.

A camera that only rotates about its centre sees the same rays, at any depth: its image is the
original one, warped by the homography K R^T K^-1. Turns can therefore be added exactly, except for
the parts that enter at the border.
"""
import numpy as np
from scipy.spatial.transform import Rotation

from vo_common.opencv import cv2

# Limits in radians. KITTI's sharpest turns have 0.05 between consecutive frames.
MOST_TURN = 0.2
PIVOT_TURN = 0.06
MOST_MOUNT = 0.1
MOST_SHAKE = 0.05


def turn(angles):
    """Rotation about the vertical axis y by angles in radians: [...] -> float64 [..., 3, 3]."""
    return Rotation.from_rotvec(np.multiply.outer(angles, [0, 1, 0])).as_matrix()


def mount(pitch_and_yaw):
    """Rotation of a camera in its mount, float64 [3, 3], by [2] radians about its axes x and y."""
    return Rotation.from_euler('xy', pitch_and_yaw).as_matrix()


def shake(angles):
    """Rotations of a camera, float64 [T, 3, 3], by [T, 3] radians about its axes x, y and z."""
    return Rotation.from_rotvec(angles).as_matrix()


def turned_frame(frame, intrinsics, rotation):
    """The frame as seen by the rotated camera; border pixels are repeated outside the image.

    Args:
      frame: uint8 or uint16 [H, W, C]; the result is like it.
      intrinsics: float [3, 3], pixels.
      rotation: float [3, 3], from the rotated camera to the original one.
    """
    if np.array_equal(rotation, np.eye(3)):
        return frame
    intrinsics = np.asarray(intrinsics, np.float64)
    homography = intrinsics @ rotation.T @ np.linalg.inv(intrinsics)
    return cv2.warpPerspective(
        np.ascontiguousarray(frame), homography, frame.shape[1::-1], flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE).reshape(frame.shape)
