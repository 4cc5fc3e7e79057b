"""Refines the motions of a snippet on its own images, with depth_net's depth of the target.

Direct alignment, as in visual odometry (Engel et al., TPAMI 2018): Gauss-Newton on the difference
between the target and each source warped to it, over the motions and the inverse depth of single
pixels. Nets stay as they are, and nothing but the images is used. Brightness is normalised
locally, because exposure changes from frame to frame.
"""
import numpy as np
from scipy.spatial.transform import Rotation

from kitti_data.poses import transform_from_vector
from vo_common.opencv import cv2

# Of the blur in pixels, coarse to fine: what moves by up to about twice that is followed.
_BLURS = (3.0, 1.2)
_NORMALISED_OVER = 8.0  # pixels, of the window in which brightness is normalised
_LEAST_CONTRAST = 4.0  # gray levels
_CELL = 3  # pixels; of each cell the one with the steepest gradient is followed
_FREEDOM = 4.0  # of Student's t, the distribution of the differences (Kerl et al., ICRA 2013)
# Spread of what the nets predict, around which the refined values are sought.
_DEPTH_SPREAD = 0.2  # share of the inverse depth of single pixels
_TURN_SPREAD = 0.005  # radians
_STEP_SPREAD = 0.05  # share of the step
_EFFECTIVE_SHARE = 0.05  # of the pixels: differences of neighbours go together


class Refiner:
    """Refines motions between the frames of one camera.

    Args:
      camera: float [3, 3], pixels of the frames.
      steps: of Gauss-Newton for each blur.
    """

    def __init__(self, camera, steps):
        self._camera, self._steps = np.asarray(camera, np.float64), steps

    def __call__(self, window, depth, vectors):
        """The refined motions of a snippet.

        A motion stays as it is where the images do not agree better with the refined one.

        Args:
          window: list of L uint8 [H, W, 3], in time order, the target in the middle.
          depth: float32 [h, w] of the target, of any size, in the unit of the translations.
          vectors: float [N, 6], see `model.predict_pose`.

        Returns:
          float64 [N, 6], in the same order.
        """
        middle = len(window) // 2
        gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32) for frame in window]
        height, width = gray[0].shape
        inverse_depth = cv2.resize(np.float32(1) / depth, (width, height))
        start = transform_from_vector(vectors)
        motions, prior = start.copy(), inverse_depth
        for blur in _BLURS:
            levels = [_normalised(image, blur) for image in gray]
            problem = _Problem(levels[middle], levels[:middle] + levels[middle + 1:],
                               inverse_depth, self._camera, start)
            motions = problem.solve(motions, self._steps)
        better = problem.costs(motions) < problem.costs(start)
        return np.where(better[:, np.newaxis], _vectors(motions), vectors)


class _Problem:
    """The motions of a snippet at one blur.

    Args:
      target: float32 [H, W], normalised.
      sources: N of the same.
      inverse_depth: float32 [H, W] of the target.
      camera: float64 [3, 3].
      start: float64 [N, 4, 4], the predicted motions, target to source.
    """

    def __init__(self, target, sources, inverse_depth, camera, start):
        self._target, self._start = target, start
        self._sources = [np.stack((source,) + _gradients(source), -1) for source in sources]
        rows, columns = _steepest(*_gradients(target))
        self._values = target[rows, columns]
        self._gradients = np.stack([part[rows, columns] for part in _gradients(target)])
        self._focal, self._centre = np.diag(camera)[:2], camera[:2, 2]
        self._rays = np.stack([(columns - camera[0, 2]) / camera[0, 0],
                               (rows - camera[1, 2]) / camera[1, 1], np.ones(len(rows))])
        self._prior = inverse_depth[rows, columns].astype(np.float64)
        self.inverse_depth = self._prior.copy()

    def costs(self, motions):
        """float64 [N]: the mean robust cost of each source at the predicted depth."""
        return self._robust_costs([
            self._compare(source, motion, self._prior)
            for source, motion in zip(self._sources, motions)])

    def solve(self, motions, steps):
        """Motions after `steps` steps of Gauss-Newton."""
        motions = motions.copy()
        for _ in range(steps):
            update, of_depth = self._step(motions)
            motions[:, :3, 3] += update[:, :3]
            motions[:, :3, :3] = Rotation.from_rotvec(update[:, 3:]).as_matrix() @ (
                motions[:, :3, :3])
            self.inverse_depth = np.clip(self.inverse_depth + of_depth,
                                         0.3 * self._prior, 3.0 * self._prior)
        return motions

    def _step(self, motions):
        """(float64 [N, 6] translations and turns to add, float64 [P] inverse depths to add)."""
        count = len(self._sources)
        known = (_DEPTH_SPREAD * self._prior) ** -2.0
        depth_hessian, depth_gradient = known, known * (self.inverse_depth - self._prior)
        hessian, gradient = np.zeros([6 * count] * 2), np.zeros(6 * count)
        mixed = np.zeros([6 * count, len(self._prior)])
        for place, (source, motion) in enumerate(zip(self._sources, motions)):
            difference, seen, by_motion, by_depth = self._compare(
                source, motion, self.inverse_depth, True)
            weights = _weights(difference, seen)
            rows = slice(6 * place, 6 * place + 6)
            weighted = by_motion * weights
            hessian[rows, rows] = weighted @ by_motion.T
            gradient[rows] = weighted @ difference
            mixed[rows] = weighted * by_depth
            depth_hessian = depth_hessian + weights * by_depth ** 2
            depth_gradient = depth_gradient + weights * by_depth * difference
        # The Schur complement: depths of single pixels are solved for last.
        hessian -= (mixed / depth_hessian) @ mixed.T
        gradient -= mixed @ (depth_gradient / depth_hessian)
        hessian *= _EFFECTIVE_SHARE
        gradient *= _EFFECTIVE_SHARE
        for place, (motion, start) in enumerate(zip(motions, self._start)):
            spread = np.repeat([_STEP_SPREAD * max(np.linalg.norm(start[:3, 3]), 1e-3),
                                _TURN_SPREAD], 3)
            turned = Rotation.from_matrix(motion[:3, :3] @ start[:3, :3].T).as_rotvec()
            away = np.concatenate([motion[:3, 3] - start[:3, 3], turned])
            rows = slice(6 * place, 6 * place + 6)
            hessian[rows, rows] += np.diag(spread ** -2.0)
            gradient[rows] += away * spread ** -2.0
        update = -np.linalg.solve(hessian, gradient)
        of_depth = -(depth_gradient + mixed.T @ update) / depth_hessian
        return update.reshape(count, 6), of_depth

    def _compare(self, source, motion, inverse_depth, derivatives=False):
        """Differences [P] of the warped source, which pixels are seen, and derivatives."""
        turned = motion[:3, :3] @ self._rays
        points = turned + motion[:3, 3:] * inverse_depth  # times depth
        ahead = np.maximum(points[2], 1e-3)
        x, y = (self._focal[:, np.newaxis] * points[:2] / ahead + self._centre[:, np.newaxis])
        height, width = self._target.shape
        seen = (points[2] > 1e-3) & (x > 1) & (y > 1) & (x < width - 2) & (y < height - 2)
        x, y = (np.where(seen, part, 0) for part in (x, y))
        sampled = _sampled(source, x, y)
        difference = np.where(seen, sampled[0] - self._values, 0)
        if not derivatives:
            return difference, seen
        # The mean of both gradients converges in fewer steps (Malis, ICRA 2004).
        along = 0.5 * (sampled[1:] + self._gradients)
        along *= self._focal[:, np.newaxis] / ahead
        forward = -(along[0] * points[0] + along[1] * points[1]) / ahead
        by_point = np.stack([along[0], along[1], forward])
        by_motion = np.concatenate([by_point * inverse_depth,
                                    np.cross(turned, by_point, axis=0)])
        return difference, seen, by_motion, motion[:3, 3] @ by_point

    def _robust_costs(self, compared):
        return np.array([np.log1p((difference[seen] / _TYPICAL) ** 2 / _FREEDOM).mean()
                         if seen.any() else np.inf for difference, seen in compared])


_TYPICAL = 0.2


def _weights(difference, seen):
    """Weights [P] of Student's t over the variance of the differences; 0 where not seen."""
    spread = max(1.4826 * np.median(np.abs(difference[seen])), 1e-3) if seen.any() else 1.0
    return seen * (_FREEDOM + 1) / (_FREEDOM + (difference / spread) ** 2) / spread ** 2


def _sampled(image, x, y):
    """float64 [C, P]: the image [H, W, C] at points inside, linearly interpolated; the points of
    OpenCV's remap are rounded to 1/32 pixel."""
    column, row = x.astype(int), y.astype(int)
    right, down = x - column, y - row
    width, channels = image.shape[1:]
    flat, place = image.reshape(-1, channels), row * width + column
    return ((flat[place].T * (1 - right) + flat[place + 1].T * right) * (1 - down)
            + (flat[place + width].T * (1 - right) + flat[place + width + 1].T * right) * down)


def _normalised(image, blur):
    """float32 [H, W]: the blurred image less its local mean, over its local contrast."""
    image = cv2.GaussianBlur(image, (0, 0), blur)
    size = (0, 0)
    mean = cv2.GaussianBlur(image, size, _NORMALISED_OVER)
    square = cv2.GaussianBlur((image - mean) ** 2, size, _NORMALISED_OVER)
    return (image - mean) / (np.sqrt(square) + _LEAST_CONTRAST)


def _gradients(image):
    """Central differences in x and y, each float32 [H, W]."""
    kernel = np.array([-0.5, 0, 0.5], np.float32)
    one = np.ones(1, np.float32)
    return (cv2.sepFilter2D(image, cv2.CV_32F, kernel, one),
            cv2.sepFilter2D(image, cv2.CV_32F, one, kernel))


def _steepest(gradient_x, gradient_y):
    """Row and column [P] of the pixel with the steepest gradient in each cell."""
    steepness = (gradient_x ** 2 + gradient_y ** 2)[2:-2, 2:-2]
    rows, columns = (size // _CELL for size in steepness.shape)
    cells = steepness[:rows * _CELL, :columns * _CELL].reshape(rows, _CELL, columns, _CELL)
    place = cells.transpose(0, 2, 1, 3).reshape(rows, columns, -1).argmax(-1)
    row = 2 + np.arange(rows)[:, np.newaxis] * _CELL + place // _CELL
    column = 2 + np.arange(columns) * _CELL + place % _CELL
    return row.ravel(), column.ravel()


def _vectors(motions):
    """float64 [N, 6] of pose_net, of transforms [N, 4, 4]."""
    angles = Rotation.from_matrix(motions[:, :3, :3]).as_euler('XYZ')
    return np.concatenate([motions[:, :3, 3], angles], axis=1)
