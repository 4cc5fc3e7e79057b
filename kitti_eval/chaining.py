"""One trajectory out of many overlapping snippets."""
import collections

import numpy as np

from kitti_data.poses import from_parts, mean_transform, relative
from kitti_eval.snippet_errors import best_scale
from vo_common.errors import UserError

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
      UserError: there is no motion, one is covered by no snippet, or a frame that is scaled has
        no truth.
    """
    for name, value, legal in (('scale', scale, SCALES), ('overlap', overlap, OVERLAPS)):
        if value not in legal:
            raise UserError('%s=%s: must be one of %s' % (name, value, ', '.join(legal)))
    if scale != 'none':
        pred = _scaled(pred, gt, scale == 'global')
    motions = collections.defaultdict(list)
    for first in sorted(pred):
        for frame, step in enumerate(relative(pred[first][:-1], pred[first][1:]), first):
            motions[frame].append(step)
    covered = sorted(motions)
    if not covered:
        raise UserError('snippets of one frame hold no motion: must have two frames at least')
    for frame, next_frame in zip(covered, covered[1:]):
        if next_frame != frame + 1:
            raise UserError(
                'no snippet covers the motion from frame %d to %d (%d such gaps): the trajectory '
                'cannot be chained' % (frame + 1, frame + 2,
                                       covered[-1] - covered[0] + 1 - len(covered)))
    poses = [np.eye(4)]
    for frame in covered:
        found = motions[frame]
        step = found[-1] if overlap == 'first' else mean_transform(np.array(found))
        poses.append(poses[-1] @ step)
    return np.arange(covered[0], covered[-1] + 2), np.array(poses)


def _scaled(pred, gt, one_factor):
    truth = {}
    for first, poses in pred.items():
        frames = range(first, first + len(poses))
        absent = [frame for frame in frames if frame not in gt]
        if absent:
            raise UserError('the ground truth has no pose of frame %d, which the snippet of frame '
                            '%d needs for its scale' % (absent[0], first))
        run = np.array([gt[frame] for frame in frames])
        truth[first] = relative(run[:1], run)
    if one_factor:
        factor = best_scale(*(np.concatenate([_positions(side[first]) for first in pred])
                              for side in (truth, pred)))
        factors = dict.fromkeys(pred, factor)
    else:
        factors = {first: best_scale(_positions(truth[first]), _positions(pred[first]))
                   for first in pred}
    return {first: from_parts(poses[:, :3, :3], factors[first] * poses[:, :3, 3])
            for first, poses in pred.items()}


def _positions(poses):
    return poses[:, :3, 3]
