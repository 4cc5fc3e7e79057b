"""Least-squares alignment of the images of a snippet: its motions and the depth of patches.

As in direct visual odometry (Engel et al., TPAMI 2018), Gauss-Newton minimises the brightness
differences between the target and each source warped to it. The unknowns are the motions and, for
each small patch, a factor on the inverse depth that depth_net predicts.
"""
import numpy as np
from scipy.spatial.transform import Rotation

from vo_common.opencv import cv2

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
# The road ahead of the car: below this fraction of the image's height, no farther from its centre
# than this fraction of its width, and below the horizon by this slope.
_ROAD_TOP, _ROAD_HALF_WIDTH, _LEAST_SLOPE = 0.7, 0.12, 0.05
# Standard deviation of the prior of the logarithm of a factor; patches of the road that are known
# less well hardly count.
_HEIGHT_SPREAD = 0.1
# Standard deviations of the prior around the predictions of the nets.
_FACTOR_SPREAD = 2.0  # of the factors on inverse depth, which hardly affect directions
_TURN_SPREAD = 0.005  # radians
_TRANSLATION_SPREAD = 0.05  # fraction of the length of the translation
# Converged: all updates are below this fraction of the standard deviations above. Below 0.02 the
# common scale of snippets no longer improves, above it becomes worse before directions do.
_SMALLEST_UPDATE = 0.02
_SHORTEST_TRANSLATION = 1e-3  # in the unit of the depth, for a car that stands still


class Alignment:
    """The alignment of a snippet at one blur.

    Args:
      target: float32 [H, W, 3], one level of `refinement.Refiner.prepared`.
      sources: list of N such levels.
      inverse_depth: float32 [H, W] of the target.
      camera: float64 [3, 3].
      start: float64 [N, 4, 4], the predicted motions, target to source.
    """

    def __init__(self, target, sources, inverse_depth, camera, start):
        self._sources, self._start = sources, start
        # Standard deviations around the start, of translations and rotation vectors.
        self._spreads = np.full([len(start), 6], _TURN_SPREAD)
        self._spreads[:, :3] = _TRANSLATION_SPREAD * lengths(start)[:, np.newaxis]
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
        """The motions after at most `steps` Gauss-Newton iterations: float64 [N, 4, 4]."""
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
        """The factors on the target's inverse depth, smoothed: float32 [height, width], any size.

        Gives little weight to the factors of patches that the images do not determine, and none to
        those that differ much from the median of their neighbours.
        """
        logs = np.log(self._factors).reshape(self._grid).astype(np.float32)
        weights = self._certainty(_LOG_SPREAD).reshape(self._grid).astype(np.float32)
        weights *= np.abs(logs - cv2.medianBlur(logs, 3)) < _LARGEST_JUMP
        mean = np.sum(weights * logs) / (np.sum(weights) + 1)
        sums, of_weights = (cv2.GaussianBlur(values, (0, 0), _FIELD_SIGMA)
                            for values in (weights * (logs - mean), weights))
        field = mean + sums / (of_weights + _LEAST_WEIGHT)
        # The cells at the centres of the pixels.
        y, x = (((np.arange(count) + 0.5) * side / count - _MARGIN) / self._cell - 0.5
                for count, side in zip((height, width), self._size))
        return np.exp(cv2.remap(field, *np.meshgrid(np.float32(x), np.float32(y)),
                                cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))

    def camera_height(self):
        """The height of the camera above the road, the median over the patches ahead of the car.

        As (log_height, height_spread), see `Refined`.
        """
        count = len(self._factors)
        x, y, _ = self._rays[:, :count]  # of the centres of the patches
        height, width = self._size
        road = (self._focal[1] * y + self._centre[1] > _ROAD_TOP * height) & (
            np.abs(self._focal[0] * x) < _ROAD_HALF_WIDTH * width) & (y > _LEAST_SLOPE)
        weights = self._certainty(_HEIGHT_SPREAD)[road]
        if weights.sum() < 1:
            return 0.0, np.inf
        logs = np.log(y[road] / (self._factors * self._inverse_depth[:count])[road])
        middle = _weighted_median(logs, weights)
        deviation = 1.4826 * _weighted_median(np.abs(logs - middle), weights)
        return middle, deviation / np.sqrt(weights.sum())

    def _certainty(self, spread):
        """Weights of the logarithms of the factors, float64 [P]: 0 unknown, 1 known exactly.

        `spread` is the standard deviation of their prior around 0.
        """
        information = self._information * self._factors ** 2
        return information / (information + spread ** -2.0)

    def _step(self, motions):
        """Updates of motions, translations and rotation vectors [N, 6], and of factors [P]."""
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
        gradient += prior * difference_between(motions, self._start).ravel()
        update = -np.linalg.solve(hessian, gradient)
        of_factors = -(factor_gradient + mixed.T @ update) / factor_hessian
        return update.reshape(count, 6), of_factors

    def _compare(self, source, motion, factors, derivatives=False):
        """Differences between warped source and target, and visibility, at the 5 P pixels: [5 P].

        With `derivatives`, also those of the differences with respect to the motion [6, 5 P] and to
        the factors [5 P].
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
        # The mean of both images' gradients converges in fewer iterations (Malis, ICRA 2004).
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


def difference_between(motions, start):
    """Translations and rotation vectors from `start` to `motions` [N, 4, 4]: float64 [N, 6]."""
    turns = motions[:, :3, :3] @ np.swapaxes(start[:, :3, :3], 1, 2)
    return np.concatenate([motions[:, :3, 3] - start[:, :3, 3],
                           Rotation.from_matrix(turns).as_rotvec()], axis=1)


def lengths(motions):
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


def _weighted_median(values, weights):
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


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
