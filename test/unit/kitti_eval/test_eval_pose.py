"""The snippet error is the field's, the baseline has the published figures, nothing is silent."""
import json

import numpy as np
import pytest

from kitti_data import odometry
from kitti_data.poses import from_parts, inverse
from kitti_eval import constant_motion, eval_pose, leakage, snippet_errors, snippets
from winding_drive import winding
from vo_common.errors import UserError

LIDAR = from_parts([[0, 0, 1], [-1, 0, 0], [0, -1, 0]], [0, 0, 0])


@pytest.fixture(scope='module')
def published(golden):
    with open(str(golden / 'geonet' / 'numpy_pose.json')) as stream:
        return json.load(stream)


def write_files(folder, files):
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return str(folder)


@pytest.mark.parametrize('seq_length', [3, 5])
@pytest.mark.parametrize('slash', ['', '/'])
def test_published_scores(tmp_path, capsys, published, seq_length, slash):
    case = published['pose']['seq%d' % seq_length]
    gt = write_files(tmp_path / 'gt', case['gt_snippets'])
    pred = write_files(tmp_path / 'pred', case['pred_snippets'])
    eval_pose.main(['--gtruth_dir', gt + slash, '--pred_dir', pred + slash])
    out = capsys.readouterr().out
    assert case['eval_pose_stdout'][0] in out.split('\n')
    assert '%d-frame' % seq_length in out
    with open(pred + '/eval_pose.json') as stream:
        result = json.load(stream)
    assert result['seq_length'] == seq_length
    assert result['ate'] == pytest.approx(case['ate'], rel=1e-12)
    assert result['ate_mean'] == pytest.approx(case['ate_mean'], rel=1e-12)
    assert result['ate_std'] == pytest.approx(case['ate_std'], rel=1e-12)


def test_times_are_matched_through_jitter_comments_and_commas(tmp_path, published):
    case = published['compute_ate_edge']
    gt = snippets.read_snippets(write_files(tmp_path / 'gt', {'000000.txt': case['file_a']}))
    pred = snippets.read_snippets(write_files(tmp_path / 'pred', {'000000.txt': case['file_b']}))
    pairs = snippet_errors.match_times(gt[0][0], pred[0][0])
    assert [[gt[0][0][a], pred[0][0][b]] for a, b in pairs] == case['associate']
    result = snippet_errors.evaluate_snippets(gt, pred)
    assert result['ate_mean'] == pytest.approx(case['time_jitter_comments_commas'], rel=1e-12)


@pytest.mark.parametrize('seq_length, sequence, mean, std', [
    (3, '09', 0.0163, 0.0130), (3, '10', 0.0131, 0.0127),
    (5, '09', 0.0323, 0.0260), (5, '10', 0.0237, 0.0234)])
def test_baseline_has_the_published_figures(shared, seq_length, sequence, mean, std):
    poses = odometry.read_poses(str(shared / 'kitti_odometry_poses' / (sequence + '.txt')))
    runs = snippets.snippets_of_trajectory(poses, seq_length)
    truth = {first: (np.arange(seq_length) / 10, run) for first, run in enumerate(runs)}
    result = snippet_errors.evaluate_snippets(truth, truth)
    assert result['ate_mean'] < 1e-12
    assert '%.4f' % result['baseline_ate_mean'] == '%.4f' % mean
    assert '%.4f' % result['baseline_ate_std'] == '%.4f' % std


def test_kitti_step_is_the_mean_of_sequences_00_to_08(shared):
    paths = [str(shared / 'kitti_odometry_poses' / ('%02d.txt' % n)) for n in range(9)]
    step, label = constant_motion.step_from_files(paths)
    np.testing.assert_allclose(step, constant_motion.KITTI_STEP, rtol=1e-8)
    assert label == 'constant motion (00,01,02,03,04,05,06,07,08)'


def test_baseline_from_other_poses_is_perfect_on_its_own_motion(tmp_path):
    straight = constant_motion.constant_motion(8, (0.1, 0, 2.0))
    odometry.write_poses(str(tmp_path / 'train.txt'), straight)
    step, _ = constant_motion.step_from_files([str(tmp_path / 'train.txt')])
    truth = {0: (np.arange(8), straight)}
    assert snippet_errors.evaluate_snippets(truth, truth, step)['baseline_ate_mean'] < 1e-8
    assert snippet_errors.evaluate_snippets(truth, truth)['baseline_ate_mean'] > 0.01


def test_the_scale_and_the_first_position_do_not_count():
    gt = np.random.RandomState(0).uniform(-1, 1, (5, 3))
    gt -= gt[0]
    assert snippet_errors.snippet_ate(gt, 7 * gt + 3) < 1e-12


def test_a_prediction_of_zeros_scores_as_standing_still():
    gt = np.array([[0, 0, 0], [0, 0, 3], [0, 4, 0.0]])
    assert snippet_errors.snippet_ate(gt, np.zeros((3, 3))) == pytest.approx(5 / 3)


def test_identical_snippets_count_as_zero(tmp_path, published):
    # The published tool drops them: there 0.0 means "no score".
    files = published['pose']['seq3']['gt_snippets']
    folder = write_files(tmp_path / 'gt', files)
    eval_pose.main(['--gtruth_dir', folder, '--pred_dir', folder])
    with open(folder + '/eval_pose.json') as stream:
        result = json.load(stream)
    assert result['snippets'] == len(files)
    assert result['ate_mean'] == 0


def test_poses_file_serves_as_truth(tmp_path, capsys, published):
    case = published['pose']
    (tmp_path / 'poses').mkdir()
    (tmp_path / 'sequences' / '09').mkdir(parents=True)
    (tmp_path / 'poses' / '09.txt').write_text('\n'.join(case['poses']))
    (tmp_path / 'sequences' / '09' / 'times.txt').write_text('\n'.join(case['times']))
    pred = write_files(tmp_path / 'pred', case['seq5']['pred_snippets'])
    eval_pose.main(['--gtruth_poses', str(tmp_path / 'poses' / '09.txt'), '--pred_dir', pred,
                    '--output_dir', str(tmp_path / 'results'), '--plot'])
    with open(str(tmp_path / 'results' / 'eval_pose.json')) as stream:
        result = json.load(stream)
    # The ground truth files are rounded to a micrometre, the poses are not.
    assert result['ate_mean'] == pytest.approx(case['seq5']['ate_mean'], rel=1e-5)
    assert (tmp_path / 'results' / 'eval_pose.png').stat().st_size > 10000
    page = (tmp_path / 'results' / 'eval_pose.html').read_text()
    assert page.count('data:image/png;base64,') == 1 and 'constant motion' in page
    assert '5-frame snippets of sequence 09' in capsys.readouterr().out


def test_missing_and_unmatched_snippets_are_counted(tmp_path, capsys, published):
    case = published['pose']['seq3']
    gt_files, pred_files = dict(case['gt_snippets']), dict(case['pred_snippets'])
    del gt_files['000003.txt'], pred_files['000000.txt'], pred_files['000001.txt']
    pred_files['000005.txt'] = '90 0 0 0 0 0 0 1\n91 0 0 0 0 0 0 1\n92 0 0 0 0 0 0 1\n'
    pred_files['000006.txt'] = '\n'.join(pred_files['000006.txt'].split('\n')[:2])
    gt = write_files(tmp_path / 'gt', gt_files)
    pred = write_files(tmp_path / 'pred', pred_files)
    eval_pose.main(['--gtruth_dir', gt, '--pred_dir', pred])
    with open(pred + '/eval_pose.json') as stream:
        result = json.load(stream)
    assert [result[key] for key in ('snippets', 'missing', 'without_truth', 'unmatched')] == [
        18, 2, 1, 1]
    err = capsys.readouterr().err
    assert '2 ground truth snippets have no prediction' in err
    assert '1 predicted snippets have no ground truth' in err
    assert '1 predicted snippets were matched only in part' in err


def test_no_match_is_an_error(tmp_path, published):
    files = published['pose']['seq3']['gt_snippets']
    gt = write_files(tmp_path / 'gt', files)
    pred = write_files(tmp_path / 'pred', {'900000.txt': files['000000.txt']})
    with pytest.raises(UserError, match='no snippet'):
        eval_pose.main(['--gtruth_dir', gt, '--pred_dir', pred])


def test_one_truth_must_be_given(tmp_path):
    with pytest.raises(UserError, match='gtruth_dir'):
        eval_pose.main(['--pred_dir', str(tmp_path)])


def test_a_sequence_that_was_trained_on_is_named(tmp_path, capsys):
    train_list = tmp_path / 'train.txt'
    train_list.write_text('2011_09_30_drive_0033_sync_02 0000000007\n00 000001\n01 000002\n')
    assert leakage.warn_if_trained(str(train_list), ['09']) == ['2011_09_30_drive_0033']
    assert '2011_09_30_drive_0033 (sequence 09)' in capsys.readouterr().err
    assert leakage.warn_if_trained(str(train_list), ['10', '2011_10_03_drive_0034_sync']) == []
    image = '2011_10_03/2011_10_03_drive_0027_sync/image_02/data/0000000069.png'
    assert leakage.trained_on(str(train_list), [image]) == ['2011_10_03_drive_0027']
    assert leakage.warn_if_trained('', ['00']) == []


def test_snippets_of_another_length_than_the_truth_are_answered_with_what_to_give(
        tmp_path, published):
    gt = write_files(tmp_path / 'gt', published['pose']['seq3']['gt_snippets'])
    pred = write_files(tmp_path / 'pred', published['pose']['seq5']['pred_snippets'])
    with pytest.raises(UserError, match='pred holds snippets of 5 frames, .*gt of 3: .*'
                                        'generate_pose_snippets.py --seq_length=5'):
        eval_pose.main(['--gtruth_dir', gt, '--pred_dir', pred])


def test_the_result_is_written_before_a_plot_fails(tmp_path, published, monkeypatch):
    folder = write_files(tmp_path / 'gt', published['pose']['seq3']['gt_snippets'])

    def fail(*_):
        raise RuntimeError('no fonts')
    monkeypatch.setattr(eval_pose, '_plot', fail)
    with pytest.raises(RuntimeError):
        eval_pose.main(['--gtruth_dir', folder, '--pred_dir', folder, '--plot'])
    assert (tmp_path / 'gt' / 'eval_pose.json').exists()


def test_a_leak_is_not_looked_for_without_the_name_of_the_sequence(tmp_path):
    with pytest.raises(UserError, match='--seq_id= is empty: must be the sequence of --gtruth_dir'):
        eval_pose.main(['--pred_dir=%s' % tmp_path, '--gtruth_dir=%s' % tmp_path,
                        '--train_list=train.txt'])


def write_truth(folder, sequence, poses, with_times=True):
    """poses/NN.txt and times of a camera that takes 0.1037 s a frame; returns the pose file."""
    (folder / 'poses').mkdir()
    (folder / 'sequences' / sequence).mkdir(parents=True)
    path = str(folder / 'poses' / (sequence + '.txt'))
    odometry.write_poses(path, poses)
    if with_times:
        (folder / 'sequences' / sequence / 'times.txt').write_text(
            '\n'.join(str(0.1037 * frame) for frame in range(len(poses))))
    return path


def write_pred(folder, poses, first=0, seconds=0.1):
    runs = snippets.snippets_of_trajectory(poses, 3)
    firsts = first + np.arange(len(runs))
    snippets.write_snippets(str(folder / 'pred'), firsts,
                            seconds * (firsts[:, None] + np.arange(3)), runs)
    return '--pred_dir=%s' % (folder / 'pred')


def result_of(folder):
    return json.loads((folder / 'pred' / 'eval_pose.json').read_text())


@pytest.mark.parametrize('seconds', [0.1, 0.1037, 1])
@pytest.mark.parametrize('with_times', [True, False])
def test_file_names_identify_the_frames_where_times_do_not(tmp_path, capsys, seconds, with_times):
    truth = write_truth(tmp_path, '03', winding(100), with_times)
    eval_pose.main([write_pred(tmp_path, winding(100), seconds=seconds), '--gtruth_poses=' + truth])
    result = result_of(tmp_path)
    assert result['snippets'] == 98 and result['unmatched'] == result['partly_matched'] == 0
    assert result['ate_mean'] < 1e-5 < 1e-3 < result['baseline_ate_mean']
    said = capsys.readouterr().err
    assert ('matched by the frame numbers' in said) == (
        seconds != (0.1037 if with_times else 0.1))
    assert ('data_odometry_calib.zip, or give --times=FILE' in said) != with_times


def test_snippets_that_leave_frames_out_are_not_matched_by_their_names(tmp_path):
    truth = write_truth(tmp_path, '03', winding(100))
    pred = write_pred(tmp_path, winding(100), seconds=0.3)
    with pytest.raises(UserError, match='frames are 0.3 s apart, those of the truth 0.1037 s'):
        eval_pose.main([pred, '--gtruth_poses=' + truth])


def test_sequence_08_predicted_from_its_raw_drive_is_scored_behind_its_first_frame(
        tmp_path, capsys):
    truth = write_truth(tmp_path, '08', winding(60))
    pred = write_pred(tmp_path, winding(60), first=1100)
    eval_pose.main([pred, '--gtruth_poses=' + truth])
    assert result_of(tmp_path)['snippets'] == 58 and result_of(tmp_path)['ate_mean'] < 1e-5
    assert 'begins there in the raw drive 2011_09_30_drive_0028' in capsys.readouterr().err


def test_a_shift_of_the_frame_numbers_is_named(tmp_path, capsys):
    truth = write_truth(tmp_path, '08', winding(100)[11:])
    pred = write_pred(tmp_path, winding(100))
    eval_pose.main([pred, '--gtruth_poses=' + truth])
    said = capsys.readouterr().err
    assert '11 predicted snippets have no ground truth' in said
    assert 'are 11 lower: give --first_frame=11 (sequence 08 begins at frame 1100' in said
    assert result_of(tmp_path)['ate_mean'] > 1e-3
    eval_pose.main([pred, '--gtruth_poses=' + truth, '--first_frame=11'])
    assert result_of(tmp_path)['ate_mean'] < 1e-5


def test_less_than_half_of_the_snippets_is_no_score(tmp_path):
    truth = write_truth(tmp_path, '03', winding(100))
    pred = write_pred(tmp_path, winding(40))
    with pytest.raises(UserError, match='share 38 snippets of 98 and 38: must be at least half'):
        eval_pose.main([pred, '--gtruth_poses=' + truth])
    assert not (tmp_path / 'pred' / 'eval_pose.json').exists()


def test_times_are_refused_where_snippets_have_their_own(tmp_path):
    with pytest.raises(UserError, match='--times=t.txt: is read for --gtruth_poses alone'):
        eval_pose.main(['--pred_dir=p', '--gtruth_dir=%s' % tmp_path, '--times=t.txt'])


@pytest.mark.parametrize('confuse, named', [
    (inverse, 'the inverse of each pose fits the truth'),
    (lambda poses: LIDAR @ poses @ inverse(LIDAR), 'its axes (-y, -z, x) taken for (x, y, z) fits'),
    (lambda poses: winding(len(poses), seed=7), '')])
def test_a_confusion_of_snippets_is_named_if_it_explains_the_error(
        tmp_path, capsys, confuse, named):
    truth = write_truth(tmp_path, '03', winding(100))
    pred = write_pred(tmp_path, winding(100), seconds=0.1037)
    for first, (times, poses) in snippets.read_snippets(str(tmp_path / 'pred')).items():
        odometry.write_tum(str(tmp_path / 'pred' / ('%06d.txt' % first)), times, confuse(poses))
    eval_pose.main([pred, '--gtruth_poses=' + truth])
    said = capsys.readouterr().err
    assert named in said and bool(named) == ('fits the truth' in said)
