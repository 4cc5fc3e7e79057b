"""The absolute trajectory error (ATE) of pose snippets."""
import numpy as np

from kitti_eval.constant_motion import KITTI_STEP, constant_motion
from kitti_eval.truth import match_times
from vo_common.console import warn
from vo_common.errors import UserError


def on_clock_of(gt, pred, what):
    """`pred`, with the times of `gt` for the same frame numbers and a warning if most differ.

    Artificial times (frame number / 10) drift from those of a camera, but the file name of a
    snippet identifies its frames unless it skips some.

    Args:
      gt, pred: {number of the first frame: (times [L], poses [L, 4, 4])}.
      what: name of `pred` in the warning, and in the UserError that is raised if the two sides
        advance at different rates.
    """
    common = sorted(set(gt) & set(pred))
    agreeing = sum(len(match_times(gt[first][0], pred[first][0])) == len(pred[first][0])
                   for first in common)
    if 2 * agreeing >= len(common):
        return pred
    steps = [float(np.median(np.concatenate([np.diff(side[first][0]) for first in common])))
             for side in (gt, pred)]
    counted = all(np.array_equal(pred[first][0], first + np.arange(len(pred[first][0])))
                  for first in common)
    if not counted and not 2 / 3 < steps[1] / max(steps[0], 1e-9) < 1.5:
        raise UserError('%s: its frames are %.4g s apart, those of the truth %.4g s: must be the '
                        'same frames (predict every frame)' % (what, steps[1], steps[0]))
    warn('the times of %s are not those of the truth: its snippets are matched by the frame '
         'numbers of their file names' % what)
    return {first: (gt[first][0][:len(poses)] if first in gt else times, poses)
            for first, (times, poses) in pred.items()}


def best_scale(gt, pred):
    """The factor s that minimises the sum of (s pred - gt)^2; 0 if `pred` is all zeros."""
    square = np.sum(pred ** 2)
    return float(np.sum(gt * pred) / square) if square > 0 else 0.0


def snippet_ate(gt, pred):
    """Root of the sum of squared errors of n positions [n, 3], metres, divided by n.

    The prediction is shifted so that the first positions agree and scaled by `best_scale`.
    """
    pred = pred + (gt[0] - pred[0])
    return float(np.sqrt(np.sum((best_scale(gt, pred) * pred - gt) ** 2)) / len(gt))


def evaluate_snippets(gt, pred, step=KITTI_STEP):
    """Evaluates predicted snippets, and the constant motion `step` on the same frames.

    Args:
      gt, pred: {number of the first frame: (times [L], poses [L, 4, 4])}.
      step: float [3], motion of the baseline per frame.

    Returns:
      A dict of plain numbers: `seq_length` (frames of the longest predicted snippet), `snippets`
      (number evaluated), `ate_mean` and `ate_std` (population), `baseline_ate_mean`,
      `baseline_ate_std` (metres), `missing` (truth without prediction), `without_truth`,
      `unmatched` (fewer than two times match), `partly_matched` (one side has more times), and
      `ate` {file name: metres}. The means are None if no snippet matches.
    """
    scores, baseline_scores, unmatched, partly_matched = {}, [], 0, 0
    for first in sorted(set(gt) & set(pred)):
        (gt_times, gt_poses), (pred_times, pred_poses) = gt[first], pred[first]
        matches = match_times(gt_times, pred_times)
        if len(matches) < 2:
            unmatched += 1
            continue
        partly_matched += len(matches) < max(len(gt_times), len(pred_times))
        rows = gt_poses[matches[:, 0], :3, 3]
        scores['%06d.txt' % first] = snippet_ate(rows, pred_poses[matches[:, 1], :3, 3])
        straight = constant_motion(len(gt_times), step)[matches[:, 0], :3, 3]
        baseline_scores.append(snippet_ate(rows, straight))
    return dict(
        seq_length=max(len(times) for times, _ in pred.values()), snippets=len(scores),
        missing=len(set(gt) - set(pred)), without_truth=len(set(pred) - set(gt)),
        unmatched=unmatched, partly_matched=partly_matched,
        **_mean_and_std('ate', list(scores.values())),
        **_mean_and_std('baseline_ate', baseline_scores), ate=scores)


def _mean_and_std(name, values):
    mean, std = (float(np.mean(values)), float(np.std(values))) if values else (None, None)
    return {name + '_mean': mean, name + '_std': std}
