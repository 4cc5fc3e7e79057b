"""APE and RPE through the command-line tools of the `evo` package."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

from common.errors import UserError
from common.files import reading
from common.parallel import parallel_map
from kitti_data import odometry

_ALIGN_FLAGS = {'none': [], 'scale': ['-s'], '6dof': ['-a'], '7dof': ['-a', '-s']}
METRICS = {
    'ape': ('evo_ape', ['-r', 'trans_part']),
    'rpe_trans': ('evo_rpe', ['-r', 'trans_part', '-d', '1', '-u', 'f']),
    'rpe_rot': ('evo_rpe', ['-r', 'angle_deg', '-d', '1', '-u', 'f']),
}


def evo_errors(gt, pred, align='none', metrics=tuple(METRICS), plot_prefix=''):
    """Runs `evo_ape` and `evo_rpe` on two trajectories.

    Args:
      gt, pred: float64 [N, 4, 4] camera-to-world poses of the same frames, metres.
      align: 'none', 'scale', '6dof' or '7dof'.
      metrics: any of 'ape', 'rpe_trans', 'rpe_rot', the last two over steps of one frame.
      plot_prefix: path that evo's pictures of the APE begin with (`<prefix>_map.png` and
        `<prefix>_raw.png`); empty makes none.

    Returns:
      {metric: evo's statistics rmse, mean, median, std, min, max, sse}, metres or degrees.

    Raises:
      UserError: evo is not installed, or fails (with what it says).
    """
    with tempfile.TemporaryDirectory() as folder:
        odometry.write_poses(os.path.join(folder, 'gt.txt'), gt)
        odometry.write_poses(os.path.join(folder, 'pred.txt'), pred)
        if plot_prefix:
            _run(folder, 'evo_config', ['set', 'plot_backend', 'Agg'])

        def statistics(metric):
            plot = ['--save_plot', os.path.abspath(plot_prefix) + '.png']
            return _statistics(folder, metric, _ALIGN_FLAGS[align] +
                               (plot if plot_prefix and metric == 'ape' else []))
        return dict(zip(metrics, parallel_map(statistics, metrics, desc='evo')))


def _statistics(folder, metric, flags):
    tool, kind = METRICS[metric]
    saved = os.path.join(folder, metric + '.zip')
    _run(folder, tool, ['kitti', os.path.join(folder, 'gt.txt'), os.path.join(folder, 'pred.txt'),
                        '--save_results', saved, '--no_warnings'] + kind + flags)
    with reading(saved, 'result of ' + tool), zipfile.ZipFile(saved) as archive:
        return json.loads(archive.read('stats.json').decode())


def _run(home, tool, arguments):
    # evo keeps its settings in the home folder: a temporary one leaves the user's alone.
    environment = dict(os.environ, HOME=home, MPLBACKEND='Agg')
    done = subprocess.run([_executable(tool)] + arguments, env=environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, universal_newlines=True)
    if done.returncode:
        raise UserError('%s failed (status %d): %s' % (
            tool, done.returncode, done.stdout.strip()[-500:]))


def _executable(tool):
    """The tool of this interpreter's environment, or else the one on the PATH."""
    beside = os.path.join(os.path.dirname(sys.executable), tool)
    found = beside if os.path.exists(beside) else shutil.which(tool)
    if not found:
        raise UserError('%s is not installed; install it with: pip install evo' % tool)
    return found
