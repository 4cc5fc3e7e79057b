"""The snippet error is the field's, the baseline has the published values, gaps are reported."""
import os
from pathlib import Path

import numpy as np
import pytest

import published
from kitti_data import odometry
from kitti_data.poses import inverse
from kitti_eval import constant_motion, eval_pose, leakage, snippet_errors, snippets
from kitti_eval.truth import match_times
from kitti_folders import write_sequence
from winding_drive import winding
from vo_common.errors import UserError
from vo_common.files import read_json

PUBLISHED = published.scalars('numpy_pose')


def scored(gt, pred):
    """The result of `eval_pose` for two folders of snippets."""
    eval_pose.main(['--gtruth_dir=' + gt, '--pred_dir=' + pred])
    return read_json(pred + '/eval_pose.json')


def write_files(folder, files):
    Path(folder).mkdir()
    for name, text in files.items():
        Path(folder, name).write_text(text)
    return folder


@pytest.mark.parametrize('seq_length, slash', [(3, ''), (5, '/')])
def test_published_scores(capsys, seq_length, slash):
    case = PUBLISHED['pose']['seq%d' % seq_length]
    write_files('gt', case['gt_snippets'])
    write_files('pred', case['pred_snippets'])
    result = scored('gt' + slash, 'pred' + slash)
    out = capsys.readouterr().out
    assert case['eval_pose_stdout'][0] in out.split('\n')
    assert '%d-frame' % seq_length in out
    assert result['seq_length'] == seq_length
    assert result['ate'] == pytest.approx(case['ate'], rel=1e-12)
    assert result['ate_mean'] == pytest.approx(case['ate_mean'], rel=1e-12)
    assert result['ate_std'] == pytest.approx(case['ate_std'], rel=1e-12)
    # The published tool drops identical snippets: there 0.0 means "no score".
    result = scored('gt', 'gt')
    assert (result['snippets'], result['ate_mean']) == (len(case['gt_snippets']), 0)


def test_times_are_matched_through_jitter_comments_and_commas():
    case = PUBLISHED['compute_ate_edge']
    gt = snippets.read_snippets(write_files('gt', {'000000.txt': case['file_a']}))
    pred = snippets.read_snippets(write_files('pred', {'000000.txt': case['file_b']}))
    pairs = match_times(gt[0][0], pred[0][0])
    assert [[gt[0][0][a], pred[0][0][b]] for a, b in pairs] == case['associate']
    result = snippet_errors.evaluate_snippets(gt, pred)
    assert result['ate_mean'] == pytest.approx(case['time_jitter_comments_commas'], rel=1e-12)


@pytest.mark.parametrize('seq_length, sequence, mean, std', [
    (3, '09', 0.0163, 0.0130), (3, '10', 0.0131, 0.0127),
    (5, '09', 0.0323, 0.0260), (5, '10', 0.0237, 0.0234)])
def test_baseline_has_the_published_figures(shared, seq_length, sequence, mean, std):
    path = str(shared / 'kitti_odometry_poses' / (sequence + '.txt'))
    runs = snippets.snippets_of_trajectory(odometry.read_pose_file(path).poses, seq_length)
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


def test_snippet_ate_ignores_scale_and_scores_zeros_as_standing_still():
    gt = np.array([[0, 0, 0], [0, 0, 3], [0, 4, 0.0]])
    assert snippet_errors.snippet_ate(gt, np.zeros((3, 3))) == pytest.approx(5 / 3)
    assert snippet_errors.snippet_ate(gt, 7 * gt + 3) < 1e-12


def test_a_pose_file_serves_as_ground_truth(capsys):
    case = PUBLISHED['pose']
    write_sequence(Path(), '09', [], poses=case['poses'], times=case['times'])
    pred = write_files('pred', case['seq5']['pred_snippets'])
    eval_pose.main(['--gtruth_poses=poses/09.txt', '--pred_dir=' + pred, '--output_dir=results',
                    '--plot'])
    result = read_json('results/eval_pose.json')
    # The ground truth files are rounded to a micrometre, the poses are not.
    assert result['ate_mean'] == pytest.approx(case['seq5']['ate_mean'], rel=1e-5)
    assert os.path.getsize('results/eval_pose.png') > 10000
    page = Path('results/eval_pose.html').read_text()
    assert page.count('data:image/png;base64,') == 1 and 'constant motion' in page
    assert '5-frame snippets of sequence 09' in capsys.readouterr().out


def test_missing_and_unmatched_snippets_are_counted(capsys):
    case = PUBLISHED['pose']['seq3']
    gt_files, pred_files = dict(case['gt_snippets']), dict(case['pred_snippets'])
    del gt_files['000003.txt'], pred_files['000000.txt'], pred_files['000001.txt']
    pred_files['000005.txt'] = '90 0 0 0 0 0 0 1\n91 0 0 0 0 0 0 1\n92 0 0 0 0 0 0 1\n'
    pred_files['000006.txt'] = '\n'.join(pred_files['000006.txt'].split('\n')[:2])
    write_files('gt', gt_files)
    write_files('pred', pred_files)
    result = scored('gt', 'pred')
    assert [result[key] for key in ('snippets', 'missing', 'without_truth', 'unmatched')] == [
        18, 2, 1, 1]
    err = capsys.readouterr().err
    assert '2 ground truth snippets have no prediction' in err
    assert '1 predicted snippets have no ground truth' in err
    assert '1 predicted snippets were matched only in part' in err


def test_evaluating_a_training_sequence_warns(capsys):
    Path('train.txt').write_text('2011_09_30_drive_0033_sync_02 0000000007\n00 000001\n01 000002\n')
    assert leakage.warn_if_trained('train.txt', ['09']) == ['2011_09_30_drive_0033']
    assert '2011_09_30_drive_0033 (sequence 09)' in capsys.readouterr().err
    assert leakage.warn_if_trained('train.txt', ['10', '2011_10_03_drive_0034_sync']) == []
    image = '2011_10_03/2011_10_03_drive_0027_sync/image_02/data/0000000069.png'
    assert leakage.warn_if_trained('train.txt', [image]) == ['2011_10_03_drive_0027']
    assert leakage.warn_if_trained('', ['00']) == []


@pytest.mark.parametrize('folder', ['town', 'town_every2', 'town_1', 'town_0_every3'])
def test_sequences_of_any_name_are_found_in_the_training_set(folder):
    Path('train.txt').write_text('%s 000001\n' % folder)
    assert leakage.warn_if_trained('train.txt', ['town', '01']) == ['town']


def test_snippets_of_another_length_than_the_truth_are_refused_with_the_command():
    files = PUBLISHED['pose']['seq3']['gt_snippets']
    write_files('gt', files)
    write_files('pred', PUBLISHED['pose']['seq5']['pred_snippets'])
    with pytest.raises(UserError, match='pred holds snippets of 5 frames, .*gt of 3: .*'
                                        'generate_pose_snippets.py --seq_length=5'):
        scored('gt', 'pred')
    write_files('others', {'900000.txt': files['000000.txt']})
    with pytest.raises(UserError, match='no snippet of .*others matches the ground truth'):
        scored('gt', 'others')


@pytest.mark.parametrize('flags, message', [
    ([], 'give either --gtruth_dir or --gtruth_poses'),
    (['--gtruth_dir=g', '--train_list=t'], '--seq_id= is empty: must be the sequence of --gtr'),
    (['--gtruth_dir=g', '--times=t.txt'],
     '--times=t.txt: must not be given without --gtruth_poses')])
def test_incompatible_flags_are_reported(flags, message):
    Path('g').mkdir()
    with pytest.raises(UserError, match=message):
        eval_pose.main(['--pred_dir=g'] + flags)


def evaluated(gt, pred, *flags, sequence='03', first=0, seconds=0.1037, with_times=True,
              confuse=lambda run: run):
    """The result for 3-frame snippets of poses `pred` against poses/NN.txt of a camera of 0.1037 s.

    The first predicted frame has the number `first`, each lasts `seconds`, and `confuse` changes
    the poses [3, 4, 4] of a snippet. The truth has times if `with_times`.
    """
    for name in ('poses', 'sequences/' + sequence):
        os.makedirs(name, exist_ok=True)
    truth = 'poses/%s.txt' % sequence
    odometry.write_poses(truth, gt)
    if with_times:
        np.savetxt('sequences/%s/times.txt' % sequence, 0.1037 * np.arange(len(gt)))
    runs = list(map(confuse, snippets.snippets_of_trajectory(pred, 3)))
    firsts = first + np.arange(len(runs))
    snippets.write_snippets('pred', firsts, seconds * (firsts[:, None] + np.arange(3)), runs)
    eval_pose.main(['--pred_dir=pred', '--gtruth_poses=' + truth, *flags])
    return read_json('pred/eval_pose.json')


@pytest.mark.parametrize('seconds, with_times', [
    (0.1, True), (0.1037, True), (1, True), (0.1, False)])
def test_file_names_identify_the_frames_where_times_do_not(capsys, seconds, with_times):
    result = evaluated(winding(100), winding(100), seconds=seconds, with_times=with_times)
    assert result['snippets'] == 98 and result['unmatched'] == result['partly_matched'] == 0
    assert result['ate_mean'] < 1e-5 < 1e-3 < result['baseline_ate_mean']
    said = capsys.readouterr().err
    assert ('matched by the frame numbers' in said) == (
        seconds != (0.1037 if with_times else 0.1))
    assert ('data_odometry_calib.zip, or give --times=FILE' in said) != with_times


@pytest.mark.parametrize('frames, seconds, message', [
    (100, 0.3, 'frames are 0.3 s apart, those of the truth 0.1037 s'),
    (40, 0.1037, 'share 38 snippets of 98 and 38: must be at least half')])
def test_snippets_of_other_frames_are_not_scored_and_less_than_half_are_an_error(
        frames, seconds, message):
    with pytest.raises(UserError, match=message):
        evaluated(winding(100), winding(frames), seconds=seconds)
    assert Path('pred/eval_pose.json').exists() == (frames == 40)


def test_sequence_08_predicted_from_its_raw_drive_is_shifted_to_its_first_frame(capsys):
    result = evaluated(winding(60), winding(60), sequence='08', first=1100)
    assert result['snippets'] == 58 and result['ate_mean'] < 1e-5
    assert 'starts there in the raw drive 2011_09_30_drive_0028' in capsys.readouterr().err


def test_the_result_is_written_before_a_plot_fails():
    Path('pred/eval_pose.png').mkdir(parents=True)
    with pytest.raises(UserError, match='eval_pose.png'):
        evaluated(winding(20), winding(20), '--plot')
    assert Path('pred/eval_pose.json').exists()


def test_a_shift_of_the_frame_numbers_is_reported(capsys):
    both = winding(100)[11:], winding(100)
    assert evaluated(*both, sequence='08')['ate_mean'] > 1e-3
    said = capsys.readouterr().err
    assert '11 predicted snippets have no ground truth' in said
    assert 'are 11 lower: give --first_frame=11 (sequence 08 starts at frame 1100' in said
    assert evaluated(*both, '--first_frame=11', sequence='08')['ate_mean'] < 1e-5


def test_a_confusion_that_explains_the_error_is_reported(capsys):
    evaluated(winding(100), winding(100), confuse=inverse)
    assert 'the inverse of each pose fits the truth' in capsys.readouterr().err
