"""Errors of a whole trajectory: KITTI's t_rel and r_rel, ATE and RPE, after an alignment.

Trajectories are float64 [N, 4, 4] camera-to-world poses of the same frames, metres. Both are taken
relative to their first frame before anything else, as KITTI's own poses are.
"""
import numpy as np

from kitti_data.poses import from_parts, relative, rotation_angle, to_4x4
from vo_common.errors import UserError

ALIGNMENTS = ('none', 'scale', '6dof', '7dof')
KITTI_LENGTHS = tuple(range(100, 801, 100))
# The KITTI devkit begins a segment at every frame whose number ends in 0.
SEGMENT_STEP = 10
_LEAST_STEP = 0.1  # Metres; a slower car stands, and ratios of tiny steps mean nothing.


def evaluate_odometry(gt, pred, align='none', lengths=KITTI_LENGTHS, frames=None):
    """All errors of one trajectory.

    Args:
      gt, pred: [N, 4, 4], N of 2 or more.
      align: 'none', '6dof' (rigid), '7dof' (rigid and a factor), by least squares of the positions,
        or 'scale' (the factor of '7dof' alone, as evo's `-s`).
      lengths: path lengths in metres of the segments of t_rel and r_rel.
      frames: int [N] ascending frame numbers of the poses; None is 0..N-1.

    Returns:
      A dict of plain numbers: `t_rel` (%), `r_rel` (deg/100 m), both None where the trajectory is
      shorter than every length; `ate` (m, root mean square); `rpe_trans` (m) and `rpe_rot` (deg),
      means over steps of one frame, None where no two frames are neighbours; `frames`,
      `segments`, `scale`, `align`, and `by_length` {length: {t_rel, r_rel, segments}}.
    """
    gt, pred = (_relative(poses[0], poses) for poses in _checked(gt, pred))
    frames = np.arange(len(gt)) if frames is None else np.asarray(frames)
    pred, scale = align_trajectory(gt, pred, align)
    position_errors = gt[:, :3, 3] - pred[:, :3, 3]
    return dict(
        **kitti_errors(gt, pred, lengths, frames), **step_errors(gt, pred, frames),
        ate=float(np.sqrt(np.mean(np.sum(position_errors ** 2, axis=-1)))),
        scale=float(scale), frames=len(gt), align=align)


def step_errors(gt, pred, frames):
    """Relative pose errors of one frame: {`rpe_trans`: m, `rpe_rot`: deg}.

    Ignores steps across missing frames; both are None if there are no others.
    """
    begin = np.flatnonzero(np.diff(frames) == 1)
    if not begin.size:
        return dict(rpe_trans=None, rpe_rot=None)
    errors = _relative(_relative(gt[begin], gt[begin + 1]), _relative(pred[begin], pred[begin + 1]))
    return dict(rpe_trans=float(np.mean(np.linalg.norm(errors[:, :3, 3], axis=-1))),
                rpe_rot=float(np.degrees(np.mean(rotation_angle(errors[:, :3, :3])))))


def motion_agreement(gt, pred):
    """Agreement of turns and step lengths from frame to frame, whatever the scale.

    Args:
      gt: float64 [N, 4, 4] camera-to-world, metres.
      pred: float64 [N, 4, 4], the same frames, any scale.

    Returns:
      A dict of plain numbers, each None where undefined: `yaw_correlation` (Pearson's, of the turns
      about the vertical axis), `yaw_slope` (least-squares factor from true to predicted turns; 1
      is right), `step_spread` (standard deviation of predicted over true step length, divided by
      its mean, over steps of at least 0.1 m; 0 is a constant scale).
    """
    gt_steps, pred_steps = (relative(poses[:-1], poses[1:]) for poses in (gt, pred))
    # Direction of the camera's z axis in the plane of x and z.
    gt_yaw, pred_yaw = (np.arctan2(steps[:, 0, 2], steps[:, 2, 2])
                        for steps in (gt_steps, pred_steps))
    gt_length, pred_length = (np.linalg.norm(steps[:, :3, 3], axis=-1)
                              for steps in (gt_steps, pred_steps))
    moving = gt_length >= _LEAST_STEP
    ratio = pred_length[moving] / gt_length[moving]
    both_turn = gt_yaw.std() > 0 and pred_yaw.std() > 0
    centred = gt_yaw - gt_yaw.mean()
    return dict(
        yaw_correlation=float(np.corrcoef(gt_yaw, pred_yaw)[0, 1]) if both_turn else None,
        yaw_slope=(float(centred @ pred_yaw / (centred @ centred)) if gt_yaw.std() > 0 else None),
        step_spread=float(ratio.std() / ratio.mean()) if ratio.size and ratio.mean() > 0 else None)


def kitti_errors(gt, pred, lengths, frames):
    """The KITTI devkit's relative errors.

    A segment begins at every frame whose number is divisible by 10 and ends at the first frame
    whose path length (along the truth) exceeds the beginning's by `length`. With D the
    motion over the segment, its error is E = inv(D_pred) D_gt; t = |E's translation| / length,
    r = angle(E) / length.

    Returns:
      A dict: `t_rel` (%), `r_rel` (deg/100 m), means over all segments, `segments`, `by_length`.
    """
    distances = np.linalg.norm(np.diff(gt[:, :3, 3], axis=0), axis=-1)
    path = np.concatenate([[0.0], np.cumsum(distances)])
    firsts = np.flatnonzero(frames % SEGMENT_STEP == 0)
    by_length, all_t, all_r = {}, [], []
    for length in lengths:
        lasts = np.searchsorted(path, path[firsts] + length, side='right')
        begin, end = firsts[lasts < len(gt)], lasts[lasts < len(gt)]
        if not begin.size:
            continue
        error = _relative(_relative(pred[begin], pred[end]), _relative(gt[begin], gt[end]))
        t = 100 * np.linalg.norm(error[:, :3, 3], axis=-1) / length
        r = 100 * np.degrees(rotation_angle(error[:, :3, :3])) / length
        by_length[int(length)] = dict(t_rel=float(t.mean()), r_rel=float(r.mean()),
                                      segments=len(begin))
        all_t.append(t)
        all_r.append(r)
    if not by_length:
        return dict(t_rel=None, r_rel=None, segments=0, by_length={})
    all_t, all_r = np.concatenate(all_t), np.concatenate(all_r)
    return dict(t_rel=float(all_t.mean()), r_rel=float(all_r.mean()), segments=len(all_t),
                by_length=by_length)


def align_trajectory(gt, pred, align):
    """Aligns `pred` with `gt` (see `evaluate_odometry`): (float64 [N, 4, 4], scale)."""
    if align not in ALIGNMENTS:
        raise UserError('unknown alignment %r, must be one of %s' % (align, ', '.join(ALIGNMENTS)))
    if align == 'none':
        return pred, 1.0
    gt_positions, positions = gt[:, :3, 3], pred[:, :3, 3]
    rotation, translation, scale = umeyama(positions, gt_positions, with_scale=align != '6dof')
    scaled = from_parts(pred[:, :3, :3], scale * positions)
    if align == 'scale':
        return scaled, scale
    return from_parts(rotation, translation) @ scaled, scale


def umeyama(source, target, with_scale):
    """The similarity that minimises sum |target - (s R source + t)|^2.

    Umeyama, Least-squares estimation of transformation parameters between two point patterns,
    PAMI 1991, equations 40 to 42. Unlike evo's function it accepts points on a line: the errors are
    unique all the same.

    Args:
      source, target: float64 [N, 3].
      with_scale: whether to find s; otherwise it is 1.

    Returns:
      (R [3, 3], t [3], s); s is 0 if all source points coincide.
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    source_centred, target_centred = source - source_mean, target - target_mean
    u, singular, v = np.linalg.svd(target_centred.T @ source_centred / len(source))
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(v))])
    rotation = (u * signs) @ v
    scale = 1.0
    if with_scale:
        variance = np.mean(np.sum(source_centred ** 2, axis=-1))
        scale = np.sum(singular * signs) / variance if variance > 0 else 0.0
    return rotation, target_mean - scale * rotation @ source_mean, scale


def _relative(pose_a, pose_b):
    """inv(A) B with a general inverse.

    Rotations in files have seven digits and are not quite orthonormal, which acos((trace - 1) / 2)
    magnifies at small angles; the general inverse cancels what both poses share.
    """
    return np.linalg.inv(pose_a) @ pose_b


def _checked(gt, pred):
    gt, pred = to_4x4(gt), to_4x4(pred)
    if gt.ndim != 3 or gt.shape != pred.shape or len(gt) < 2:
        raise ValueError('must be two trajectories [N, 4, 4] with N >= 2, found %s and %s' % (
            gt.shape, pred.shape))
    return gt, pred
