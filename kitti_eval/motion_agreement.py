"""How well a predicted motion follows the true one where its scale is unknown: turns and steps."""
import numpy as np

from kitti_data import poses as pose_math

# A slower car stands: the ratio of two tiny steps says nothing.
_LEAST_STEP = 0.1


def motion_agreement(gt, pred):
    """Compares each motion from one frame to the next.

    Args:
      gt: float64 [N, 4, 4] camera-to-world, metres.
      pred: float64 [N, 4, 4], the same frames, any scale.

    Returns:
      A dict of plain numbers, each None where it cannot be said: `yaw_correlation` (Pearson's, of
      the turns about the vertical axis), `yaw_slope` (by which the true turn must be multiplied to
      give the predicted one, least squares; 1 is right), `step_spread` (standard deviation of
      predicted over true step length, divided by its mean, over steps of at least 0.1 m; 0 is a
      scale that never changes).
    """
    gt_steps, pred_steps = (pose_math.relative(poses[:-1], poses[1:]) for poses in (gt, pred))
    # Where the camera's axis z points in the plane of x and z.
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
