"""Errors of a whole trajectory: KITTI's t_rel and r_rel, ATE and RPE, after an alignment.

Trajectories are float64 [N, 4, 4] camera-to-world poses of the same frames, metres. Both are first
made relative to their first frame, as in KITTI.
"""
import warnings

import numpy as np
from scipy.spatial.transform import Rotation

from kitti_data.poses import from_parts, relative, rotation_angle, to_4x4
from kitti_eval.snippet_errors import best_scale

ALIGNMENTS = ('none', 'scale', '6dof', '7dof')
KITTI_LENGTHS = tuple(range(100, 801, 100))
SEGMENT_STEP = 10  # frames between the starts of segments, as in the KITTI devkit
_LEAST_STEP = 0.1  # metres; ratios of shorter motions are meaningless


def evaluate_odometry(gt, pred, align='none', lengths=KITTI_LENGTHS, frames=None):
    """All errors of one trajectory of N >= 2 frames.

    Args:
      align: 'none', '6dof' (rigid), '7dof' (rigid with scale), by least squares of the positions,
        or 'scale' (only the scale of '7dof', as evo's `-s`).
      lengths: path lengths in metres of the segments of t_rel and r_rel.
      frames: int [N] ascending frame numbers of the poses; None is 0..N-1.

    Returns:
      A dict of plain numbers: `t_rel` (%), `r_rel` (deg/100 m), both None if the trajectory is
      shorter than every length; `ate` (m, root mean square); `rpe_trans` (m) and `rpe_rot` (deg),
      means over consecutive frames, None if there are none; `frames`, `segments`, `scale`,
      `align`, and `by_length` {length: {t_rel, r_rel, segments}}.
    """
    gt, pred = to_4x4(gt), to_4x4(pred)
    if gt.ndim != 3 or gt.shape != pred.shape or len(gt) < 2:
        raise ValueError('must be two trajectories [N, 4, 4] with N >= 2, found %s and %s' % (
            gt.shape, pred.shape))
    gt, pred = (_relative(poses[0], poses) for poses in (gt, pred))
    frames = np.arange(len(gt)) if frames is None else np.asarray(frames)
    pred, scale = align_trajectory(gt, pred, align)
    position_errors = gt[:, :3, 3] - pred[:, :3, 3]
    return dict(
        **kitti_errors(gt, pred, lengths, frames), **step_errors(gt, pred, frames),
        ate=float(np.sqrt(np.mean(np.sum(position_errors ** 2, axis=-1)))),
        scale=float(scale), frames=len(gt), align=align)


def step_errors(gt, pred, frames):
    """Relative pose errors between consecutive frames: {`rpe_trans`: m, `rpe_rot`: deg}.

    Ignores motions across missing frames; both are None if there are no other motions.
    """
    begin = np.flatnonzero(np.diff(frames) == 1)
    if not begin.size:
        return dict(rpe_trans=None, rpe_rot=None)
    errors = _relative(_relative(gt[begin], gt[begin + 1]), _relative(pred[begin], pred[begin + 1]))
    return dict(rpe_trans=float(np.mean(np.linalg.norm(errors[:, :3, 3], axis=-1))),
                rpe_rot=float(np.degrees(np.mean(rotation_angle(errors[:, :3, :3])))))


def motion_agreement(gt, pred):
    """Agreement of turns and lengths of motions from frame to frame, with `pred` in any scale.

    Returns:
      A dict of plain numbers, each None if undefined: `yaw_correlation` (Pearson's, of the turns
      about the vertical axis), `yaw_slope` (least-squares factor from true to predicted turns; 1
      is ideal), `step_spread` (standard deviation of the ratio of predicted to true length, divided
      by its mean, over motions of at least 0.1 m; 0 for a constant scale), `heading_right` and
      `heading_down` (degrees; root mean square of the angle between predicted and true direction of
      travel, to the right and down, over the same motions).
    """
    gt_steps, pred_steps = (relative(poses[:-1], poses[1:]) for poses in (gt, pred))
    # Direction of the camera's z axis in the plane of x and z.
    gt_yaw, pred_yaw = (np.arctan2(steps[:, 0, 2], steps[:, 2, 2])
                        for steps in (gt_steps, pred_steps))
    gt_offset, pred_offset = gt_steps[:, :3, 3], pred_steps[:, :3, 3]
    moving = np.linalg.norm(gt_offset, axis=-1) >= _LEAST_STEP
    gt_offset, pred_offset = gt_offset[moving], pred_offset[moving]
    ratio = np.linalg.norm(pred_offset, axis=-1) / np.linalg.norm(gt_offset, axis=-1)
    right, down = (_root_mean_square_angle(gt_offset[:, [axis, 2]], pred_offset[:, [axis, 2]])
                   for axis in (0, 1))
    both_turn = gt_yaw.std() > 0 and pred_yaw.std() > 0
    centred = gt_yaw - gt_yaw.mean()
    return dict(
        yaw_correlation=float(np.corrcoef(gt_yaw, pred_yaw)[0, 1]) if both_turn else None,
        yaw_slope=(float(centred @ pred_yaw / (centred @ centred)) if gt_yaw.std() > 0 else None),
        step_spread=float(ratio.std() / ratio.mean()) if ratio.size and ratio.mean() > 0 else None,
        heading_right=right, heading_down=down)


def _root_mean_square_angle(gt, pred):
    """Degrees between the directions of vectors [N, 2]; None for N = 0."""
    turned = (pred[:, 0] + 1j * pred[:, 1]) * (gt[:, 0] - 1j * gt[:, 1])
    return float(np.degrees(np.sqrt(np.mean(np.angle(turned) ** 2)))) if len(gt) else None


def kitti_errors(gt, pred, lengths, frames):
    """The KITTI devkit's relative errors: a dict of t_rel, r_rel, segments and by_length.

    A segment starts at every frame whose number is divisible by 10, and ends at the first frame
    more than `length` farther along the true path. With D the motion over the segment, its error is
    E = inv(D_pred) D_gt; t = |translation of E| / length in %, r = angle(E) / length in deg/100 m.
    """
    distances = np.linalg.norm(np.diff(gt[:, :3, 3], axis=0), axis=-1)
    path = np.concatenate([[0.0], np.cumsum(distances)])
    firsts = np.flatnonzero(frames % SEGMENT_STEP == 0)
    errors = {}  # {length: [t, r] of its segments, float64 [2, n]}
    for length in lengths:
        lasts = np.searchsorted(path, path[firsts] + length, side='right')
        begin, end = firsts[lasts < len(gt)], lasts[lasts < len(gt)]
        if begin.size:
            error = _relative(_relative(pred[begin], pred[end]), _relative(gt[begin], gt[end]))
            errors[int(length)] = np.stack([
                100 * np.linalg.norm(error[:, :3, 3], axis=-1) / length,
                100 * np.degrees(rotation_angle(error[:, :3, :3])) / length])
    if not errors:
        return dict(t_rel=None, r_rel=None, segments=0, by_length={})
    return dict(_means(np.concatenate(list(errors.values()), axis=1)),
                by_length={length: _means(of_length) for length, of_length in errors.items()})


def _means(errors):
    t_rel, r_rel = errors.mean(axis=1)
    return dict(t_rel=float(t_rel), r_rel=float(r_rel), segments=errors.shape[1])


def align_trajectory(gt, pred, align):
    """Aligns `pred` with `gt` (see `evaluate_odometry`): (float64 [N, 4, 4], scale).

    The similarity is that of Umeyama, Least-squares estimation of transformation parameters between
    two point patterns, PAMI 1991; the scale is 0 if all predicted positions coincide.
    """
    if align == 'none':
        return pred, 1.0
    means = [poses[:, :3, 3].mean(axis=0) for poses in (gt, pred)]
    target, source = (poses[:, :3, 3] - mean for poses, mean in zip((gt, pred), means))
    with warnings.catch_warnings():
        # Points on a line do not determine the rotation about it, but the errors do not depend on
        # it.
        warnings.simplefilter('ignore')
        rotation = Rotation.align_vectors(target, source)[0].as_matrix()
    scale = 1.0 if align == '6dof' else best_scale(target, source @ rotation.T)
    scaled = from_parts(pred[:, :3, :3], scale * pred[:, :3, 3])
    if align == 'scale':
        return scaled, scale
    return from_parts(rotation, means[0] - scale * rotation @ means[1]) @ scaled, scale


def _relative(pose_a, pose_b):
    """inv(A) B with a general inverse.

    Rotations in files have seven digits and are not exactly orthonormal, an error that
    acos((trace - 1) / 2) magnifies at small angles. The general inverse cancels the deviation that
    both poses share.
    """
    return np.linalg.inv(pose_a) @ pose_b
