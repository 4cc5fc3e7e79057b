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


def plot_trajectories(path, trajectories, title='', errors=None, unit=' [m]'):
    """Draws trajectories from above into the PNG file `path`.

    Args:
      trajectories: list of (label, float64 [N, 4, 4] camera-to-world); the first, the truth, is
        drawn in black.
      title: title of the plot.
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


def plot_errors_over_length(path, curves, title=''):
    """Draws errors over path length.

    Args:
      path: the PNG file.
      curves: list of (label, {length in m: {'t_rel': %, 'r_rel': deg/100 m}}).
      title: title of the plot.
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


def plot_losses(path, curves, title=''):
    """Draws {label: (steps, losses)}, on a logarithmic scale if the range is large."""
    figure, axes = plt.subplots(figsize=(7, 3.5))
    for label, (steps, losses) in curves.items():
        axes.plot(steps, losses, label=label, linewidth=1.3)
    axes.set(xlabel='step', ylabel='loss', title=title)
    axes.grid(alpha=0.3)
    values = np.concatenate([losses for _, losses in curves.values()])
    if values.size and 0 < _FAR_FALL * values.min() < values.max():
        axes.set_yscale('log')
    if len(curves) > 1:
        axes.legend()
    save_figure(path, figure)


def depth_colours(depth, low, high):
    """Colours a depth map on a logarithmic scale; near is bright.

    Args:
      depth: <float>[H, W], metres; 0 where unknown, which becomes black.
      low, high: depths in metres of the brightest and the darkest colour.

    Returns:
      <uint8>[H, W, 3], RGB.
    """
    depth = np.asarray(depth, np.float64)
    known = depth > 0
    share = np.log(high / np.where(known, depth, high)) / max(np.log(high / low), 1e-12)
    colours = plt.get_cmap('magma')(np.clip(share, 0, 1))[..., :3]
    return np.rint(255 * colours * known[..., None]).astype(np.uint8)
