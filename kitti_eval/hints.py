"""Finds the common mistake that explains bad results: poses, axes, scale or frame numbers."""
import itertools

import numpy as np
from scipy.spatial.transform import Rotation

from kitti_data import splits
from kitti_data.poses import chain, from_parts, inverse, relative
from kitti_eval.snippet_errors import evaluate_snippets
from kitti_eval.trajectory_errors import evaluate_odometry

VANISHING = 0.25  # largest fraction of the error that an explanation may leave
_BAD = 5.0  # percent of the path; lower errors need no explanation
_WITH_SCALE = {'none': 'scale', '6dof': '7dof'}  # the same alignment with a scale
_RIGHT_SCALES = 0.8, 1.25  # range of scales that do not explain a bad result
_MOST_STEP = 20  # frames, the largest step that is tried
_LEAST_TURNS = 20  # motions that must overlap after a shift
_MOST_FRAMES = 10000  # the longest drive of KITTI has half as many
# Largest fraction of the turns that a shift may leave; the noise of a good prediction is a quarter.
_REMAINING_SHARE = 1 / 3

_UNCHAINED = 'the file holds motions from frame to frame, which are not chained'
_OTHER_WAY = 'motions M are chained as P_next = P M, with M from frame k + 1 to frame k'
# Readings of a pose file: what fits the truth, what it means, and the function that converts the
# poses [N, 4, 4].
_SCALED = ('the prediction', '--align=7dof does so', lambda poses: poses)
_INVERSE = ('the inverse of each pose', 'the file holds world-to-camera poses', inverse)
_CHAINS = [
    ('the chain of the poses', _UNCHAINED, lambda poses: chain(poses[1:])),
    ('the chain of the poses', _UNCHAINED, lambda poses: chain(poses[:-1])),
    ('the chain of the inverted poses', _UNCHAINED, lambda poses: chain(inverse(poses[1:]))),
    ('the chain of the inverted poses', _UNCHAINED, lambda poses: chain(inverse(poses[:-1]))),
    ('the chain of the motions the other way round', _OTHER_WAY,
     lambda poses: chain(poses[1:] @ inverse(poses[:-1]))),
    ('the chain of the motions the other way round', _OTHER_WAY,
     lambda poses: chain(relative(poses[1:], poses[:-1])))]


def best_explanation(error, candidates, share=VANISHING):
    """The candidate (explanation, its error) that leaves the least of an error, or None.

    It must leave less than the fraction `share`; None and NaN explain nothing.
    """
    explained = [(text, left) for text, left in candidates
                 if left is not None and left < share * error]
    return min(explained, key=lambda each: each[1], default=None)


def trajectory_hint(gt, pred, frames, align, lengths, result):
    """Describes the mistake in a badly scored trajectory; '' if none is found.

    The poses are as stored in the files, `result` is that of `evaluate_odometry` for the same
    arguments.
    """
    name, error = _share_of_path(gt, result)
    if error < _BAD:
        return ''
    readings = [_SCALED, _INVERSE] + _other_axes(
        relative(gt[:-1], gt[1:]), relative(pred[:-1], pred[1:]))
    if (np.diff(frames) == 1).all():
        readings += _CHAINS
    for kind in filter(None, (align, _WITH_SCALE.get(align))):
        results = [(what, meaning, evaluate_odometry(gt, read(pred), kind, lengths, frames))
                   for what, meaning, read in readings]
        found = best_explanation(error, [(each, _share_of_path(gt, each[2])[1])
                                         for each in results])
        if found:
            (what, meaning, at_best), left = found
            if what == 'the prediction' and (
                    _RIGHT_SCALES[0] <= at_best['scale'] <= _RIGHT_SCALES[1]):
                return ''
            return '%s%s fits the truth (%s %.2f %% instead of %.2f %%): %s' % (
                what, ', scaled by %.4g,' % at_best['scale'] if kind != align else '', name, left,
                error, meaning)
    return ''


def snippets_hint(gt, pred, result, step):
    """Describes the mistake in badly scored snippets; '' if none is found.

    `result` is that of `evaluate_snippets` for the same arguments.
    """
    motions = [first_motions(side) for side in (gt, pred)]
    common = sorted(set(motions[0]) & set(motions[1]))
    if not common or result['ate_mean'] < 0.5 * result['baseline_ate_mean']:
        return ''
    found = best_explanation(result['ate_mean'], [
        ((what, meaning), evaluate_snippets(
            gt, {first: (times, read(poses)) for first, (times, poses) in pred.items()},
            step)['ate_mean'])
        for what, meaning, read in [_INVERSE] + _other_axes(
            *(np.array([side[first] for first in common]) for side in motions))])
    return found and '%s fits the truth (ATE %.4f m instead of %.4f m): %s' % (
        found[0][0], found[1], result['ate_mean'], found[0][1]) or ''


def _share_of_path(gt, result):
    """(name, percentage): t_rel, or without segments the ATE as a percentage of the path."""
    if result['t_rel'] is not None:
        return 't_rel', result['t_rel']
    path = np.linalg.norm(np.diff(gt[:, :3, 3], axis=0), axis=1).sum()
    return 'ATE per path length', 100 * result['ate'] / max(path, 1e-9)


def _other_axes(gt_steps, steps):
    """The reading of `steps` [N, 4, 4] with permuted axes that is nearest to `gt_steps`.

    Among all signed permutations M, chooses the one that maximises the sum of
    t_gt M t / (|t_gt| |t|) + w_gt det(M) M w / (|w_gt| |w|), for translations t and rotation
    vectors w (which a reflection reverses). Returns a list of one reading, or [] if M is I.
    """
    def products(of_gt, of_pred):
        return of_gt.T @ of_pred / max(np.linalg.norm(of_gt) * np.linalg.norm(of_pred), 1e-12)
    moved = products(gt_steps[:, :3, 3], steps[:, :3, 3])
    turned = products(_rotation_vectors(gt_steps), _rotation_vectors(steps))
    choices = [np.eye(3)[list(order)] * signs for order in itertools.permutations(range(3))
               for signs in itertools.product((1, -1), repeat=3)]
    axes = max(choices, key=lambda axes: np.sum(axes * (moved + np.linalg.det(axes) * turned)))
    if np.array_equal(axes, np.eye(3)):
        return []
    names = ', '.join('-' * bool(row.min() < 0) + 'xyz'[np.abs(row).argmax()] for row in axes)
    change = from_parts(axes, np.zeros(3))
    return [('the prediction with its axes (%s) taken for (x, y, z)' % names,
             "KITTI's axes are right, down, forward%s" % (
                 ', the file has mirrored ones' if np.linalg.det(axes) < 0 else ''),
             lambda poses: change @ relative(poses[0], poses) @ change.T)]


def _rotation_vectors(motions):
    return Rotation.from_matrix(motions[:, :3, :3]).as_rotvec()


def motions_of(poses):
    """{frame: [4, 4] motion to the next frame} of {frame: pose or None}."""
    return {frame: relative(pose, poses[frame + 1]) for frame, pose in poses.items()
            if frame >= 0 and pose is not None and poses.get(frame + 1) is not None}


def first_motions(snippets):
    """{first frame: [4, 4] motion to the next frame} of {first frame: (times, poses)}."""
    return {first: relative(*poses[:2]) for first, (_, poses) in snippets.items() if len(poses) > 1}


def shift_hint(gt, pred, first_frame, seq_id, without_truth):
    """Describes a shift of the predicted frame numbers of a sequence; '' if none is found.

    Args:
      gt, pred: {frame: [4, 4] motion to the next frame}.
      first_frame: the shift that is already applied.
      without_truth: number of predicted frames without truth.
    """
    found = _best_shift(_turn_errors(gt, pred), 0)
    start = splits.odometry_first_frame(seq_id)
    drive = start and ('sequence %s starts at frame %d of its raw drive %s' % (
        seq_id, start, splits.odometry_drives()[seq_id]))
    if not found:
        return '%s: if the numbers are those of the drive, give --first_frame=%d' % (
            drive, start) if start and without_truth and not first_frame else ''
    shift, left = found
    return ('the turns of the prediction fit the truth (up to %.2g degrees per frame) when its '
            'frame numbers are %d %s%s%s' % (
                left, abs(shift), 'lower' if shift > 0 else 'higher',
                ': give --first_frame=%d' % (shift + first_frame)
                if shift + first_frame >= 0 else '', ' (%s)' % drive if drive else ''))


def fitting_frames(gt, pred):
    """Describes the frames of the truth whose turns those of `pred` fit; '' if none is found.

    `gt` [M, 4, 4] holds frames 0 to M - 1, `pred` [N, 4, 4] unknown ones.
    """
    turns, errors = motions_of(dict(enumerate(pred))), {}
    for step in range(1, max(min(_MOST_STEP, (len(gt) - 1) // max(len(pred) - 1, 1)), 1) + 1):
        for phase in range(step):
            found = _turn_errors(motions_of(dict(enumerate(gt[phase::step]))), turns)
            errors.update({(step, phase - shift * step): error for shift, error in found.items()})
    found = _best_shift(errors, (1, 0))
    return found and 'its turns fit those from frame %d on%s' % (
        found[0][1], ', one frame in %d' % found[0][0] if found[0][0] > 1 else '') or ''


def _best_shift(errors, present):
    """`best_explanation` of the error at the shift `present` by other shifts of `_turn_errors`.

    Straight stretches fit each other, and so explain nothing: the error must be well below the
    turns.
    """
    error, _ = errors.pop(present, (np.inf, 0))
    return best_explanation(error, [(shift, left) for shift, (left, turn) in errors.items()
                                    if left < VANISHING * turn], _REMAINING_SHARE)


def _turn_errors(gt, pred):
    """Errors of the turns of {frame: motion} for each shift of the frame numbers.

    Returns {shift: (root mean square of the differences, of the true turns)}, in degrees, for
    shifts with at least half of the shorter side in common, and for 0 if anything is in common.
    """
    if not gt or not pred or max(max(side) - min(side) for side in (gt, pred)) > _MOST_FRAMES:
        return {}
    turns = []
    for side in (gt, pred):
        turns.append(np.full((max(side) - min(side) + 1, 3), np.nan))
        turns[-1][np.array(list(side)) - min(side)] = np.degrees(
            _rotation_vectors(np.array(list(side.values()))))
    enough, begin = max(0.5 * min(len(gt), len(pred)), _LEAST_TURNS), min(pred) - min(gt)
    errors = {}
    for offset in {begin, *range(-len(turns[1]) + 1, len(turns[0]))}:
        of_gt = turns[0][max(offset, 0):max(len(turns[1]) + offset, 0)]
        difference = of_gt - turns[1][max(-offset, 0):][:len(of_gt)]
        known = ~np.isnan(difference[:, 0])
        if known.sum() >= (enough if offset != begin else 1):
            errors[begin - offset] = tuple(np.sqrt(np.mean(np.sum(side[known] ** 2, axis=1)))
                                           for side in (difference, of_gt))
    return errors
