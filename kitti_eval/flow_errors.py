"""Optical flow errors as defined by KITTI 2015."""
import numpy as np

from kitti_data.flow_files import resize_flow
from kitti_eval.maps import mean_errors


def flow_errors(gt, valid, pred):
    """End-point error and outliers of one flow, <float>[H, W, 2] in pixels.

    Args:
      valid: <bool or number>[H, W], above 0 where the truth is known; not 0 everywhere.

    Returns:
      {'epe': mean |pred - gt| in pixels, 'fl': fraction (0..1) of pixels with an error above 3 px
      and above 5 % of the true length}.
    """
    known = np.asarray(valid) > 0
    gt = np.asarray(gt, np.float64)[known]
    error = np.linalg.norm(np.asarray(pred, np.float64)[known] - gt, axis=-1)
    wrong = (error > 3) & (error > 0.05 * np.linalg.norm(gt, axis=-1))
    return {'epe': float(error.mean()), 'fl': float(wrong.mean())}


def evaluate_map(gt, valid, pred, bilinear=False):
    """{'prediction': `flow_errors`, 'zero_flow': `flow_errors`}, or None if no truth is known.

    The prediction [h, w, 2], in its own pixels, is resized and rescaled to the size of the truth,
    by nearest neighbour, as published, or bilinearly.
    """
    if not np.any(valid):
        return None
    height, width = np.shape(valid)
    if np.shape(pred)[:2] != (height, width):
        pred = resize_flow(pred, height, width, bilinear)
    return {'prediction': flow_errors(gt, valid, pred),
            'zero_flow': flow_errors(gt, valid, np.zeros_like(gt))}


def other_readings(flow, height, width):
    """Corrections of common mistakes in a flow <float>[h, w, 2]; the size is that of the truth.

    Returns {description of what the flow holds by mistake: <float>[h, w, 2] in its own pixels}.
    """
    size = np.array(flow.shape[1::-1])
    readings = {'v before u': flow[..., ::-1], 'the flow from the second image to the first': -flow,
                'fractions of width and height': flow * size}
    if flow.shape[:2] != (height, width):
        readings['pixels of the truth, in another size'] = flow * size / (width, height)
    return readings


def summarise(scores):
    """`mean_errors` of results of `evaluate_map`."""
    return mean_errors(scores, ('prediction', 'zero_flow'), 'true flow')
