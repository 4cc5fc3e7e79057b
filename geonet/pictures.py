"""Predictions as pictures, each with the frame it belongs to."""
import numpy as np

from kitti_eval.plots import depth_colours


def depth_picture(image, depth):
    """The frame with its depth under it, near bright; the colours span this picture's depths.

    Args:
      image: uint8 [H, W, 3].
      depth: float [H, W], any scale.

    Returns:
      uint8 [2H, W, 3].
    """
    low, high = np.percentile(depth, (2, 98))
    return np.concatenate([image, depth_colours(np.maximum(depth, low), low, high)])
