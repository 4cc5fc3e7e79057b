"""Training and testing end to end, on a small synthetic drive."""
import contextlib
import glob
import io
import json
import os
import shutil

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from checkpoint_values import write_with_nan
from convlstm_vo import main, net
from convlstm_vo.predict_motion import predict_motions
from kitti_data import images, motion, odometry
from kitti_data.pipeline.compact_frames import CompactFrames
from kitti_data.rendering.synthetic import synthetic_dataset
from kitti_data.poses import relative
from kitti_eval import evo_tools, plots
from kitti_eval.constant_motion import step_from_files
from npu_runtime import checkpoints
from npu_runtime.run_folder import read_saved
from toy_training import rows_of
from vo_common.errors import UserError

SIZE = ['--img_height=32', '--img_width=64']


@pytest.fixture(scope='module')
def drive(tmp_path_factory):
    """Odometry folder with sequences 00 (7 frames) and 01 (8 frames), gray."""
    root = str(tmp_path_factory.mktemp('drive'))
    synthetic_dataset(root, ['00'], 7, 32, 64, cameras=(0,))
    synthetic_dataset(root, ['01'], 8, 32, 64, cameras=(0,))
    return root


def _train(drive, output, *flags):
    main.main(['--mode=train', '--datapath=' + drive, '--outputpath=' + output, '--bsize=2',
               '--time_steps=2', '--train_sequences=0', '--val_sequences=1', '--device=cpu']
              + SIZE + list(flags))


def _test(drive, output, *flags):
    main.main(['--mode=test', '--datapath=' + drive, '--outputpath=%s' % output, '--device=cpu']
              + list(flags))


@pytest.fixture(scope='module')
def logs(drive, tmp_path_factory):
    """(output folder, log of one step, log of the second run that ends two epochs of two)."""
    output, texts = str(tmp_path_factory.mktemp('trained')), []
    for total_steps in (1, -1):
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            _train(drive, output, '--train_iter=2', '--save_epochs=1', '--val_freq=2',
                   '--total_steps=%d' % total_steps)
        texts.append(text.getvalue())
    return [output] + texts


@pytest.fixture(scope='module')
def trained(logs):
    """Output folder of two epochs, two steps each, a checkpoint every epoch."""
    return logs[0]


def test_training_writes_a_checkpoint_per_epoch_and_at_the_end(trained):
    files = os.listdir(trained)
    assert {'model1.index', 'model.index', 'config.json', 'metrics.jsonl'} <= set(files)
    rows = rows_of(trained, 'train')
    assert [row['step'] for row in rows] == [1, 2, 3, 4]
    assert all(set(row['losses']) == {'translation', 'rotation'} for row in rows)


def test_the_log_has_the_published_lines_and_a_second_run_resumes(logs):
    _, first, second = logs
    assert 'Current epoch : 0----step : 1----Train_error : ' in first
    assert '----sec/step : ' in first
    assert 'step : 1--' not in second
    assert 'Current epoch : 0----step : 2----' in second
    assert 'Current epoch : 1----step : 3----' in second


def test_accuracy_comes_from_the_validation_sequences(logs):
    output, first, second = logs
    rows = rows_of(output, 'validation')
    assert [row['step'] for row in rows] == [2, 4]
    assert 'Accuracy' not in first
    assert all('Accuracy : %s\n' % row['total'] in second for row in rows)


@pytest.mark.parametrize('flags', [
    [], ['--overlap_average'], ['--flip_average'], ['--reverse_average']])
def test_testing_writes_exact_counts(drive, trained, flags, tmp_path, capsys):
    _test(drive, tmp_path, '--init_checkpoint=' + trained, '--test_sequences=1,0', '--chunk=3',
          '--lengths=2', '--noevo', *flags)
    folder = tmp_path / 'test'
    for name, frames in (('00', 7), ('01', 8)):
        gt = odometry.read_pose_file(os.path.join(drive, 'poses', name + '.txt')).poses
        pred = odometry.read_pose_file(str(folder / (name + '.txt'))).poses
        motions = np.loadtxt(str(folder / (name + '_motions_pred.txt')))
        np.testing.assert_allclose(np.loadtxt(str(folder / (name + '_motions_gt.txt'))),
                                   motion.motions_from_poses(gt), atol=1e-8)
        assert motions.shape == (frames - 1, 6) and pred.shape == (frames, 4, 4)
        np.testing.assert_array_equal(pred[0], np.eye(4))
        np.testing.assert_allclose(motion.poses_from_motions(motions), pred, atol=1e-8)
        assert (folder / (name + '_trajectory.png')).exists()
    results = json.loads((folder / 'results.json').read_text())
    assert results['baseline'] == 'constant motion (00)'
    assert results['checkpoint'].startswith(trained)
    assert results['sequences']['00']['baseline']['t_rel'] > 0
    assert 'sequence 00: used in training' in capsys.readouterr().err


def test_without_poses_no_plot_or_truth_of_an_earlier_test_remains(drive, trained, tmp_path):
    own_drive = shutil.copytree(drive, str(tmp_path / 'drive'))
    flags = ('--init_checkpoint=' + trained, '--test_sequences=0', '--lengths=2', '--noevo')
    _test(own_drive, tmp_path, *flags)
    os.remove(os.path.join(own_drive, 'poses', '00.txt'))
    _test(own_drive, tmp_path, *flags)
    assert sorted(os.listdir(str(tmp_path / 'test'))) == [
        '00.txt', '00_motions_pred.txt', 'results.json']


@pytest.mark.parametrize('flags', [[], ['--overlap_average']])
def test_with_flip_average_a_mirrored_drive_has_mirrored_motions(drive, trained, flags, tmp_path):
    mirrored = str(tmp_path / 'mirrored')
    shutil.copytree(drive, mirrored)
    for path in glob.glob(mirrored + '/sequences/01/image_0/*.png'):
        images.write_png(path, images.read_levels(path, 1)[:, ::-1])
    motions = []
    for root in (drive, mirrored):
        _test(root, tmp_path, '--init_checkpoint=' + trained, '--test_sequences=1', '--lengths=2',
              '--noevo', '--flip_average', *flags)
        motions.append(np.loadtxt(str(tmp_path / 'test' / '01_motions_pred.txt')))
    np.testing.assert_allclose(motions[1], [-1, 1, 1, 1, -1, -1] * motions[0], atol=1e-5)
    assert np.abs(motions[0][:, 0]).max() > 1e-3


def test_reverse_average_is_the_mean_with_the_inverse_of_a_reversed_drive(
        drive, trained, tmp_path):
    reversed_drive = str(tmp_path / 'reversed')
    shutil.copytree(drive, reversed_drive)
    paths = sorted(glob.glob(drive + '/sequences/01/image_0/*.png'))
    for path, other in zip(paths, reversed(paths)):
        shutil.copy(other, path.replace(drive, reversed_drive))
    motions = []
    for root, flags in ((drive, ['--reverse_average']), (drive, []), (reversed_drive, [])):
        _test(root, tmp_path, '--init_checkpoint=' + trained, '--test_sequences=1', '--lengths=2',
              '--noevo', *flags)
        motions.append(np.loadtxt(str(tmp_path / 'test' / '01_motions_pred.txt')))
    mean, forwards, backwards = motions
    expected = (forwards + motion.reversed_motions(backwards)) / 2
    np.testing.assert_allclose(mean, expected, atol=1e-5)
    assert np.abs(mean - forwards).max() > 1e-3


def test_smooth_speed_smooths_lengths_alone(drive, trained, tmp_path):
    found = []
    for flags in ([], ['--smooth_speed=0.2']):  # two frames
        _test(drive, tmp_path, '--init_checkpoint=' + trained, '--test_sequences=1', '--lengths=2',
              '--noevo', *flags)
        found.append(np.loadtxt(str(tmp_path / 'test' / '01_motions_pred.txt')))
    lengths, smooth = (np.linalg.norm(motions[:, :3], axis=1) for motions in found)
    np.testing.assert_allclose(smooth, gaussian_filter1d(lengths, 2, mode='nearest'), rtol=1e-5)
    np.testing.assert_allclose(found[1][:, :3] / smooth[:, None],
                               found[0][:, :3] / lengths[:, None], atol=1e-5)
    np.testing.assert_array_equal(found[1][:, 3:], found[0][:, 3:])
    assert np.ptp(smooth) < 0.9 * np.ptp(lengths)


def test_a_car_that_stands_has_no_direction_to_smooth():
    motions = np.zeros((5, 6))
    motions[1:, 2] = 1
    smooth = motion.smoothed_lengths(motions, 1)
    assert np.isfinite(smooth).all() and not smooth[0].any() and 0 < smooth[1, 2] < 1


@pytest.mark.parametrize('flag', ['flip_average', 'reverse_average'])
def test_an_average_that_does_not_exist_is_refused(drive, trained, tmp_path, capsys, flag):
    with pytest.raises(UserError, match='--%s=true: .* --label_frame=world' % flag):
        _test(drive, tmp_path, '--init_checkpoint=' + trained, '--test_sequences=1',
              '--' + flag, '--label_frame=world')
    assert '--label_frame=world: the checkpoint was trained with camera' in capsys.readouterr().err


def test_every_sequence_that_the_weights_were_trained_on_counts_as_trained_on(
        drive, tmp_path, capsys):
    first, second = str(tmp_path / 'first'), str(tmp_path / 'second')
    _train(drive, first, '--total_steps=1')
    _train(drive, first, '--total_steps=2', '--train_sequences=1', '--val_sequences=')
    _train(drive, second, '--total_steps=1', '--train_sequences=1', '--init_checkpoint=' + first)
    assert 'sequence 01: used in training' in capsys.readouterr().err  # it is validated on
    for run in (first, second):
        assert read_saved(run)['train_sequences'] == ['00', '01']


def test_the_baseline_of_every_other_frame_takes_twice_the_step(drive, trained, tmp_path):
    sparse = str(tmp_path / 'sparse')
    shutil.copytree(drive, sparse)
    for path in sorted(glob.glob(sparse + '/sequences/01/image_0/*.png'))[1::2]:
        os.remove(path)
    _test(sparse, tmp_path, '--init_checkpoint=' + trained, '--test_sequences=1', '--lengths=2',
          '--noevo')
    content = odometry.read_pose_file(str(tmp_path / 'test' / '01.txt'))
    assert content.frames.tolist() == [0, 2, 4, 6]
    step, _ = step_from_files([os.path.join(drive, 'poses', '00.txt')])
    truth = odometry.read_pose_file(os.path.join(drive, 'poses', '01.txt')).poses[::2]
    straight = np.linalg.norm(relative(truth[0], truth)[:, :3, 3]
                              - np.outer([0, 2, 4, 6], step), axis=1)
    found = json.loads((tmp_path / 'test' / 'results.json').read_text())['sequences']['01']
    assert found['baseline']['ate'] == pytest.approx(np.sqrt(np.mean(straight ** 2)))


def test_a_sequence_without_poses_is_predicted_and_not_scored(drive, trained, tmp_path):
    os.makedirs(str(tmp_path / 'data'))
    os.symlink(os.path.join(drive, 'sequences'), str(tmp_path / 'data' / 'sequences'))
    _test(str(tmp_path / 'data'), trained, '--test_sequences=1')
    assert len(odometry.read_pose_file(os.path.join(trained, 'test', '01.txt')).poses) == 8


def counting(examples, total, desc):
    """Stands in for the network: a motion is (first frame, second frame, its place in the
    window, ...)."""
    for example in examples:
        motions = np.zeros([3, net.MOTION_SIZE], np.float32)
        motions[:, 0], motions[:, 1] = example['frames'][:-1], example['frames'][1:]
        motions[:, 2] = np.arange(3)
        yield {'motions': motions}


class _NumberReader:
    """Frames that are their own index."""

    def __init__(self, num_frames):
        self.paths = ['%06d.png' % index for index in range(num_frames)]

    def read(self, indices):
        return CompactFrames(np.asarray(indices), None, None)


@pytest.mark.parametrize('overlap', [False, True])
@pytest.mark.parametrize('num_frames', [2, 3, 4, 5, 7, 8, 9, 20])
def test_each_motion_is_predicted_once_or_averaged_over_the_windows_with_it(num_frames, overlap):
    motions = predict_motions(counting, _NumberReader(num_frames), 3, overlap=overlap)
    wanted = np.arange(num_frames - 1)
    np.testing.assert_array_equal(motions[:, :2], np.stack([wanted, wanted + 1], axis=1))
    if overlap:
        starts = range(max(1, num_frames - 3))
        places = [np.mean([place - start for start in starts if 0 <= place - start < 3])
                  for place in wanted]
        np.testing.assert_allclose(motions[:, 2], places)


@pytest.mark.parametrize('optional', [(evo_tools, 'evo_errors', '--evo'),
                                      (plots, 'plot_trajectories', '--noevo')])
def test_results_are_written_before_anything_optional_fails(
        drive, trained, tmp_path, monkeypatch, optional):
    module, name, flag = optional

    def fail(*_, **__):
        raise RuntimeError('no room')
    monkeypatch.setattr(module, name, fail)
    with pytest.raises(RuntimeError, match='no room'):
        _test(drive, tmp_path, '--init_checkpoint=' + trained, '--test_sequences=0,1', flag)
    results = json.loads((tmp_path / 'test' / 'results.json').read_text())['sequences']
    assert results['00']['ate'] > 0 and results['01']['ate'] > 0


def test_nothing_is_written_if_weights_are_nan(drive, trained, tmp_path):
    (tmp_path / 'config.json').write_text(open(os.path.join(trained, 'config.json')).read())
    write_with_nan(checkpoints.latest(trained), str(tmp_path / 'model'))
    with pytest.raises(UserError, match='checkpoint .*model: is damaged .variable .* holds NaN'):
        _test(drive, tmp_path, '--init_checkpoint=%s' % (tmp_path / 'model'), '--test_sequences=0',
              '--noevo')
    assert not os.listdir(str(tmp_path / 'test'))
