"""Trajectory errors: published figures, closed answers, and chained snippets."""
import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from common.errors import UserError
from kitti_data import odometry
from kitti_data import poses
from kitti_eval import chaining, eval_odometry, evo_tools, snippets
from kitti_eval.constant_motion import constant_motion, step_from_files
from kitti_eval.trajectory_errors import align_trajectory, evaluate_odometry


def winding(num_frames, seed=0, step=1.0):
    """[N, 4, 4] camera-to-world poses of a drive with turns, `step` metres a frame."""
    rng = np.random.RandomState(seed)
    heading = np.cumsum(0.02 * rng.standard_normal(num_frames) + 0.01)
    angles = np.stack([0 * heading, heading, 0 * heading], axis=-1)
    ahead = np.stack([np.sin(heading), 0.02 * np.cos(heading), np.cos(heading)], axis=-1)
    return poses.from_parts(poses.rotation_from_euler(angles),
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
    pred = gt @ poses.transform_from_vector(noise)
    pred = poses.relative(pred[0], pred)
    gt = poses.relative(gt[0], gt)
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
    moved = poses.transform_from_vector([5, 6, 7, .3, .2, .1]) @ gt
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
    pred = poses.from_parts(poses.rotation_from_euler(turn), gt[:, :3, 3])
    result = evaluate_odometry(gt, pred)
    assert result['rpe_rot'] == pytest.approx(0.02)
    assert result['by_length'][100]['r_rel'] == pytest.approx(2.02)


def test_alignment_undoes_what_it_is_for():
    gt = winding(80)
    gt = poses.relative(gt[0], gt)
    rigid = poses.transform_from_vector([1, 2, 3, .1, .2, .3])
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


def run_odometry(tmp_path, *flags):
    eval_odometry.main(['--gtruth', str(tmp_path / '09.txt'), '--pred', str(tmp_path / 'pred.txt')]
                       + list(flags))
    with open(str(tmp_path / 'pred.eval_odometry.json')) as stream:
        return json.load(stream)


def test_sparse_predictions_have_the_errors_of_their_own_frames(tmp_path):
    """A drive at 1 m a frame that is predicted at 1.1 m, with every third frame left out."""
    gt, pred = constant_motion(250, (0, 0, 1.0)), constant_motion(250, (0, 0, 1.1))
    odometry.write_poses(str(tmp_path / '09.txt'), gt)
    frames = [frame for frame in range(5, 250) if frame % 3]
    write_indexed(tmp_path / 'pred.txt', frames, pred[frames])
    odometry.write_poses(str(tmp_path / 'train.txt'), constant_motion(9, (0, 0, 1.2)))
    result = run_odometry(tmp_path, '--baseline_poses', str(tmp_path / 'train.txt'))
    assert result['frames'] == len(frames)
    assert result['rpe_trans'] == pytest.approx(0.1)
    assert result['ate'] == pytest.approx(
        np.sqrt(np.mean((0.1 * (np.array(frames) - 5)) ** 2)), rel=1e-6)
    assert result['baseline']['rpe_trans'] == pytest.approx(0.2)
    assert result['baseline']['ate'] == pytest.approx(2 * result['ate'], rel=1e-6)
    # Segments end at the first predicted frame beyond their length; errors are 0.1 m a metre.
    assert 10 < result['by_length']['100']['t_rel'] < 10.3
    assert 20 < result['baseline']['by_length']['100']['t_rel'] < 20.6


def test_without_neighbours_there_is_no_rpe(tmp_path, capsys):
    odometry.write_poses(str(tmp_path / '09.txt'), winding(200))
    write_indexed(tmp_path / 'pred.txt', range(0, 200, 2), winding(200)[::2])
    result = run_odometry(tmp_path)
    assert result['rpe_trans'] is None and result['rpe_rot'] is None and result['ate'] < 1e-6
    assert 'no two frames of the prediction are neighbours' in capsys.readouterr().err


def test_the_baseline_of_sparse_poses_takes_steps_between_neighbours_alone(tmp_path):
    straight = constant_motion(30, (0, 0, 2.0))
    frames = [0, 1, 2, 10, 11, 20]
    write_indexed(tmp_path / 'train.txt', frames, straight[frames])
    step, _ = step_from_files([str(tmp_path / 'train.txt')])
    np.testing.assert_allclose(step, [0, 0, 2], atol=1e-9)


def test_two_predictions_of_one_frame_are_refused(tmp_path):
    odometry.write_poses(str(tmp_path / '09.txt'), winding(20))
    write_indexed(tmp_path / 'pred.txt', [0, 1, 1, 2], winding(4))
    with pytest.raises(UserError, match='pred.txt: line 3: found the frame number 1, must be'):
        run_odometry(tmp_path)
    for name in ('5.txt', '000005.txt'):
        (tmp_path / 'snippets').mkdir(exist_ok=True)
        (tmp_path / 'snippets' / name).write_text('0 0 0 0 0 0 0 1\n1 0 0 1 0 0 0 1\n')
    with pytest.raises(UserError, match='000005.txt and 5.txt begin with the same frame'):
        snippets.read_snippets(str(tmp_path / 'snippets'))


def test_snippets_far_apart_are_named_at_once():
    pair = constant_motion(2)
    with pytest.raises(UserError, match=r'from frame 1 to 2 \(%d such gaps\)' % (10 ** 15 - 1)):
        chaining.chain_snippets({0: pair, 10 ** 15: pair})


@pytest.mark.parametrize('align, factor, hinted', [
    ('none', 20.0, True), ('6dof', 20.0, True), ('7dof', 20.0, False), ('none', 1.1, False)])
def test_the_alignment_is_pointed_at_where_only_the_scale_differs(
        tmp_path, capsys, align, factor, hinted):
    gt = winding(60)
    odometry.write_poses(str(tmp_path / '09.txt'), gt)
    gt[:, :3, 3] /= factor
    odometry.write_poses(str(tmp_path / 'pred.txt'), gt)
    run_odometry(tmp_path, '--align=' + align)
    said = capsys.readouterr().err
    assert ('--align=7dof' in said) == hinted
    assert not hinted or 'scaled by 20 ' in said


def test_the_result_is_written_before_evo_fails(tmp_path, monkeypatch):
    odometry.write_poses(str(tmp_path / '09.txt'), winding(60))
    odometry.write_poses(str(tmp_path / 'pred.txt'), winding(60))

    def fail(*_, **__):
        raise UserError('evo_ape failed')
    monkeypatch.setattr(evo_tools, 'evo_errors', fail)
    with pytest.raises(UserError, match='evo_ape failed'):
        run_odometry(tmp_path, '--evo', '--plot')
    with open(str(tmp_path / 'pred.eval_odometry.json')) as stream:
        assert json.load(stream)['frames'] == 60
    assert (tmp_path / 'pred.eval_odometry_trajectory.png').exists()


def test_without_plots_matplotlib_is_not_imported(tmp_path):
    odometry.write_poses(str(tmp_path / '09.txt'), winding(20))
    root = os.path.dirname(os.path.dirname(os.path.abspath(eval_odometry.__file__)))
    done = subprocess.run(
        [sys.executable, '-X', 'importtime', os.path.join(root, 'kitti_eval', 'eval_odometry.py'),
         '--gtruth', str(tmp_path / '09.txt'), '--pred', str(tmp_path / '09.txt')],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    assert done.returncode == 0 and 'scipy' in done.stderr
    assert 'matplotlib' not in done.stderr and 'tensorflow' not in done.stderr


@pytest.mark.parametrize('locale', ['C', 'C.UTF-8'])
@pytest.mark.parametrize('name', [b'caf\xe9', '中é'.encode('utf-8')])
def test_names_that_the_terminal_cannot_show_are_evaluated_all_the_same(tmp_path, locale, name):
    folder = os.path.join(os.fsencode(str(tmp_path)), name)
    os.mkdir(folder)
    odometry.write_poses(os.fsdecode(folder) + '/09.txt', winding(20))

    def run(pred):
        return subprocess.run(
            [sys.executable, os.path.join(os.path.dirname(eval_odometry.__file__),
                                          'eval_odometry.py'),
             '--gtruth', folder + b'/09.txt', '--pred', folder + pred],
            env=dict(os.environ, LC_ALL=locale, PYTHONUTF8='0', PYTHONCOERCECLOCALE='0'),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    done = run(b'/09.txt')
    assert done.returncode == 0 and b'written: ' in done.stdout, done.stderr
    assert os.path.exists(folder + b'/09.eval_odometry.json')
    done = run(b'/none.txt')
    assert done.returncode == 2 and b'Traceback' not in done.stderr
    assert b'none.txt does not exist' in done.stderr


def test_snippets_of_one_frame_are_answered_with_what_they_lack():
    with pytest.raises(UserError, match='must have two frames at least'):
        chaining.chain_snippets({0: constant_motion(1)})
