"""The program that scores a trajectory."""
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from kitti_data import odometry
from kitti_data.poses import from_parts, quaternion_from_rotation, relative
from kitti_eval import eval_odometry, evo_tools, snippets
from kitti_eval.constant_motion import constant_motion
from kitti_eval.trajectories import read_trajectories
from winding_drive import winding
from vo_common.errors import UserError
from vo_common.files import read_json


def run_odometry(*flags, truth='09.txt', pred='pred.txt'):
    """The result of a prediction against a truth."""
    eval_odometry.main(['--gtruth=' + truth, '--pred=' + pred, *flags])
    return read_json(pred + '/eval_odometry.json' if os.path.isdir(pred)
                     else os.path.splitext(pred)[0] + '.eval_odometry.json')


def write_both(gt, pred, frames=None):
    """Writes 09.txt and pred.txt; the latter with its frame numbers if they are given."""
    odometry.write_poses('09.txt', gt)
    odometry.write_poses('pred.txt', pred, frames)


def write_timed(gt, times):
    """Writes poses.txt and times.txt of sequence 09 to one folder; returns the former's path."""
    os.makedirs('sequences/09')
    odometry.write_poses('sequences/09/poses.txt', gt)
    np.savetxt('sequences/09/times.txt', times, fmt='%.6f')
    return 'sequences/09/poses.txt'


def test_a_missing_evo_is_reported_with_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, 'evo', None)
    with pytest.raises(UserError, match='pip install evo'):
        evo_tools.evo_errors(winding(5), winding(5))


def test_thirteen_columns_are_matched_by_frame(capsys):
    gt = winding(200)
    frames = [frame for frame in range(10, 200) if frame % 4]
    write_both(gt, gt[frames], frames)
    result = run_odometry()
    assert result['frames'] == 143
    assert result['ate'] < 1e-6 < 0.1 < result['baseline']['ate']
    assert '143 common frames (200 in the truth, 143 in the prediction)' in capsys.readouterr().out
    write_both(gt, gt)
    odometry.write_poses('09.txt', gt[frames], frames)
    result = run_odometry()
    assert result['frames'] == 143 and result['ate'] < 1e-6
    odometry.write_poses('pred.txt', gt[frames[::3]], frames[::3])
    with pytest.raises(UserError, match='share 48 frames of 143 and 48'):
        run_odometry()
    assert 'the prediction has no two consecutive frames: no RPE' in capsys.readouterr().err
    result = read_json('pred.eval_odometry.json')
    assert result['rpe_trans'] is None and result['rpe_rot'] is None and result['ate'] < 1e-6
    write_both(gt, gt[:2], [3, 200])
    with pytest.raises(UserError, match='have 1 frames in common, must be at least 2'):
        read_trajectories('09.txt', 'pred.txt')


def test_a_snippet_folder_is_chained_and_plotted(capsys):
    gt = winding(160)
    odometry.write_poses('09.txt', gt)
    odometry.write_poses('train.txt', constant_motion(5, (0, 0, 1.0)))
    runs = snippets.snippets_of_trajectory(gt, 3)
    runs[..., :3, 3] *= 0.1
    snippets.write_snippets('pred', range(158), np.tile(np.arange(3), (158, 1)), runs)
    result = run_odometry('--snippet_scale=global', '--align=7dof', '--plot',
                          '--baseline_poses=train.txt', pred='pred')
    assert result['t_rel'] < 0.01
    out = capsys.readouterr().out
    assert '3-frame snippets chained, scale global' in out
    assert 'constant motion (train)' in out
    for name in ('trajectory', 'errors'):
        assert os.path.getsize('pred/eval_odometry_%s.png' % name) > 10000
    page = Path('pred/eval_odometry.html').read_text()
    assert page.count('data:image/png;base64,') == 2 and 'constant motion (train)' in page


@pytest.mark.parametrize('tum', [False, True])
def test_sparse_predictions_have_the_errors_of_their_own_frames(tum):
    """A drive at 1 m a frame that is predicted at 1.1 m, with every third frame left out."""
    gt, pred = constant_motion(250, (0, 0, 1.0)), constant_motion(250, (0, 0, 1.1))
    frames = [frame for frame in range(5, 250) if frame % 3]
    write_both(gt, pred[frames], frames)
    # Only the steps between neighbours count: 1.2 m.
    train = [0, 1, 2, 10, 11, 20]
    poses = constant_motion(train, (0, 0, 1.2))
    if tum:
        odometry.write_tum('train.txt', 0.1 * np.array(train), poses)
    else:
        odometry.write_poses('train.txt', poses, train)
    result = run_odometry('--baseline_poses', 'train.txt')
    assert result['frames'] == len(frames)
    assert result['rpe_trans'] == pytest.approx(0.1)
    assert result['ate'] == pytest.approx(
        np.sqrt(np.mean((0.1 * (np.array(frames) - 5)) ** 2)), rel=1e-6)
    assert result['baseline']['rpe_trans'] == pytest.approx(0.2)
    assert result['baseline']['ate'] == pytest.approx(2 * result['ate'], rel=1e-6)
    # Segments end at the first predicted frame beyond their length; errors are 0.1 m a metre.
    assert 10 < result['by_length']['100']['t_rel'] < 10.3
    assert 20 < result['baseline']['by_length']['100']['t_rel'] < 20.6


@pytest.mark.parametrize('align, factor, hinted', [
    ('none', 20.0, True), ('6dof', 20.0, True), ('7dof', 20.0, False), ('none', 1.1, False)])
def test_a_hint_suggests_the_alignment_if_only_the_scale_differs(capsys, align, factor, hinted):
    gt = winding(60)
    write_both(gt, from_parts(gt[:, :3, :3], gt[:, :3, 3] / factor))
    run_odometry('--align=' + align)
    said = capsys.readouterr().err
    assert ('--align=7dof' in said) == hinted
    assert not hinted or 'scaled by 20,' in said


def test_the_result_is_written_before_evo_fails(monkeypatch):
    write_both(winding(60), winding(60))
    monkeypatch.setattr(evo_tools, 'evo_errors', None)
    with pytest.raises(TypeError):
        run_odometry('--evo', '--plot')
    assert read_json('pred.eval_odometry.json')['frames'] == 60
    assert Path('pred.eval_odometry_trajectory.png').exists()


@pytest.mark.parametrize('frames, found', [(range(17, 200), 'from frame 17 on$'),
                                           (range(0, 200, 5), 'from frame 0 on, one frame in 5$')])
def test_fewer_poses_without_numbers_are_refused_until_their_frames_are_given(frames, found):
    write_both(winding(200), winding(200)[frames])
    with pytest.raises(UserError, match='pred.txt has %d poses without frame numbers.*13 columns'
                                        '.*--frames=FILE.*; its turns fit those %s' % (
                                            len(frames), found)):
        run_odometry()
    Path('frames').write_text('\n'.join(map(str, frames)))
    both = read_trajectories('09.txt', 'pred.txt', frames_path='frames')
    np.testing.assert_array_equal(both.frames, frames)
    np.testing.assert_allclose(both.pred, both.gt, atol=1e-8)
    Path('frames').write_text('1\n2\n')
    with pytest.raises(UserError, match='frames: has 2 numbers, must be one for each of the'):
        run_odometry('--frames=frames')


def test_frames_are_found_by_their_times():
    """A camera of irregular rate; the prediction begins late and has one time of no frame."""
    gt, times = winding(120), np.cumsum(np.random.RandomState(0).uniform(0.08, 0.12, 120))
    truth, frames = write_timed(gt, times), np.arange(30, 120)
    shown = times[frames] + 0.004
    shown[5] += 0.03
    odometry.write_tum('pred.txt', shown, gt[frames])
    both = read_trajectories(truth, 'pred.txt')
    np.testing.assert_array_equal(both.frames, np.delete(frames, 5))
    np.testing.assert_allclose(both.pred, both.gt, atol=1e-6)
    assert (len(both.all_gt), len(both.all_pred)) == (120, 90)
    odometry.write_poses('pred.txt', gt[frames])
    np.savetxt('shown', shown, fmt='%.6f')
    both = read_trajectories(truth, 'pred.txt', frames_path='shown')
    np.testing.assert_array_equal(both.frames, np.delete(frames, 5))


def test_shifted_frame_numbers_are_reported(capsys):
    write_both(winding(200), winding(200), range(1, 201))
    assert run_odometry()['ate'] > 0.01
    assert 'frame numbers are 1 lower: give --first_frame=1' in capsys.readouterr().err
    assert run_odometry('--first_frame=1')['ate'] < 1e-6
    assert 'warning' not in capsys.readouterr().err


def test_the_scored_trajectory_is_written():
    gt = relative(winding(60)[0], winding(60))
    write_timed(gt, 0.1 * np.arange(60))
    odometry.write_poses('pred.txt', from_parts(gt[:, :3, :3], gt[:, :3, 3] / 20))
    run_odometry('--align=7dof', truth='sequences/09/poses.txt')
    np.testing.assert_allclose(
        odometry.read_pose_file('pred.eval_odometry.txt').poses, gt, atol=1e-6)
    rows = np.loadtxt('pred.eval_odometry.tum')
    np.testing.assert_allclose(rows[:, 0], 0.1 * np.arange(60), atol=1e-6)
    np.testing.assert_allclose(rows[:, 1:4], gt[:, :3, 3], atol=1e-6)
    np.testing.assert_allclose(rows[:, 4:], quaternion_from_rotation(gt[:, :3, :3]), atol=1e-6)
    Path('sequences/09/times.txt').unlink()
    run_odometry('--align=7dof', truth='sequences/09/poses.txt')
    assert not Path('pred.eval_odometry.tum').exists()  # the times of an earlier evaluation


def test_a_straight_line_is_scored_even_if_evo_cannot_align_it(capsys):
    write_both(constant_motion(60, (0, 0, 1.0)), constant_motion(60, (0, 0, 0.9)))
    result = run_odometry('--align=7dof', '--evo')
    assert result['evo'] is None and result['ate'] < 1e-6
    said = capsys.readouterr().err
    assert 'evo cannot score this with alignment 7dof: Degenerate' in said
    assert 'positions lie on a line' in said


def test_the_folder_of_poses_txt_gives_the_name_of_the_sequence(capsys):
    Path('03').mkdir()
    odometry.write_poses('03/poses.txt', winding(40))
    Path('train.txt').write_text('03 000001\n')
    flags = '--train_list=train.txt'
    run_odometry(flags, truth='03/poses.txt', pred='03/poses.txt')
    shown = capsys.readouterr()
    assert '(sequence 03)' in shown.err and 'Sequence 03, 40 frames' in shown.out
    odometry.write_poses('poses.txt', winding(40))
    with pytest.raises(UserError, match='--seq_id= is empty'):
        run_odometry(flags, truth='poses.txt', pred='03/poses.txt')


def test_flags_of_the_other_kind_of_prediction_are_refused():
    write_both(winding(20), winding(20))
    with pytest.raises(
            UserError, match='--snippet_scale=global .*: must not be given if --pred is a file'):
        run_odometry('--snippet_scale=global')
    with pytest.raises(
            UserError, match='--frames=frames.txt: must not be given if --pred is a folder'):
        run_odometry('--frames=frames.txt', pred='.')


@pytest.mark.parametrize('with_times', [True, False])
@pytest.mark.parametrize('kept', [np.r_[0:80, 85:120], np.arange(5, 120)])
def test_a_truth_in_tum_format_keeps_the_identity_of_its_frames(kept, with_times):
    gt, times = winding(120), 0.1037 * np.arange(120)
    odometry.write_tum('09.txt', times[kept], gt[kept])
    np.savetxt('times.txt', times)
    # Without the clock, frames are counted from the first pose of the truth.
    frames = np.arange(120) - (0 if with_times else kept[0])
    odometry.write_poses('pred.txt', gt[frames >= 0], frames[frames >= 0])
    result = run_odometry(*['--times=times.txt'] * with_times)
    assert result['frames'] == len(kept) and result['ate'] < 1e-6


def test_a_truth_at_other_times_than_those_given_is_refused():
    odometry.write_tum('09.txt', [0, 0.1, 0.25], winding(3))
    np.savetxt('times.txt', [0, 0.1, 0.2])
    odometry.write_poses('pred.txt', winding(3))
    with pytest.raises(UserError, match='09.txt: pose 3 is at 0.250000 s, must be at a time in'):
        run_odometry('--times=times.txt')


def test_poses_at_three_times_the_rate_are_scored_at_the_common_times():
    poses, times = winding(178), np.arange(178) / 30
    truth = write_timed(poses[::3], times[::3])
    odometry.write_tum('pred.txt', times, poses)
    with pytest.raises(UserError, match='60 frames of 60 and 178: must be at least half of each'):
        run_odometry(truth=truth)
    assert read_json('pred.eval_odometry.json')['ate'] < 1e-5


def test_snippets_that_need_no_scale_are_chained_across_a_gap_in_the_truth():
    poses = winding(30)
    kept = np.r_[0:14, 17:30]
    odometry.write_poses('09.txt', poses[kept], kept)
    runs = snippets.snippets_of_trajectory(poses, 3)
    snippets.write_snippets('pred', range(28), np.arange(28)[:, None] + [0, 1, 2], runs)
    result = run_odometry('--snippet_scale=none', pred='pred')
    assert result['frames'] == len(kept) and result['ate'] < 1e-4


@pytest.mark.parametrize('truth, flags', [
    ('08.txt', ()), ('08.txt', ('--first_frame=1100',)), ('8.txt', ()), ('8.txt', ('--seq_id=8',)),
    ('8.txt', ('--seq_id=08',))])
@pytest.mark.parametrize('known', ['count', 'numbers', 'times'])
def test_a_prediction_may_begin_with_the_raw_drive(truth, flags, known):
    """Frame 0 of sequence 08 is frame 1100 of its drive; its number may lack the zero."""
    drive = winding(1140)
    odometry.write_poses(truth, drive[1100:])
    odometry.write_poses('pred.txt', drive)
    if known == 'numbers':
        odometry.write_poses('pred.txt', drive[1:], range(1, 1140))
    elif known == 'times':
        np.savetxt('times.txt', np.arange(40) / 10)
        odometry.write_tum('pred.txt', np.arange(1140) / 10, drive)
        flags += ('--times=times.txt',)
    with pytest.raises(UserError, match='40 frames of 40 and 11'):
        run_odometry(*flags, truth=truth)
    result = read_json('pred.eval_odometry.json')
    assert result['frames'] == 40 and result['ate'] < 1e-5


def test_a_prediction_of_another_sequence_is_reported(capsys):
    write_both(winding(9), winding(9))
    for name in ('09', '07'):
        snippets.write_frames('.', 'model-1', '/data/sequences/%s/image_2' % name,
                              ['0.png'], range(9))
        run_odometry()
        said = capsys.readouterr().err
        assert ('the prediction is of sequence 07, but is scored as sequence 09' in said) == (
            name == '07')
