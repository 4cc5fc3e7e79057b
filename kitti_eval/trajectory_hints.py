"""The known confusions of trajectories, tried where the figures are bad."""
import itertools

import numpy as np
from scipy.spatial.transform import Rotation

from kitti_data import splits
from kitti_data.poses import from_parts, inverse, relative
from kitti_eval.hints import VANISHING, best_explanation
from kitti_eval.trajectory_errors import evaluate_odometry

_BAD = 5.0  # Per cent of the path: what is better needs no explanation.
_WITH_SCALE = {'none': 'scale', '6dof': '7dof'}
# A prediction of a scale within these is not said to be of another one.
_LEAST_SCALE, _MOST_SCALE = 0.8, 1.25
_MOST_STEP, _LEAST_TURNS, _MOST_FRAMES = 20, 20, 10 ** 6
_LEFT_OF_TURNS = 1 / 3  # What another numbering leaves: a good prediction's noise is a quarter.


def explanation(gt, pred, frames, align, lengths, result):
    """A sentence that names the confusion under which bad figures become good ones, or ''.

    Args:
      gt, pred: float64 [N, 4, 4] at the same frames, as their files hold them.
      frames: int [N] ascending frame numbers.
      align, lengths: see `evaluate_odometry`.
      result: what it gave for them.
    """
    error, name = _figure(gt, result)
    if error < _BAD:
        return ''
    readings = _readings(gt, pred, (np.diff(frames) == 1).all())
    for kind in (align, _WITH_SCALE.get(align)):
        if kind is None:
            continue
        alone = [('the prediction', '--align=7dof does so', pred)] if kind != align else []
        tried = [(what, meaning, evaluate_odometry(gt, poses, kind, lengths, frames))
                 for what, meaning, poses in alone + readings]
        found = best_explanation(error, [(each, _figure(gt, each[2])[0]) for each in tried])
        if found:
            (what, meaning, at_best), left = found
            if what == 'the prediction' and _LEAST_SCALE <= at_best['scale'] <= _MOST_SCALE:
                return ''
            return '%s%s fits the truth (%s %.2f %% instead of %.2f %%): %s' % (
                what, ', scaled by %.4g,' % at_best['scale'] if alone else '', name, left, error,
                meaning)
    return ''


def _figure(gt, result):
    """(per cent, its name): t_rel, or without segments the ATE in per cent of the path."""
    if result['t_rel'] is not None:
        return result['t_rel'], 't_rel'
    path = np.linalg.norm(np.diff(gt[:, :3, 3], axis=0), axis=1).sum()
    return 100 * result['ate'] / max(path, 1e-9), 'ATE per path length'


def _readings(gt, pred, is_dense):
    """[(what fits, what it means, poses)]: what the file may hold instead of the right poses."""
    steps = relative(pred[:-1], pred[1:])
    found = [('the inverse of each pose', 'the file holds world-to-camera poses', inverse(pred))]
    if is_dense:
        unchained = 'the file holds motions from frame to frame, which are not chained'
        found += [('the chain of the poses', unchained, _chain(pred[1:])),
                  ('the chain of the poses', unchained, _chain(pred[:-1])),
                  ('the chain of the inverted poses', unchained, _chain(inverse(pred[1:]))),
                  ('the chain of the inverted poses', unchained, _chain(inverse(pred[:-1])))]
        other_way = 'motions M are chained as P_next = P M, with M from frame k + 1 to frame k'
        found += [('the chain of the motions the other way round', other_way, _chain(motions))
                  for motions in (pred[1:] @ inverse(pred[:-1]), inverse(steps))]
    axes = _fitting_axes(relative(gt[:-1], gt[1:]), steps)
    if not np.array_equal(axes, np.eye(3)):
        names = ', '.join('-' * bool(row.min() < 0) + 'xyz'[np.abs(row).argmax()] for row in axes)
        found.append((
            'the prediction with its axes (%s) taken for (x, y, z)' % names,
            'KITTI\'s axes are right, down, forward%s' % (
                ', the file has mirrored ones' if np.linalg.det(axes) < 0 else ''),
            _with_axes(pred, axes)))
    return found


def _chain(motions):
    """[N + 1, 4, 4] poses of N motions [N, 4, 4], the first one the identity."""
    return np.array(list(itertools.accumulate([np.eye(4)] + list(motions), np.matmul)))


def _with_axes(pred, axes):
    """`pred`, relative to its first pose, in other axes: M P inv(M) with M = `axes` [3, 3]."""
    change = from_parts(axes, np.zeros(3))
    return change @ relative(pred[0], pred) @ change.T


def _fitting_axes(gt_steps, steps):
    """The signed permutation [3, 3] whose change of axes brings `steps` nearest to `gt_steps`.

    Of translations t and rotation vectors w (which a mirror turns), with M that permutation, the
    sum of t_gt M t / (|t_gt| |t|) + w_gt det(M) M w / (|w_gt| |w|) is largest.
    """
    def products(of_gt, of_pred):
        return of_gt.T @ of_pred / max(np.linalg.norm(of_gt) * np.linalg.norm(of_pred), 1e-12)
    moved = products(gt_steps[:, :3, 3], steps[:, :3, 3])
    turned = products(_rotation_vectors(gt_steps), _rotation_vectors(steps))
    choices = [np.eye(3)[list(order)] * signs for order in itertools.permutations(range(3))
               for signs in itertools.product((1, -1), repeat=3)]
    return max(choices, key=lambda axes: np.sum(axes * (moved + np.linalg.det(axes) * turned)))


def _rotation_vectors(motions):
    return Rotation.from_matrix(motions[:, :3, :3]).as_rotvec()


def turns_of(poses):
    """{frame: [3] rotation vector, radians, from it to the next frame} of {frame: pose or None}."""
    frames = [frame for frame in sorted(poses) if frame >= 0 and poses[frame] is not None
              and poses.get(frame + 1) is not None]
    if not frames:
        return {}
    motions = relative(*(np.array([poses[frame + step] for frame in frames]) for step in (0, 1)))
    return dict(zip(frames, _rotation_vectors(motions)))


def turns_of_snippets(snippets):
    """{first frame: [3] rotation vector to the next one} of {first frame: (times, poses)}."""
    return {first: turn for first, (_, poses) in snippets.items()
            for turn in turns_of(dict(enumerate(poses[:2]))).values()}


def shift_hint(gt_turns, pred_turns, first_frame, seq_id, without_truth):
    """A sentence that names the shift of predicted frame numbers which explains the error, or ''.

    Args:
      gt_turns, pred_turns: {frame: [3] rotation vector}, see `turns_of`.
      first_frame: what the predicted numbers were lowered by already.
      seq_id: the sequence.
      without_truth: how many predicted frames have no truth.
    """
    start, found = splits.odometry_first_frame(seq_id), fitting_shift(gt_turns, pred_turns)
    drive = start and ('sequence %s begins at frame %d of its raw drive %s' % (
        seq_id, start, splits.odometry_drives()[seq_id]))
    if not found:
        return '%s: if the numbers are of the drive, give --first_frame=%d' % (drive, start) if (
            start and without_truth and not first_frame) else ''
    shift, left = found
    return ('the turns of the prediction fit the truth (%.2g degrees a frame are left) when its '
            'frame numbers are %d %s%s%s' % (
                left, abs(shift), 'lower' if shift > 0 else 'higher',
                ': give --first_frame=%d' % (shift + first_frame)
                if shift + first_frame >= 0 else '', ' (%s)' % drive if drive else ''))


def fitting_shift(gt_turns, pred_turns):
    """By how much predicted frame numbers are too high, where another number explains the error.

    Args:
      gt_turns, pred_turns: {frame: [3] rotation vector}, see `turns_of`.

    Returns:
      (shift other than 0, degrees a frame that it leaves, root mean square), or None.
    """
    errors = _turn_errors(gt_turns, pred_turns)
    present, _ = errors.pop(0, (np.inf, 0))
    return best_explanation(present, _candidates(errors), _LEFT_OF_TURNS)


def _candidates(errors):
    """For `best_explanation`, without straight stretches: they fit whatever does not turn."""
    return [(key, left) for key, (left, turn) in errors.items() if left < VANISHING * turn]


def _turn_errors(gt_turns, pred_turns):
    """{shift: root mean squares, degrees, of (the difference, the truth's turns)} of the shifts
    under which half of the shorter side is common, and of 0 where anything is."""
    frames = [np.array(sorted(turns)) for turns in (gt_turns, pred_turns)]
    if not all(side.size and np.ptp(side) < _MOST_FRAMES for side in frames):
        return {}
    from scipy.signal import fftconvolve  # Only here: takes longer to import than to run.
    gt, pred = (np.zeros((np.ptp(side) + 1, 4)) for side in frames)
    for dense, side, turns in zip((gt, pred), frames, (gt_turns, pred_turns)):
        dense[side - side[0]] = [np.append(turns[frame], 1) for frame in side.tolist()]

    def correlate(of_gt, of_pred):
        return fftconvolve(of_gt, of_pred[::-1], axes=0).reshape(len(gt) + len(pred) - 1, -1).sum(1)
    counts = np.rint(correlate(gt[:, 3], pred[:, 3]))
    of_gt = correlate((gt[:, :3] ** 2).sum(1), pred[:, 3])
    squares = (of_gt + correlate(gt[:, 3], (pred[:, :3] ** 2).sum(1))
               - 2 * correlate(gt[:, :3], pred[:, :3]))
    errors = np.degrees(np.sqrt(np.maximum([squares, of_gt], 0) / np.maximum(counts, 1))).T
    shifts = frames[1][0] - frames[0][0] + len(pred) - 1 - np.arange(len(errors))
    enough = max(0.5 * min(map(len, frames)), _LEAST_TURNS)
    kept = (counts >= enough) | ((shifts == 0) & (counts > 0))
    return dict(zip(shifts[kept].tolist(), errors[kept].tolist()))


def fitting_frames(gt, pred):
    """Which of the truth's frames the turns of `pred` fit, in words, or ''.

    Args:
      gt: float64 [M, 4, 4] of frames 0 to M - 1.
      pred: float64 [N, 4, 4] of unknown frames.
    """
    turns, tried = turns_of(dict(enumerate(pred))), {}
    for step in range(1, max(min(_MOST_STEP, (len(gt) - 1) // max(len(pred) - 1, 1)), 1) + 1):
        for phase in range(step):
            errors = _turn_errors(turns_of(dict(enumerate(gt[phase::step]))), turns)
            tried.update({(step, phase - shift * step): error for shift, error in errors.items()})
    present, _ = tried.pop((1, 0), (np.inf, 0))
    found = best_explanation(present, _candidates(tried), _LEFT_OF_TURNS)
    if not found:
        return ''
    (step, first), _ = found
    return 'its turns fit those from frame %d on%s' % (
        first, ', one frame in %d' % step if step > 1 else '')
