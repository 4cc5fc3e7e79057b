"""One trajectory out of many overlapping snippets."""
import collections

import numpy as np

from common.errors import UserError
from kitti_data import poses as pose_math
from kitti_eval.snippet_errors import best_scale

SCALES = ('per_snippet', 'global', 'none')
OVERLAPS = ('first', 'mean')


def chain_snippets(pred, gt=None, scale='none', overlap='first'):
    """Chains the motions between neighbouring frames into one trajectory.

    Args:
      pred: {number of the first frame: float64 [L, 4, 4] poses relative to it}.
      gt: {frame number: float64 [4, 4] camera-to-world}, read where there is a scale to find.
      scale: 'per_snippet' scales each snippet to the truth, 'global' all by one factor.
      overlap: what the motion from frame k to k + 1 is, which several snippets cover: 'first', that
        of the snippet that begins at k, else of the last one before; 'mean', the mean of all.

    Returns:
      (int64 [N] frame numbers, float64 [N, 4, 4] poses, the first one the identity).

    Raises:
      UserError: a motion is covered by no snippet, or a frame that is scaled has no truth.
    """
    for name, value, legal in (('scale', scale, SCALES), ('overlap', overlap, OVERLAPS)):
        if value not in legal:
            raise UserError('unknown %s %r, wanted one of %s' % (name, value, ', '.join(legal)))
    if scale != 'none':
        pred = _scaled(pred, gt, scale == 'global')
    motions = collections.defaultdict(list)
    for first in sorted(pred):
        for frame, step in enumerate(pose_math.relative(pred[first][:-1], pred[first][1:]), first):
            motions[frame].append(step)
    start, end = min(motions), max(motions) + 1
    missing = [frame for frame in range(start, end) if frame not in motions]
    if missing:
        raise UserError('no snippet covers the motion from frame %d to %d (%d such gaps): the '
                        'trajectory cannot be chained' % (missing[0], missing[0] + 1, len(missing)))
    poses = [np.eye(4)]
    for frame in range(start, end):
        found = motions[frame]
        step = found[-1] if overlap == 'first' else pose_math.mean_transform(np.array(found))
        poses.append(poses[-1] @ step)
    return np.arange(start, end + 1), np.array(poses)


def _scaled(pred, gt, one_factor):
    truth = {}
    for first, poses in pred.items():
        frames = range(first, first + len(poses))
        absent = [frame for frame in frames if frame not in gt]
        if absent:
            raise UserError('the ground truth has no pose of frame %d, which the snippet of frame '
                            '%d needs for its scale' % (absent[0], first))
        run = np.array([gt[frame] for frame in frames])
        truth[first] = pose_math.relative(run[:1], run)
    if one_factor:
        factor = best_scale(*(np.concatenate([_positions(side[first]) for first in pred])
                              for side in (truth, pred)))
        factors = dict.fromkeys(pred, factor)
    else:
        factors = {first: best_scale(_positions(truth[first]), _positions(pred[first]))
                   for first in pred}
    return {first: pose_math.from_parts(poses[:, :3, :3], factors[first] * poses[:, :3, 3])
            for first, poses in pred.items()}


def _positions(poses):
    return poses[:, :3, 3]
