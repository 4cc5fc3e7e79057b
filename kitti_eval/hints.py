"""Names the common mistake that explains bad results: poses, axes, scale or frame numbers."""
import itertools

import numpy as np
from scipy.spatial.transform import Rotation

from kitti_data import splits
from kitti_data.poses import from_parts, inverse, relative
from kitti_eval.snippet_errors import evaluate_snippets
from kitti_eval.trajectory_errors import evaluate_odometry

# An explanation leaves less than this share of the error.
VANISHING = 0.25
_BAD = 5.0  # Per cent of the path; lower errors need no explanation.
_WITH_SCALE = {'none': 'scale', '6dof': '7dof'}
_RIGHT_SCALES = 0.8, 1.25  # A scale within these does not explain a bad result.
_MOST_STEP, _LEAST_TURNS, _MOST_FRAMES = 20, 20, 10 ** 6
_LEFT_OF_TURNS = 1 / 3  # Share that a shift may leave: the noise of a good prediction is a quarter.


def best_explanation(error, candidates, share=VANISHING):
    """The candidate under which an error nearly vanishes.

    Args:
      error: float, 0 or more: the error of the prediction as it stands.
      candidates: list of (explanation, its error); None and NaN explain nothing.
      share: the largest share of `error` that an explanation may leave.

    Returns:
      The (explanation, error) with the least error, or None where no error nearly vanishes.
    """
    explained = [(text, left) for text, left in candidates
                 if left is not None and left < share * error]
    return min(explained, key=lambda each: each[1], default=None)


def trajectory_hint(gt, pred, frames, align, lengths, result):
    """A sentence that names the mistake in a badly scored trajectory, or ''.

    Args:
      gt, pred: float64 [N, 4, 4] at the same frames, as the files hold them.
      frames: int [N] ascending frame numbers.
      align, lengths: see `evaluate_odometry`.
      result: result of `evaluate_odometry` for them.
    """
    name, error = _share_of_path(gt, result)
    if error < _BAD:
        return ''
    readings = _readings(relative(gt[:-1], gt[1:]), relative(pred[:-1], pred[1:]))
    if (np.diff(frames) == 1).all():
        readings += _chains(pred)
    for kind in filter(None, (align, _WITH_SCALE.get(align))):
        scaled = [('the prediction', '--align=7dof does so', pred)] if kind != align else []
        tried = [(what, meaning, evaluate_odometry(gt, read(pred) if callable(read) else read,
                                                   kind, lengths, frames))
                 for what, meaning, read in scaled + readings]
        found = best_explanation(error, [(each, _share_of_path(gt, each[2])[1]) for each in tried])
        if found:
            (what, meaning, at_best), left = found
            if what == 'the prediction' and (
                    _RIGHT_SCALES[0] <= at_best['scale'] <= _RIGHT_SCALES[1]):
                return ''
            return '%s%s fits the truth (%s %.2f %% instead of %.2f %%): %s' % (
                what, ', scaled by %.4g,' % at_best['scale'] if scaled else '', name, left, error,
                meaning)
    return ''


def snippets_hint(gt, pred, result, step):
    """A sentence that names the mistake in badly scored snippets, or ''.

    Args:
      gt, pred: {first frame: (times, poses)}.
      result: result of `evaluate_snippets` for them.
      step: float [3], the baseline's motion.
    """
    common = [first for first in sorted(set(gt) & set(pred))
              if min(len(gt[first][1]), len(pred[first][1])) > 1]
    if not common or result['ate_mean'] < 0.5 * result['baseline_ate_mean']:
        return ''
    gt_steps, steps = (np.array([relative(*side[first][1][:2]) for first in common])
                       for side in (gt, pred))
    found = best_explanation(result['ate_mean'], [
        ((what, meaning), evaluate_snippets(
            gt, {first: (times, read(poses)) for first, (times, poses) in pred.items()},
            step)['ate_mean'])
        for what, meaning, read in _readings(gt_steps, steps)])
    return found and '%s fits the truth (ATE %.4f m instead of %.4f m): %s' % (
        found[0][0], found[1], result['ate_mean'], found[0][1]) or ''


def _share_of_path(gt, result):
    """(name, per cent): t_rel, or without segments the ATE in per cent of the path."""
    if result['t_rel'] is not None:
        return 't_rel', result['t_rel']
    path = np.linalg.norm(np.diff(gt[:, :3, 3], axis=0), axis=1).sum()
    return 'ATE per path length', 100 * result['ate'] / max(path, 1e-9)


def _readings(gt_steps, steps):
    """[(what fits, what it means, function of poses)], for motions [N, 4, 4] of both sides."""
    found = [('the inverse of each pose', 'the file holds world-to-camera poses', inverse)]
    axes = _fitting_axes(gt_steps, steps)
    if not np.array_equal(axes, np.eye(3)):
        names = ', '.join('-' * bool(row.min() < 0) + 'xyz'[np.abs(row).argmax()] for row in axes)
        change = from_parts(axes, np.zeros(3))
        found.append((
            'the prediction with its axes (%s) taken for (x, y, z)' % names,
            "KITTI's axes are right, down, forward%s" % (
                ', the file has mirrored ones' if np.linalg.det(axes) < 0 else ''),
            lambda poses: change @ relative(poses[0], poses) @ change.T))
    return found


def _chains(pred):
    """As `_readings`, of motions from frame to frame; the poses instead of a function."""
    unchained = 'the file holds motions from frame to frame, which are not chained'
    other_way = 'motions M are chained as P_next = P M, with M from frame k + 1 to frame k'
    return [(what, meaning, np.array(list(itertools.accumulate(
        [np.eye(4)] + list(motions), np.matmul)))) for what, meaning, motions in (
            ('the chain of the poses', unchained, pred[1:]),
            ('the chain of the poses', unchained, pred[:-1]),
            ('the chain of the inverted poses', unchained, inverse(pred[1:])),
            ('the chain of the inverted poses', unchained, inverse(pred[:-1])),
            ('the chain of the motions the other way round', other_way,
             pred[1:] @ inverse(pred[:-1])),
            ('the chain of the motions the other way round', other_way,
             relative(pred[1:], pred[:-1])))]


def _fitting_axes(gt_steps, steps):
    """The signed permutation [3, 3] whose change of axes brings `steps` nearest to `gt_steps`.

    With M that permutation, t translations and w rotation vectors (which a mirror turns), it
    maximises the sum of t_gt M t / (|t_gt| |t|) + w_gt det(M) M w / (|w_gt| |w|).
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
    """A sentence that names the shift of the predicted frame numbers, or ''.

    Args:
      gt_turns, pred_turns: {frame: [3] rotation vector}, see `turns_of`.
      first_frame: the shift that is already applied.
      seq_id: the sequence.
      without_truth: number of predicted frames without truth.
    """
    errors = _turn_errors(gt_turns, pred_turns)
    present, _ = errors.pop(0, (np.inf, 0))
    found = best_explanation(present, _candidates(errors), _LEFT_OF_TURNS)
    start = splits.odometry_first_frame(seq_id)
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


def _candidates(errors):
    """The candidates of `best_explanation`, without straight stretches, which fit any other."""
    return [(key, left) for key, (left, turn) in errors.items() if left < VANISHING * turn]


def _turn_errors(gt_turns, pred_turns):
    """{shift: root mean squares, degrees, of (the difference, the truth's turns)}.

    Only shifts that leave at least half of the shorter side in common, and 0 where it leaves any.
    """
    frames = [np.array(sorted(turns)) for turns in (gt_turns, pred_turns)]
    if not all(side.size and np.ptp(side) < _MOST_FRAMES for side in frames):
        return {}
    from scipy.signal import fftconvolve  # Slow to import.
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
    """Names the frames of the truth whose turns `pred` fits, or ''.

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
