"""Trajectory errors: published figures, closed answers, and chained snippets."""
import json
import os
import time

import numpy as np
import pytest

from common.errors import UserError
from kitti_data import odometry
from kitti_data import poses as pose_math
from kitti_eval import chaining, eval_odometry, evo_tools, snippets
from kitti_eval.constant_motion import constant_motion
from kitti_eval.trajectory_errors import align_trajectory, evaluate_odometry


def winding(num_frames, seed=0, step=1.0):
    """[N, 4, 4] camera-to-world poses of a drive with turns, `step` metres a frame."""
    rng = np.random.RandomState(seed)
    heading = np.cumsum(0.02 * rng.standard_normal(num_frames) + 0.01)
    angles = np.stack([0 * heading, heading, 0 * heading], axis=-1)
    ahead = np.stack([np.sin(heading), 0.02 * np.cos(heading), np.cos(heading)], axis=-1)
    return pose_math.from_parts(pose_math.rotation_from_euler(angles),
                                np.cumsum(step * ahead, axis=0))


def read_pair(shared, sequence, name):
    return (odometry.read_poses(str(shared / 'kitti_odometry_poses' / (sequence + '.txt'))),
            odometry.read_poses(str(shared / 'kitti_trajectories' / (name + '.txt'))))


@pytest.mark.parametrize('name, align, wanted', [
    ('dfvo_stereo_09', 'none', (2.606843, 0.287707, 17.919055, 0.055702, 0.036988)),
    ('dfvo_stereo_09', '6dof', (2.606843, 0.287707, 10.880278, 0.055702, 0.036988)),
    ('dfvo_stereo_09', '7dof', (2.527535, 0.287707, 10.729500, 0.054235, 0.036988)),
    ('dfvo_stereo_10', '6dof', (2.293174, 0.369335, 3.720668, 0.046555, 0.042596)),
    ('orb_slam_00', 'none', (0.699729, 0.253330))])
def test_published_trajectories_have_their_published_errors(shared, name, align, wanted):
    result = evaluate_odometry(*read_pair(shared, name[-2:], name), align=align)
    keys = ('t_rel', 'r_rel', 'ate', 'rpe_trans', 'rpe_rot')
    assert [result[key] for key in keys][:len(wanted)] == pytest.approx(wanted, rel=1e-4)


def test_a_sequence_of_4541_frames_takes_under_3_seconds(shared):
    gt, pred = read_pair(shared, '00', 'orb_slam_00')
    start = time.process_time()
    evaluate_odometry(gt, pred, '7dof')
    assert len(gt) == 4541
    assert time.process_time() - start < 3


@pytest.mark.parametrize('flags, rmse', [('6dof', 1.303450), ('7dof', 0.937709)])
def test_evo_agrees_with_its_published_figures(shared, flags, rmse):
    result = evo_tools.evo_errors(*read_pair(shared, '00', 'orb_slam_00'), align=flags,
                                  metrics=['ape'])
    assert result['ape']['rmse'] == pytest.approx(rmse, rel=1e-4)


def test_evo_and_ours_are_the_same_on_a_drive_made_here():
    gt = winding(60)
    noise = 0.01 * np.random.RandomState(1).standard_normal((60, 6))
    pred = gt @ pose_math.transform_from_vector(noise)
    pred = pose_math.relative(pred[0], pred)
    gt = pose_math.relative(gt[0], gt)
    ours, evo = evaluate_odometry(gt, pred, '7dof'), evo_tools.evo_errors(gt, pred, '7dof')
    assert evo['ape']['rmse'] == pytest.approx(ours['ate'], rel=1e-5)
    assert evo['rpe_trans']['mean'] == pytest.approx(ours['rpe_trans'], rel=1e-4)
    assert evo['rpe_rot']['mean'] == pytest.approx(ours['rpe_rot'], rel=1e-3)


def test_a_missing_evo_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr('sys.executable', str(tmp_path / 'python'))
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(UserError, match='pip install evo'):
        evo_tools.evo_errors(winding(5), winding(5))


def test_the_truth_has_no_error_wherever_it_begins():
    gt = winding(300)
    moved = pose_math.transform_from_vector([5, 6, 7, .3, .2, .1]) @ gt
    result = evaluate_odometry(gt, moved)
    assert result['t_rel'] < 1e-9 and result['ate'] < 1e-9 and result['rpe_trans'] < 1e-9
    # acos near 1 keeps half the digits.
    assert result['r_rel'] < 1e-5 and result['rpe_rot'] < 1e-5


def test_a_scaled_straight_line_has_its_scale_as_error():
    gt, pred = constant_motion(250, (0, 0, 1.0)), constant_motion(250, (0, 0, 1.1))
    result = evaluate_odometry(gt, pred)
    # A segment ends one frame beyond its length: 101 m of 100.
    assert result['by_length'][100]['t_rel'] == pytest.approx(10.1)
    assert result['by_length'][200]['t_rel'] == pytest.approx(10.05)
    assert sorted(result['by_length']) == [100, 200]
    assert result['by_length'][100]['segments'] == 15
    assert result['segments'] == 20
    assert result['r_rel'] == 0
    assert result['rpe_trans'] == pytest.approx(0.1)
    assert result['ate'] == pytest.approx(np.sqrt(np.mean((0.1 * np.arange(250)) ** 2)))
    for align in ('scale', '7dof'):
        scaled = evaluate_odometry(gt, pred, align)
        assert scaled['scale'] == pytest.approx(1 / 1.1)
        assert scaled['ate'] < 1e-9 and scaled['t_rel'] < 1e-9


def test_a_steady_turn_has_its_rate_as_error():
    gt = constant_motion(150, (0, 0, 1.0))
    degrees = 0.02 * np.arange(150)
    turn = np.stack([0 * degrees, np.radians(degrees), 0 * degrees], axis=-1)
    pred = pose_math.from_parts(pose_math.rotation_from_euler(turn), gt[:, :3, 3])
    result = evaluate_odometry(gt, pred)
    assert result['rpe_rot'] == pytest.approx(0.02)
    assert result['by_length'][100]['r_rel'] == pytest.approx(2.02)


def test_alignment_undoes_what_it_is_for():
    gt = winding(80)
    gt = pose_math.relative(gt[0], gt)
    rigid = pose_math.transform_from_vector([1, 2, 3, .1, .2, .3])
    moved = rigid @ gt
    aligned, scale = align_trajectory(gt, moved, '6dof')
    np.testing.assert_allclose(aligned, gt, atol=1e-9)
    assert scale == 1
    moved[:, :3, 3] *= 3
    aligned, scale = align_trajectory(gt, moved, '7dof')
    np.testing.assert_allclose(aligned, gt, atol=1e-9)
    assert scale == pytest.approx(1 / 3)


@pytest.mark.parametrize('align', ['none', 'scale', '6dof', '7dof'])
def test_standing_still_is_scored_without_nan(align):
    result = evaluate_odometry(winding(150), np.tile(np.eye(4), (150, 1, 1)), align)
    assert np.isfinite([result[key] for key in ('t_rel', 'r_rel', 'ate', 'rpe_trans')]).all()
    json.dumps(result, allow_nan=False)


def test_a_trajectory_shorter_than_every_length_has_no_relative_error():
    result = evaluate_odometry(winding(50), winding(50))
    assert result['t_rel'] is None and result['segments'] == 0 and result['ate'] == 0
    assert evaluate_odometry(winding(50), winding(50), lengths=[10, 20])['segments'] == 7


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r'\(9, 4, 4\).*\(8, 4, 4\)'):
        evaluate_odometry(winding(9), winding(8))


@pytest.mark.parametrize('overlap', chaining.OVERLAPS)
@pytest.mark.parametrize('seq_length', [2, 3, 5])
def test_exact_snippets_chain_to_the_trajectory(seq_length, overlap):
    gt = winding(40)
    runs = dict(enumerate(snippets.snippets_of_trajectory(gt, seq_length)))
    frames, chained = chaining.chain_snippets(runs, overlap=overlap)
    assert frames.tolist() == list(range(40))
    np.testing.assert_allclose(chained, pose_math.relative(gt[0], gt), atol=1e-9)


def test_scales_of_snippets_are_found():
    gt = winding(30, step=2.0)
    factors = np.random.RandomState(0).uniform(0.2, 2, 28)
    runs = snippets.snippets_of_trajectory(gt, 3)
    truth, wanted = dict(enumerate(gt)), pose_math.relative(gt[0], gt)
    for given, scale in ((factors, 'per_snippet'), (np.full(28, 0.3), 'global')):
        scaled = runs.copy()
        scaled[..., :3, 3] *= given[:, None, None]
        _, chained = chaining.chain_snippets(dict(enumerate(scaled)), truth, scale)
        np.testing.assert_allclose(chained, wanted, atol=1e-9)


def test_errors_of_overlapping_snippets_cancel_in_their_mean():
    gt = winding(30)
    runs = snippets.snippets_of_trajectory(gt, 3)
    turn = pose_math.rotation_from_euler(np.array([0.02, 0, 0.01]))
    for index, run in enumerate(runs):  # a motion is covered by an even and an odd snippet
        error = turn if index % 2 else turn.T
        step = pose_math.relative(run[:-1], run[1:])
        step[:, :3, :3] = step[:, :3, :3] @ error
        step[:, 2, 3] += 0.1 if index % 2 else -0.1
        run[1:] = np.stack([step[0], step[0] @ step[1]])
    wanted = pose_math.relative(gt[0], gt)[1:-1]  # the outer motions are in one snippet only
    errors = {}
    for overlap in chaining.OVERLAPS:
        _, chained = chaining.chain_snippets(dict(enumerate(runs)), overlap=overlap)
        steps = pose_math.relative(chained[1:-2], chained[2:-1])
        errors[overlap] = np.abs(steps - pose_math.relative(wanted[:-1], wanted[1:])).max()
    assert errors['first'] > 0.09 and errors['mean'] < 1e-9
    with pytest.raises(UserError, match='overlap.*last.*first, mean'):
        chaining.chain_snippets(dict(enumerate(runs)), overlap='last')


def test_a_missing_snippet_is_bridged_or_named():
    gt = winding(12)
    runs = dict(enumerate(snippets.snippets_of_trajectory(gt, 3)))
    del runs[4]
    _, chained = chaining.chain_snippets(runs)
    np.testing.assert_allclose(chained, pose_math.relative(gt[0], gt), atol=1e-9)
    del runs[3]
    with pytest.raises(UserError, match='from frame 4 to 5'):
        chaining.chain_snippets(runs)


def write_indexed(path, frames, poses):
    rows = np.concatenate([np.array(frames)[:, None], poses[:, :3].reshape(-1, 12)], axis=1)
    np.savetxt(str(path), rows, fmt=['%d'] + ['%.9e'] * 12)


def test_thirteen_columns_are_matched_by_frame(tmp_path, capsys):
    gt = winding(200)
    odometry.write_poses(str(tmp_path / '09.txt'), gt)
    write_indexed(tmp_path / 'pred.txt', range(10, 200, 2), gt[10::2])
    eval_odometry.main(['--gtruth', str(tmp_path / '09.txt'), '--pred', str(tmp_path / 'pred.txt')])
    with open(str(tmp_path / 'pred.eval_odometry.json')) as stream:
        result = json.load(stream)
    assert result['frames'] == 95
    assert result['ate'] < 1e-6 < 0.1 < result['baseline']['ate']
    assert '95 of the 200 poses' in capsys.readouterr().err
    write_indexed(tmp_path / 'pred.txt', [3, 200], gt[:2])
    with pytest.raises(UserError, match='no pose of frame 200'):
        eval_odometry.read_trajectories(str(tmp_path / '09.txt'), str(tmp_path / 'pred.txt'))


def test_a_snippet_folder_is_chained_and_plotted(tmp_path, capsys):
    gt = winding(160)
    odometry.write_poses(str(tmp_path / '09.txt'), gt)
    odometry.write_poses(str(tmp_path / 'train.txt'), constant_motion(5, (0, 0, 1.0)))
    runs = snippets.snippets_of_trajectory(gt, 3)
    runs[..., :3, 3] *= 0.1
    times = np.arange(len(runs))[:, None] + np.arange(3)
    snippets.write_snippets(str(tmp_path / 'pred'), range(len(runs)), times, runs)
    eval_odometry.main(['--gtruth', str(tmp_path / '09.txt'), '--pred', str(tmp_path / 'pred'),
                        '--snippet_scale=global', '--align=7dof', '--plot',
                        '--baseline_poses', str(tmp_path / 'train.txt')])
    out = capsys.readouterr().out
    assert '3-frame snippets chained, scale global' in out
    assert 'constant motion (train)' in out
    with open(str(tmp_path / 'pred' / 'eval_odometry.json')) as stream:
        assert json.load(stream)['t_rel'] < 0.01
    for name in ('trajectory', 'errors'):
        assert os.path.getsize(str(tmp_path / 'pred' / ('eval_odometry_%s.png' % name))) > 10000
    page = (tmp_path / 'pred' / 'eval_odometry.html').read_text()
    assert page.count('data:image/png;base64,') == 2 and 'constant motion (train)' in page
