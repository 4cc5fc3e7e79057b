"""Plots of results, drawn without a display."""
import matplotlib
matplotlib.use('Agg')  # Before importing pyplot: a server has no display.
# pylint: disable=wrong-import-position
import matplotlib.pyplot as plt
import numpy as np

from vo_common.files import atomic_write

_FAR_FALL = 50  # ratio of losses above which the scale is logarithmic


def save_figure(path, figure):
    """Writes `figure` as PNG, closes it and prints the path."""
    with atomic_write(path, 'wb') as stream:
        figure.savefig(stream, format='png', dpi=120, bbox_inches='tight')
    plt.close(figure)
    print('written: %s' % path)


def plot_trajectories(path, trajectories, title, errors=None, unit=' [m]'):
    """Draws trajectories from above into the PNG file `path`.

    Args:
      trajectories: list of (label, float64 [N, 4, 4] camera-to-world); the first, the truth, is
        drawn in black.
      errors: float64 [N], metres, position errors that colour the last trajectory; or None.
      unit: unit of the positions, appended to the labels of the axes.
    """
    figure, axes = plt.subplots(figsize=(7, 7))
    for index, (label, poses) in enumerate(trajectories):
        axes.plot(poses[:, 0, 3], poses[:, 2, 3], label=label,
                  **(dict(color='black', linewidth=2) if index == 0 else dict(linewidth=1.3)))
    if errors is not None:
        points = axes.scatter(poses[:, 0, 3], poses[:, 2, 3], c=errors, s=4, zorder=3)
        figure.colorbar(points, ax=axes, label='position error [m]')
    start = trajectories[0][1][0]
    axes.plot(start[0, 3], start[2, 3], 'o', color='black', label='start')
    axes.set(xlabel='x, right' + unit, ylabel='z, forward' + unit, title=title)
    axes.axis('equal')
    axes.locator_params(nbins=6)
    axes.grid(alpha=0.3)
    axes.legend()
    save_figure(path, figure)


def plot_errors_over_length(path, curves, title):
    """Draws errors over path length.

    `curves` is a list of (label, {length in m: {'t_rel': %, 'r_rel': deg/100 m}}).
    """
    figure, panels = plt.subplots(1, 2, figsize=(11, 4))
    units = (('t_rel', 'translation error [%]'), ('r_rel', 'rotation error [deg/100 m]'))
    for axes, (key, name) in zip(panels, units):
        for label, curve in curves:
            lengths = sorted(curve)
            axes.plot(lengths, [curve[length][key] for length in lengths], 'o-', label=label)
        axes.set(xlabel='path length [m]', ylabel=name, ylim=(0, None))
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    save_figure(path, figure)


def plot_losses(path, steps, losses, title):
    """Draws losses over steps, on a logarithmic scale if their range is large."""
    figure, axes = plt.subplots(figsize=(7, 3.5))
    axes.plot(steps, losses, linewidth=1.3)
    axes.set(xlabel='step', ylabel='loss', title=title)
    axes.grid(alpha=0.3)
    if losses and 0 < _FAR_FALL * min(losses) < max(losses):
        axes.set_yscale('log')
    save_figure(path, figure)


def depth_colours(depth, low, high):
    """Colours a depth map [H, W], metres, on a logarithmic scale: <uint8>[H, W, 3], RGB.

    The brightest colour is that of the depth `low`, the darkest that of `high`; 0, unknown, is
    black.
    """
    depth = np.asarray(depth, np.float64)
    known = depth > 0
    share = np.log(high / np.where(known, depth, high)) / max(np.log(high / low), 1e-12)
    colours = plt.get_cmap('magma')(np.clip(share, 0, 1))[..., :3]
    return np.rint(255 * colours * known[..., None]).astype(np.uint8)
