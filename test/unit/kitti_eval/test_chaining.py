"""Snippets chained to one trajectory."""
import numpy as np
import pytest

from kitti_data import poses
from kitti_eval import chaining, snippets
from kitti_eval.constant_motion import constant_motion
from winding_drive import winding
from vo_common.errors import UserError


@pytest.mark.parametrize('overlap', chaining.OVERLAPS)
@pytest.mark.parametrize('seq_length', [2, 3, 5])
def test_exact_snippets_chain_to_the_trajectory(seq_length, overlap):
    gt = winding(40)
    runs = dict(enumerate(snippets.snippets_of_trajectory(gt, seq_length)))
    frames, chained = chaining.chain_snippets(runs, overlap=overlap)
    assert frames.tolist() == list(range(40))
    np.testing.assert_allclose(chained, poses.relative(gt[0], gt), atol=1e-9)


def test_scales_of_snippets_are_found():
    gt = winding(30, step=2.0)
    factors = np.random.RandomState(0).uniform(0.2, 2, 28)
    runs = snippets.snippets_of_trajectory(gt, 3)
    truth, wanted = dict(enumerate(gt)), poses.relative(gt[0], gt)
    for given, scale in ((factors, 'per_snippet'), (np.full(28, 0.3), 'global')):
        scaled = runs.copy()
        scaled[..., :3, 3] *= given[:, None, None]
        _, chained = chaining.chain_snippets(dict(enumerate(scaled)), truth, scale)
        np.testing.assert_allclose(chained, wanted, atol=1e-9)


def test_errors_of_overlapping_snippets_cancel_in_their_mean():
    gt = winding(30)
    runs = snippets.snippets_of_trajectory(gt, 3)
    turn = poses.rotation_from_euler(np.array([0.02, 0, 0.01]))
    for index, run in enumerate(runs):  # a motion is covered by an even and an odd snippet
        error = turn if index % 2 else turn.T
        step = poses.relative(run[:-1], run[1:])
        step[:, :3, :3] = step[:, :3, :3] @ error
        step[:, 2, 3] += 0.1 if index % 2 else -0.1
        run[1:] = np.stack([step[0], step[0] @ step[1]])
    wanted = poses.relative(gt[0], gt)[1:-1]  # the outer motions are in one snippet only
    errors = {}
    for overlap in chaining.OVERLAPS:
        _, chained = chaining.chain_snippets(dict(enumerate(runs)), overlap=overlap)
        steps = poses.relative(chained[1:-2], chained[2:-1])
        errors[overlap] = np.abs(steps - poses.relative(wanted[:-1], wanted[1:])).max()
    assert errors['first'] > 0.09 and errors['mean'] < 1e-9
    with pytest.raises(UserError, match='overlap.*last.*first, mean'):
        chaining.chain_snippets(dict(enumerate(runs)), overlap='last')


def test_a_missing_snippet_is_bridged_or_named():
    gt = winding(12)
    runs = dict(enumerate(snippets.snippets_of_trajectory(gt, 3)))
    del runs[4]
    _, chained = chaining.chain_snippets(runs)
    np.testing.assert_allclose(chained, poses.relative(gt[0], gt), atol=1e-9)
    del runs[3]
    with pytest.raises(UserError, match='from frame 4 to 5'):
        chaining.chain_snippets(runs)


def test_snippets_far_apart_are_named_at_once():
    pair = constant_motion(2)
    with pytest.raises(UserError, match=r'from frame 1 to 2 \(%d such gaps\)' % (10 ** 15 - 1)):
        chaining.chain_snippets({0: pair, 10 ** 15: pair})


def test_snippets_of_one_frame_are_answered_with_what_they_lack():
    with pytest.raises(UserError, match='must have two frames at least'):
        chaining.chain_snippets({0: constant_motion(1)})
