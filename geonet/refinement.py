"""Refines the motions and the depth of a snippet by direct alignment of its images.

As in direct visual odometry (Engel et al., TPAMI 2018), Gauss-Newton minimises the brightness
differences between the target and each source warped to it. The unknowns are the motions and, for
each small patch, a factor on the inverse depth that depth_net predicts. Smoothed over the image,
the factors correct the depth. The nets do not change.
"""
from typing import NamedTuple, Optional

import numpy as np
from scipy.spatial.transform import Rotation

from kitti_data.poses import transform_from_vector, vector_from_transform
from vo_common.opencv import cv2

# Brightness is normalised locally, because exposure changes between frames.
_WINDOW_SIGMA = 8.0  # pixels, of the Gaussian window for local mean and contrast
_LEAST_CONTRAST = 4.0  # gray levels, added to the local contrast
# Blur in pixels (sigma), coarse to fine; displacements up to about twice the blur converge.
_BLURS = (3.0, 1.2)
# The image is divided into about this many square cells, with sides of 4 to 7 pixels; each has a
# patch, centred at its steepest gradient.
_CELLS, _CELL_SIDES = 2300, (4, 7)
# Pixels of a patch, (right, down) from its centre; they share one inverse depth.
_PATCH = np.array([(0, 0), (-2, 0), (2, 0), (0, -2), (0, 2)])
_MARGIN = 3  # pixels, more than the reach of a patch
_FACTORS = 0.3, 3.0  # range of the factors on inverse depth
_DIFFERENCE_SPREAD = 0.2  # typical difference of normalised brightness
# Degrees of freedom of Student's t, the distribution of differences (Kerl et al., ICRA 2013).
_FREEDOM = 4.0
# How the factors of patches are smoothed over the image.
_LOG_SPREAD = 0.25  # standard deviation of the prior around 0 of the logarithm of a factor
_LARGEST_JUMP = 0.3  # largest difference of a logarithm from the median of its neighbours
_FIELD_SIGMA = 0.7  # cells, of the Gaussian window
_LEAST_WEIGHT = 0.05  # of the mean of all factors, relative to those in the window
# The road ahead of the car: below this share of the image's height, no farther from its centre than
# this share of its width, and below the horizon by this slope.
_ROAD_TOP, _ROAD_HALF_WIDTH, _LEAST_SLOPE = 0.7, 0.12, 0.05
# Standard deviation of the prior of the logarithm of a factor; patches of the road that are known
# less well hardly count.
_HEIGHT_SPREAD = 0.1
# Standard deviations of the prior around the predictions of the nets.
_FACTOR_SPREAD = 2.0  # of the factors on inverse depth, which hardly affect directions
_TURN_SPREAD = 0.005  # radians
_TRANSLATION_SPREAD = 0.05  # share of the length of the translation
# Converged: all updates are below this share of the standard deviations above. Below 0.02 the
# common scale of snippets no longer improves, above it becomes worse before directions do.
_SMALLEST_UPDATE = 0.02
# Larger corrections are rejected. The length of a translation is as uncertain as depth.
_LARGEST_TURN = 0.08  # radians
_LARGEST_RATIO = 8.0  # longer over shorter translation
_SHORTEST_TRANSLATION = 1e-3  # in the unit of the depth, for a car that stands still


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
      steps: largest number of Gauss-Newton steps for each blur.
    """

    def __init__(self, camera, steps):
        self._camera, self._steps = np.asarray(camera, np.float64), steps

    @staticmethod
    def prepared(frame):
        """Normalised brightness and its gradients in x and y, for each blur.

        Args:
          frame: uint8 [H, W, 3].

        Returns:
          float32 [S, H, W, 3].
        """
        gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
        levels = [_normalised(gray, blur) for blur in _BLURS]
        return np.stack([np.stack((level,) + _gradients(level), -1) for level in levels])

    def __call__(self, window, depth, vectors):
        """Refines the motions of a snippet and the depth of its target.

        Keeps a predicted motion if the refined one does not reduce the differences between the
        images, or if it differs by more than 0.08 radians or a factor of 8 in length. Keeps the
        predicted depth if motion and depth together do not reduce them, or a motion differs so.

        Args:
          window: list of L `prepared` frames, in time order, the target in the middle; None for
            frames that are absent, whose motions are kept.
          depth: float32 [h, w], depth of the target at any size, in the unit of the translations.
          vectors: float [N, 6], see `model.predict_pose`.

        Returns:
          <Refined>, with the motions in the same order.
        """
        target = window[len(window) // 2]
        sources = window[:len(window) // 2] + window[len(window) // 2 + 1:]
        present = np.array([source is not None for source in sources])
        sources = [source for source in sources if source is not None]
        inverse_depth = cv2.resize(np.float32(1) / depth, target.shape[2:0:-1])
        start = transform_from_vector(vectors[present])
        motions = start.copy()
        for level in range(len(_BLURS)):
            problem = _Problem(target[level], [source[level] for source in sources],
                               inverse_depth, self._camera, start)
            motions = problem.solve(motions, self._steps)
        plausible = (np.abs(_difference(motions, start)[:, 3:]) <= _LARGEST_TURN).all(axis=1)
        plausible &= np.abs(np.log(_lengths(motions) / _lengths(start))) <= np.log(_LARGEST_RATIO)
        costs = problem.costs(start)
        accepted = plausible & (problem.costs(motions) < costs)
        refined = np.array(vectors, np.float64)
        refined[present] = np.where(accepted[:, np.newaxis], vector_from_transform(motions),
                                    vectors[present])
        if plausible.all() and problem.costs(motions, refined_depth=True).sum() < costs.sum():
            return Refined(refined, depth / problem.factors_at(*depth.shape),
                           *problem.camera_height())
        return Refined(refined, depth)


class _Problem:
    """The alignment of a snippet at one blur.

    Args:
      target: float32 [H, W, 3], one level of `Refiner.prepared`.
      sources: list of N such levels.
      inverse_depth: float32 [H, W] of the target.
      camera: float64 [3, 3].
      start: float64 [N, 4, 4], the predicted motions, target to source.
    """

    def __init__(self, target, sources, inverse_depth, camera, start):
        self._sources, self._start = sources, start
        # Standard deviations around the start, of translations and rotation vectors.
        self._spreads = np.full([len(start), 6], _TURN_SPREAD)
        self._spreads[:, :3] = _TRANSLATION_SPREAD * _lengths(start)[:, np.newaxis]
        self._size, self._cell, self._grid = target.shape[:2], *_cells(*target.shape[:2])
        rows, columns = _steepest(target[..., 1:])
        self._factors = np.ones(len(rows))  # on the inverse depths
        self._information = np.zeros(len(rows))  # inverse variances of the factors, without prior
        columns, rows = ((_PATCH[:, axis:axis + 1] + places).ravel()
                         for axis, places in enumerate((columns, rows)))
        self._target = target[rows, columns].T
        self._inverse_depth = inverse_depth[rows, columns].astype(np.float64)
        self._focal, self._centre = np.diag(camera)[:2], camera[:2, 2]
        self._rays = np.stack([(columns - camera[0, 2]) / camera[0, 0],
                               (rows - camera[1, 2]) / camera[1, 1], np.ones(len(rows))])

    def costs(self, motions, refined_depth=False):
        """The mean robust cost of each source at the predicted or refined depth: float64 [N]."""
        costs, factors = [], self._factors if refined_depth else np.ones(len(self._factors))
        for source, motion in zip(self._sources, motions):
            difference, seen = self._compare(source, motion, factors)
            scaled = difference[seen] / _DIFFERENCE_SPREAD
            costs.append(np.log1p(scaled ** 2 / _FREEDOM).mean() if seen.any() else np.inf)
        return np.array(costs)

    def solve(self, motions, steps):
        """The motions after at most `steps` Gauss-Newton steps: float64 [N, 4, 4]."""
        motions = motions.copy()
        smallest = _SMALLEST_UPDATE * self._spreads
        for _ in range(steps):
            update, of_factors = self._step(motions)
            motions[:, :3, 3] += update[:, :3]
            motions[:, :3, :3] = Rotation.from_rotvec(update[:, 3:]).as_matrix() @ (
                motions[:, :3, :3])
            self._factors = np.clip(self._factors + of_factors, *_FACTORS)
            if (np.abs(update) < smallest).all():
                break
        return motions

    def factors_at(self, height, width):
        """The factors on the inverse depth of the target at another size, smoothed.

        Gives little weight to the factors of patches that the images do not determine, and none to
        those that differ much from the median of their neighbours.

        Returns:
          float32 [height, width].
        """
        logs = np.log(self._factors).reshape(self._grid).astype(np.float32)
        information = (self._information * self._factors ** 2).reshape(self._grid)
        weights = (information / (information + _LOG_SPREAD ** -2.0)).astype(np.float32)
        weights *= np.abs(logs - cv2.medianBlur(logs, 3)) < _LARGEST_JUMP
        mean = np.sum(weights * logs) / (np.sum(weights) + 1)
        field = mean + _blurred(weights * (logs - mean)) / (_blurred(weights) + _LEAST_WEIGHT)
        # The cells at the centres of the pixels.
        y, x = (((np.arange(count) + 0.5) * side / count - _MARGIN) / self._cell - 0.5
                for count, side in zip((height, width), self._size))
        return np.exp(cv2.remap(field, *np.meshgrid(np.float32(x), np.float32(y)),
                                cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))

    def camera_height(self):
        """The height of the camera above the road, the median over the patches ahead of the car.

        Returns:
          (log_height, height_spread), see `Refined`.
        """
        count = len(self._factors)
        x, y, _ = self._rays[:, :count]  # of the centres of the patches
        height, width = self._size
        road = (self._focal[1] * y + self._centre[1] > _ROAD_TOP * height) & (
            np.abs(self._focal[0] * x) < _ROAD_HALF_WIDTH * width) & (y > _LEAST_SLOPE)
        factors = self._factors[road]
        information = self._information[road] * factors ** 2
        weights = information / (information + _HEIGHT_SPREAD ** -2.0)
        if weights.sum() < 1:
            return 0.0, np.inf
        logs = np.log(y[road] / (factors * self._inverse_depth[:count][road]))
        middle = _weighted_median(logs, weights)
        deviation = 1.4826 * _weighted_median(np.abs(logs - middle), weights)
        return middle, deviation / np.sqrt(weights.sum())

    def _step(self, motions):
        """The updates of the motions and the factors.

        Returns:
          (float64 [N, 6], translations and rotation vectors; float64 [P]).
        """
        count = len(self._sources)
        factor_hessian = _FACTOR_SPREAD ** -2.0
        factor_gradient = factor_hessian * (self._factors - 1)
        hessian, gradient = np.zeros([6 * count] * 2), np.zeros(6 * count)
        mixed = np.zeros([6 * count, len(self._factors)])
        for place, (source, motion) in enumerate(zip(self._sources, motions)):
            difference, seen, by_motion, by_factor = self._compare(
                source, motion, self._factors, True)
            weights = _weights(difference, seen)
            rows = slice(6 * place, 6 * place + 6)
            weighted = by_motion * weights
            hessian[rows, rows] = weighted @ by_motion.T
            gradient[rows] = weighted @ difference
            mixed[rows] = _over_patches(weighted * by_factor)
            factor_hessian = factor_hessian + _over_patches(weights * by_factor ** 2)
            factor_gradient = factor_gradient + _over_patches(weights * by_factor * difference)
        self._information = factor_hessian - _FACTOR_SPREAD ** -2.0
        # The Schur complement eliminates the factors.
        hessian -= (mixed / factor_hessian) @ mixed.T
        gradient -= mixed @ (factor_gradient / factor_hessian)
        prior = self._spreads.ravel() ** -2.0
        hessian += np.diag(prior)
        gradient += prior * _difference(motions, self._start).ravel()
        update = -np.linalg.solve(hessian, gradient)
        of_factors = -(factor_gradient + mixed.T @ update) / factor_hessian
        return update.reshape(count, 6), of_factors

    def _compare(self, source, motion, factors, derivatives=False):
        """Compares the warped source with the target at the 5 P pixels of all patches.

        Returns:
          (differences [5 P], visibility [5 P]); with `derivatives`, also those of the differences
          with respect to the motion [6, 5 P] and to the factors [5 P].
        """
        inverse_depth = np.tile(factors, len(_PATCH)) * self._inverse_depth
        turned = motion[:3, :3] @ self._rays
        points = turned + motion[:3, 3:] * inverse_depth  # divided by the depth
        ahead = np.maximum(points[2], 1e-3)
        x, y = (self._focal[:, np.newaxis] * points[:2] / ahead + self._centre[:, np.newaxis])
        height, width = source.shape[:2]
        seen = (points[2] > 1e-3) & (x > 1) & (y > 1) & (x < width - 2) & (y < height - 2)
        x, y = (np.where(seen, part, 0) for part in (x, y))
        sampled = _sampled_at(source, x, y)
        difference = np.where(seen, sampled[0] - self._target[0], 0)
        if not derivatives:
            return difference, seen
        # The mean of both images' gradients converges in fewer steps (Malis, ICRA 2004).
        along = 0.5 * (sampled[1:] + self._target[1:])
        along *= self._focal[:, np.newaxis] / ahead
        forward = -(along[0] * points[0] + along[1] * points[1]) / ahead
        by_point = np.stack([along[0], along[1], forward])
        by_motion = np.concatenate([by_point * inverse_depth,
                                    np.cross(turned, by_point, axis=0)])
        by_factor = motion[:3, 3] @ by_point * self._inverse_depth
        return difference, seen, by_motion, by_factor


def _over_patches(values):
    """Sums over the pixels of each patch: [..., 5 P] -> [..., P]."""
    return values.reshape(values.shape[:-1] + (len(_PATCH), -1)).sum(axis=-2)


def _weights(difference, seen):
    """Weights of Student's t, divided by the variance; 0 for invisible pixels: [5 P]."""
    spread = max(1.4826 * np.median(np.abs(difference[seen])), 1e-3) if seen.any() else 1.0
    return seen * (_FREEDOM + 1) / (_FREEDOM + (difference / spread) ** 2) / spread ** 2


def _difference(motions, start):
    """Translations and rotation vectors from `start` to `motions` [N, 4, 4]: float64 [N, 6]."""
    turns = motions[:, :3, :3] @ np.swapaxes(start[:, :3, :3], 1, 2)
    return np.concatenate([motions[:, :3, 3] - start[:, :3, 3],
                           Rotation.from_matrix(turns).as_rotvec()], axis=1)


def _lengths(motions):
    """Lengths of the translations, at least `_SHORTEST_TRANSLATION`: float64 [N]."""
    return np.maximum(np.linalg.norm(motions[:, :3, 3], axis=1), _SHORTEST_TRANSLATION)


def _sampled_at(image, x, y):
    """Interpolates the image [H, W, C] bilinearly at P interior points: float64 [C, P].

    More precise than OpenCV's remap, which rounds the points to 1/32 pixel.
    """
    column, row = x.astype(int), y.astype(int)
    right, down = x - column, y - row
    width, channels = image.shape[1:]
    flat, place = image.reshape(-1, channels), row * width + column
    return ((flat[place].T * (1 - right) + flat[place + 1].T * right) * (1 - down)
            + (flat[place + width].T * (1 - right) + flat[place + width + 1].T * right) * down)


def _normalised(image, blur):
    """The blurred image minus its local mean, divided by its local contrast: float32 [H, W]."""
    image = cv2.GaussianBlur(image, (0, 0), blur)
    mean = cv2.GaussianBlur(image, (0, 0), _WINDOW_SIGMA)
    square = cv2.GaussianBlur((image - mean) ** 2, (0, 0), _WINDOW_SIGMA)
    return (image - mean) / (np.sqrt(square) + _LEAST_CONTRAST)


def _gradients(image):
    """Central differences in x and y, each float32 [H, W]."""
    kernel = np.array([-0.5, 0, 0.5], np.float32)
    one = np.ones(1, np.float32)
    return (cv2.sepFilter2D(image, cv2.CV_32F, kernel, one),
            cv2.sepFilter2D(image, cv2.CV_32F, one, kernel))


def _weighted_median(values, weights):
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _blurred(values):
    """`values` float32 [H, W] blurred by the window of the factors."""
    return cv2.GaussianBlur(values, (0, 0), _FIELD_SIGMA)


def _cells(height, width):
    """(side of the cells of an image in pixels, (number of rows, of columns))."""
    side = int(np.clip(round((height * width / _CELLS) ** 0.5), *_CELL_SIDES))
    return side, ((height - 2 * _MARGIN) // side, (width - 2 * _MARGIN) // side)


def _steepest(gradient):
    """Row and column int [P] of the pixel with the steepest gradient [H, W, 2] in each cell."""
    side, (rows, columns) = _cells(*gradient.shape[:2])
    steepness = np.square(gradient[_MARGIN:_MARGIN + rows * side,
                                   _MARGIN:_MARGIN + columns * side]).sum(axis=-1)
    cells = steepness.reshape(rows, side, columns, side)
    place = cells.transpose(0, 2, 1, 3).reshape(rows, columns, -1).argmax(-1)
    row = _MARGIN + np.arange(rows)[:, np.newaxis] * side + place // side
    column = _MARGIN + np.arange(columns) * side + place % side
    return row.ravel(), column.ravel()
