"""APE and RPE from the `evo` package, for comparison."""
import numpy as np

from vo_common.errors import UserError

METRICS = ('ape', 'rpe_trans', 'rpe_rot')


def evo_errors(gt, pred, align='none', metrics=METRICS, plot_prefix=''):
    """evo's statistics of two trajectories of the same frames, as printed by `evo_ape`, `evo_rpe`.

    Args:
      gt, pred: float64 [N, 4, 4] camera-to-world poses, metres.
      align: 'none', 'scale', '6dof' or '7dof'; evo's flags -s, -a, and both.
      metrics: any of `METRICS`, the last two between consecutive frames.
      plot_prefix: draws the APE along the path as `<prefix>_map.png`; empty: no plot.

    Returns {metric: evo's statistics rmse, mean, median, std, min, max, sse}, metres or degrees.
    Raises a UserError if evo is not installed, or cannot align the trajectories (points on a line).
    """
    try:
        # Slow to import. Only evo.core: importing evo.tools writes settings into the home folder.
        from evo import EvoException
        from evo.core import metrics as evo, trajectory
    except ImportError as error:
        raise UserError('evo is not installed; install it with: pip install evo') from error
    relation = evo.PoseRelation
    found = {'ape': evo.APE(relation.translation_part),
             'rpe_trans': evo.RPE(relation.translation_part, 1, evo.Unit.frames),
             'rpe_rot': evo.RPE(relation.rotation_angle_deg, 1, evo.Unit.frames)}
    truth, path = (trajectory.PosePath3D(poses_se3=list(poses)) for poses in (gt, pred))
    try:
        if align != 'none':
            path.align(truth, align != '6dof', align == 'scale')
        for name in metrics:
            found[name].process_data((truth, path))
    except EvoException as error:
        raise UserError('evo cannot score this with alignment %s: %s' % (align, error)) from error
    if plot_prefix and 'ape' in metrics:
        from kitti_eval import plots  # matplotlib is slow to import.
        plots.plot_trajectories(
            plot_prefix + '_map.png',
            [('ground truth', gt), ('prediction', np.array(path.poses_se3))],
            'APE by evo, alignment %s' % align, found['ape'].error)
    return {name: {key: float(value) for key, value in found[name].get_all_statistics().items()}
            for name in metrics}
