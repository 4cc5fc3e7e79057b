"""The mirrored world: x becomes -x, and column x of an image becomes column W - 1 - x.

What is not pixels may be arrays or tensors.
"""
import numpy as np

# Of (tx, ty, tz, rx, ry, rz) in the camera's frame: the translation along x and the rotations
# about y and z change direction.
MOTION_SIGNS = np.float32([-1, 1, 1, 1, -1, -1])
# Of (x, y) displacements, whose places are mirrored as well.
FLOW_SIGNS = np.float32([-1, 1])


def mirrored_images(images):
    """Returns the array [..., H, W, C] mirrored left to right, contiguous."""
    return np.ascontiguousarray(images[..., ::-1, :])


def mirrored_intrinsics(intrinsics, width):
    """Intrinsics of the camera that sees the mirrored world; focal lengths stay positive.

    Args:
      intrinsics: float32 [..., 3, 3], pixels.
      width: W of the images, pixels.

    Returns:
      float32 [..., 3, 3], with the principal point at W - 1 - cx.
    """
    signs = np.float32([[1, -1, -1], [1, 1, 1], [1, 1, 1]])
    last_column = np.float32([[0, 0, width - 1], [0, 0, 0], [0, 0, 0]])
    return signs * intrinsics + last_column


def mirrored_motions(motions):
    """Motions or pose vectors [..., 6], in the camera's frame, of the mirrored world."""
    return MOTION_SIGNS * motions
