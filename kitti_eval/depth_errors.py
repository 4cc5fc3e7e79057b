"""The usual depth errors of a prediction and of constant depths.

Depth maps are <float>[H, W] metres; 0 in the truth means unknown.
"""
import numpy as np

from kitti_eval.maps import mean_errors
from vo_common.opencv import cv2

MIN_DEPTH, MAX_DEPTH = 1e-3, 80.0
ERRORS = ('abs_rel', 'sq_rel', 'rmse', 'rmse_log', 'a1', 'a2', 'a3')
# Crop of Garg et al. (ECCV 2016) for the Eigen split: (top, bottom) as fractions of the height,
# (left, right) as fractions of the width.
GARG_CROP = (0.40810811, 0.99189189, 0.03594771, 0.96405229)


def depth_errors(gt, pred):
    """The seven errors over pixels of known depth, <float>[n] metres: {name: float} of `ERRORS`.

    abs_rel = mean |gt - pred| / gt, sq_rel = mean (gt - pred)^2 / gt, rmse and rmse_log (natural
    logarithm) root mean squares, a1, a2, a3 the fractions with max(gt / pred, pred / gt) below
    1.25, 1.25^2, 1.25^3.
    """
    gt, pred = np.asarray(gt, np.float64), np.asarray(pred, np.float64)
    ratio = np.maximum(gt / pred, pred / gt)
    error = gt - pred
    values = [np.mean(np.abs(error) / gt), np.mean(error ** 2 / gt), np.sqrt(np.mean(error ** 2)),
              np.sqrt(np.mean((np.log(gt) - np.log(pred)) ** 2)),
              *(np.mean(ratio < 1.25 ** power) for power in (1, 2, 3))]
    return {name: float(value) for name, value in zip(ERRORS, values)}


def best_constant(gt):
    """The constant with the lowest abs_rel: the median of `gt` [n] with weights 1 / gt."""
    gt = np.sort(np.asarray(gt, np.float64))
    weight = np.cumsum(1 / gt)
    return float(gt[np.searchsorted(weight, weight[-1] / 2)])


def inverse(depth):
    """1 / depth of [H, W] > 0, clamped to at least a thousandth of the median."""
    depth = np.asarray(depth)
    return 1 / np.maximum(depth, max(np.median(depth) * 1e-3, np.finfo(np.float32).tiny))


def valid_pixels(gt, crop=None, limits=(MIN_DEPTH, MAX_DEPTH)):
    """<bool>[H, W]: where the truth is between the limits and, with `GARG_CROP`, in the crop."""
    valid = (gt > limits[0]) & (gt < limits[1])
    if crop is not None:
        height, width = gt.shape
        top, bottom, left, right = (np.array(crop) * (height, height, width, width)).astype(int)
        valid[:top] = valid[bottom:] = valid[:, :left] = valid[:, right:] = False
    return valid


def outlier_share(gt_disparity, pred_disparity):
    """KITTI's d1: percentage of disparities [n], in pixels, wrong by at least 3 px and 5 %."""
    error = np.abs(gt_disparity - pred_disparity)
    return float(100 * np.mean((error >= 3) & (error / gt_disparity >= 0.05)))


def evaluate_map(gt, pred, valid, scale=True, limits=(MIN_DEPTH, MAX_DEPTH), focal_baseline=None):
    """Evaluates a depth map and, on the same pixels, two constants that are fitted to the truth.

    Args:
      gt: [H, W].
      pred: [h, w], resized bilinearly to the size of the truth.
      valid: <bool>[H, W], the pixels to evaluate; at least one.
      scale: whether to multiply the prediction by median(gt) / median(pred).
      limits: (minimum, maximum) depth in metres, to which the prediction is clamped.
      focal_baseline: focal length in pixels times baseline in metres; adds `d1_all` (%) of
        disparity = focal_baseline / depth, and for the prediction `d1_inverse_depth`, the d1_all
        that the published GeoNet prints, of the unscaled 1 / depth.

    Returns:
      (dict of `prediction`, `median_depth` and `best_constant`, each {error: value}, and the factor
      `scale`; <float32>[H, W], the scaled and clamped prediction). The constants are the median of
      the truth and `best_constant`.

    Raises:
      ValueError: the prediction is not finite, or its median is not above 0 or too small to scale.
    """
    height, width = gt.shape
    resized = cv2.resize(np.asarray(pred, np.float32), (width, height),
                         interpolation=cv2.INTER_LINEAR)
    truth, raw = gt[valid], resized[valid]
    median = float(np.median(raw))
    if not np.isfinite(resized).all() or median <= 0:
        raise ValueError('its depths are not all finite, or their median is not above 0')
    factor = float(np.median(truth)) / median if scale else 1.0
    if factor > float(np.finfo(np.float32).max):
        raise ValueError('its median, %g, is too small to be scaled' % median)
    with np.errstate(over='ignore'):
        resized = np.clip(resized * np.float32(factor), *limits)
    guesses = {'prediction': resized[valid],
               'median_depth': np.full(truth.shape, np.clip(np.median(truth), *limits)),
               'best_constant': np.full(truth.shape, np.clip(best_constant(truth), *limits))}
    result = {name: depth_errors(truth, guess) for name, guess in guesses.items()}
    if focal_baseline is not None:
        for name, guess in guesses.items():
            result[name]['d1_all'] = outlier_share(focal_baseline / truth, focal_baseline / guess)
        with np.errstate(divide='ignore'):
            result['prediction']['d1_inverse_depth'] = outlier_share(focal_baseline / truth,
                                                                     1 / raw)
    return dict(result, scale=factor), resized


def summarise(scores):
    """`mean_errors` of dicts of `evaluate_map` (None for an image without truth), and more.

    Adds `without_truth`, the number of such images, and the `scale_mean` and `scale_std`
    (population, relative to the mean) of the factors.
    """
    result = mean_errors(scores, ('prediction', 'median_depth', 'best_constant'), 'ground truth')
    factors = np.array([score['scale'] for score in scores if score])
    return dict(result, without_truth=len(scores) - len(factors),
                scale_mean=float(factors.mean()), scale_std=float(factors.std() / factors.mean()))
