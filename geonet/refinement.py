"""Refines the motions and the depth of a snippet by direct alignment of its images.

`alignment.py` finds the motions, and a factor on the inverse depth of each small patch. Smoothed
over the image, the factors correct the depth. The nets do not change.
"""
from typing import NamedTuple, Optional

import numpy as np

from geonet.alignment import Alignment, difference_between, lengths
from kitti_data.poses import transform_from_vector, vector_from_transform
from vo_common.opencv import cv2

# Brightness is normalised locally, because exposure changes between frames.
_WINDOW_SIGMA = 8.0  # pixels, of the Gaussian window for local mean and contrast
_LEAST_CONTRAST = 4.0  # gray levels, added to the local contrast
# Blur in pixels (sigma), coarse to fine; displacements up to about twice the blur converge.
_BLURS = (3.0, 1.2)
# Larger corrections are rejected. The length of a translation is as uncertain as depth.
_LARGEST_TURN = 0.08  # radians
_LARGEST_RATIO = 8.0  # longer over shorter translation


class Refined(NamedTuple):
    """The prediction of a snippet.

    motions: float64 [N, 6], see `model.predict_pose`.
    depth: float32 [h, w] of the target; None without refinement.
    log_height: natural logarithm of the camera's height above the road, in the unit of the depth.
    height_spread: standard deviation of `log_height`; infinite if it is unknown.
    """
    motions: np.ndarray
    depth: Optional[np.ndarray] = None
    log_height: float = 0.0
    height_spread: float = np.inf


class Refiner:
    """Refines the motions between frames of one camera, and their depth.

    Args:
      camera: float [3, 3], pixels of the frames.
      steps: maximum number of Gauss-Newton iterations for each blur.
    """

    def __init__(self, camera, steps):
        self._camera, self._steps = np.asarray(camera, np.float64), steps

    @staticmethod
    def prepared(frame):
        """Normalised brightness of a frame uint8 [H, W, 3] and its gradients in x and y.

        For each of S blurs: float32 [S, H, W, 3].
        """
        gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
        levels = []
        for blur in _BLURS:
            level = _normalised(gray, blur)
            gradients = [cv2.Sobel(level, cv2.CV_32F, *order, ksize=1, scale=0.5)  # central
                         for order in ((1, 0), (0, 1))]
            levels.append(np.stack([level, *gradients], -1))
        return np.stack(levels)

    def __call__(self, window, depth, vectors):
        """Refines the motions of a snippet and the depth of its target.

        Keeps a predicted motion if the refined one does not reduce the differences between the
        images, or if it differs by more than 0.08 radians or a factor of 8 in length. Keeps the
        predicted depth if motion and depth together do not reduce them, or a motion differs so.

        Args:
          window: list of L `prepared` frames, in time order, the target in the middle; None for
            frames that are absent, whose motions are kept.
          depth: float32 [h, w], depth of the target at any size, in the unit of the translations.
          vectors: float [N, 6], see `model.predict_pose`; <Refined> has the same order.
        """
        target = window[len(window) // 2]
        sources = window[:len(window) // 2] + window[len(window) // 2 + 1:]
        present = np.array([source is not None for source in sources])
        sources = [source for source in sources if source is not None]
        inverse_depth = cv2.resize(np.float32(1) / depth, target.shape[2:0:-1])
        start = transform_from_vector(vectors[present])
        motions = start.copy()
        for level in range(len(_BLURS)):
            alignment = Alignment(target[level], [source[level] for source in sources],
                               inverse_depth, self._camera, start)
            motions = alignment.solve(motions, self._steps)
        plausible = (np.abs(difference_between(motions, start)[:, 3:]) <= _LARGEST_TURN).all(axis=1)
        plausible &= np.abs(np.log(lengths(motions) / lengths(start))) <= np.log(_LARGEST_RATIO)
        costs = alignment.costs(start)
        accepted = plausible & (alignment.costs(motions) < costs)
        refined = np.array(vectors, np.float64)
        refined[present] = np.where(accepted[:, np.newaxis], vector_from_transform(motions),
                                    vectors[present])
        if plausible.all() and alignment.costs(motions, refined_depth=True).sum() < costs.sum():
            return Refined(refined, depth / alignment.factors_at(*depth.shape),
                           *alignment.camera_height())
        return Refined(refined, depth)


def _normalised(image, blur):
    """The blurred image minus its local mean, divided by its local contrast: float32 [H, W]."""
    image = cv2.GaussianBlur(image, (0, 0), blur)
    mean = cv2.GaussianBlur(image, (0, 0), _WINDOW_SIGMA)
    square = cv2.GaussianBlur((image - mean) ** 2, (0, 0), _WINDOW_SIGMA)
    return (image - mean) / (np.sqrt(square) + _LEAST_CONTRAST)
