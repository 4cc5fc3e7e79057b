"""Mirrors the world: x becomes -x, and column x of an image becomes column W - 1 - x.

Intrinsics and motions may be arrays or tensors.
"""
import numpy as np

# Signs for displacements (x, y); their positions must be mirrored too.
FLOW_SIGNS = np.float32([-1, 1])


def mirrored_images(images):
    """Returns the array [..., H, W, C] mirrored left to right, contiguous."""
    return np.ascontiguousarray(images[..., ::-1, :])


def mirrored_intrinsics(intrinsics, width):
    """float32 [..., 3, 3] of the mirrored cameras; the principal point is at W - 1 - cx.

    Args:
      intrinsics: float32 [..., 3, 3], pixels.
      width: W of the images, pixels.
    """
    signs = np.float32([[1, -1, -1], [1, 1, 1], [1, 1, 1]])
    last_column = np.float32([[0, 0, width - 1], [0, 0, 0], [0, 0, 0]])
    return signs * intrinsics + last_column


def mirrored_motions(motions):
    """Mirrored motions or pose vectors [..., 6], (tx, ty, tz, rx, ry, rz) in the camera's frame.

    Reverses the translation along x and the rotations about y and z.
    """
    return np.float32([-1, 1, 1, 1, -1, -1]) * motions
