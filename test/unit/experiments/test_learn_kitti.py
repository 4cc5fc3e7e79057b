"""learn_kitti: the choice of drives, refused flags, and the values it stores."""
import json
import os
import re
import shutil

import numpy as np
import pytest

import repository
from kitti_data import poses as pose_math
from kitti_data.odometry import OdometrySequence
from kitti_eval.depth_splits import has_depth
from kitti_eval.snippets import snippets_of_trajectory, write_snippets
from experiments import drives as kitti_drives
from experiments import figures, learn_convlstm, learn_geonet, learn_kitti
from vo_common.errors import UserError


@pytest.fixture
def kitti(synthetic_kitti, tmp_path):
    """<str> a copy of the rendered sequences 00 and 09, to be changed."""
    folder = tmp_path / 'kitti'
    shutil.copytree(synthetic_kitti, str(folder))
    return str(folder)


def open_drives(root, train=(), test=()):
    return kitti_drives.open_drives(root, 2, list(train), list(test))


def test_without_flags_the_split_is_kittis_as_far_as_it_is_there(synthetic_kitti):
    drives = open_drives(synthetic_kitti)
    assert (drives.train, drives.test, drives.posed) == (['00'], ['09'], ['00'])


def test_a_validation_drive_is_neither_trained_on_nor_tested_on(kitti):
    for name in ('02', '10'):
        shutil.copytree(os.path.join(kitti, 'sequences', '09'),
                        os.path.join(kitti, 'sequences', name))
    drives = kitti_drives.open_drives(kitti, 2, validation=['2', '10'])
    assert (drives.train, drives.validation, drives.test) == (['00'], ['02', '10'], ['09'])
    assert [drives.place(name)['split'] for name in drives.evaluated] == [
        'validation', 'validation', 'test']


def test_broken_poses_are_reported_before_the_training(kitti):
    path = os.path.join(kitti, 'poses', '09.txt')
    with open(path) as stream:
        lines = stream.readlines()
    with open(path, 'w') as stream:
        stream.writelines(lines[:-1])
    with pytest.raises(UserError, match='09.txt has .* poses, but none for frame'):
        open_drives(kitti)


def test_a_missing_folder_of_true_flow_is_reported_before_the_training(kitti):
    with pytest.raises(UserError, match='--flow_dir'):
        learn_kitti.main(['--kitti_dir=' + kitti, '--flow_dir=/nowhere'])


def test_frames_that_lie_apart_have_no_error_from_frame_to_frame():
    poses = np.tile(np.eye(4), (40, 1, 1))
    poses[:, 2, 3] = np.arange(40)
    together, apart = (figures.trajectory_figures(poses, poses, [0, 0, 1], 'baseline', frames)
                       for frames in (None, np.arange(0, 80, 2)))
    assert together.found['rpe_trans'] == 0 and apart.found['rpe_trans'] is None


@pytest.mark.parametrize('content', ['[]', '3'])
def test_results_of_another_kind_are_refused_before_the_training(kitti, tmp_path, content):
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out' / 'results.json').write_text(content)
    with pytest.raises(UserError, match='results.json: must hold the results of each part'):
        learn_kitti.main(['--kitti_dir=' + kitti, '--output_dir=%s' % (tmp_path / 'out')])


def test_the_mean_is_that_of_the_test_drives_that_were_not_trained_on():
    rows = [dict(figures.rows_of({'ate_3': value}, {'ate_3': 2 * value}, model='GeoNet')[0],
                 sequence=name, split=split, trained_on=trained)
            for name, value, split, trained in (
                ('09', 0.1, 'test', False), ('10', 0.3, 'test', False), ('00', 9, 'test', True),
                ('39', 9, 'validation', False))]
    mean, = figures.mean_rows(rows)
    assert mean['sequence'] == 'mean of 2'
    assert (mean['value'], mean['baseline']) == pytest.approx((0.2, 0.4))
    assert figures.mean_rows(rows[1:]) == []


@pytest.mark.parametrize('part', [learn_geonet, learn_convlstm])
def test_the_seed_reaches_the_training(part, kitti, monkeypatch, tmp_path):
    class Trains(Exception):
        """Instead of a training."""

    def call(self, module, argv):
        del self, module
        if any(word.startswith('--mode=train') for word in argv):
            raise Trains(argv)

    monkeypatch.setattr(figures.Programs, '__call__', call)
    config = learn_kitti.Config(kitti_dir=kitti, seed=7, geonet_steps=400, convlstm_steps=400)
    with pytest.raises(Trains, match='--seed=7'):
        part.learn(config, open_drives(kitti), str(tmp_path / 'run'), {})


def test_laser_depth_beside_real_drives_scores_depth(kitti, tmp_path):
    shutil.rmtree(os.path.join(kitti, 'sequences', '09', 'depth'))
    drives = open_drives(kitti)
    prediction, call = str(tmp_path / 'model.npy'), figures.Programs()
    random = np.random.RandomState(0)
    truth = random.uniform(5, 30, (12, 1)) * np.ones((12, 4 * 10))
    np.save(prediction, 0.1 * truth.reshape(12, 4, 10).astype(np.float32))
    assert not has_depth(drives.sequence('09'))
    os.makedirs(os.path.join(kitti, 'depth'))
    scans = {'%06d' % number: np.where(random.rand(40, 100) < 0.5, truth[number, 0], 0)
             for number in (2, 7)}
    np.savez(os.path.join(kitti, 'depth', '09.npz'), **scans)
    assert has_depth(drives.sequence('09'))
    result = learn_geonet._depth_scores(drives, '09', prediction, call)
    assert result['images'] == 2 and result['prediction']['abs_rel'] == pytest.approx(0, abs=1e-6)
    np.savez(os.path.join(kitti, 'depth', '09.npz'), **{'000002': np.ones(3)})
    with pytest.raises(UserError, match=r'09.npz: frame 2: found float64 \(3,\), must be'):
        learn_geonet._depth_scores(drives, '09', prediction, call)
    scans['000007'][:, 50:] *= 2  # of d and 2d the best constant is d: 0 and 0.5
    np.savez(os.path.join(kitti, 'depth', '09.npz'), **scans)
    assert learn_geonet._depth_scores(drives, '09', prediction, call)[
        'best_constant']['abs_rel'] == pytest.approx(0.125, abs=0.02)


def test_without_a_folder_drives_are_rendered(monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setattr(learn_kitti, 'synthetic_dataset',
                        lambda folder, names, *_, **given: asked.update(
                            given, folder=folder, names=list(names)))
    monkeypatch.setattr(learn_kitti, 'open_drives', lambda root, *_: (_ for _ in ()).throw(
        UserError('opened ' + root)))
    with pytest.raises(UserError, match='opened %s' % (tmp_path / 'out' / 'kitti')):
        learn_kitti.main(['--output_dir=%s' % (tmp_path / 'out'), '--camera=0'])
    assert asked['cameras'] == (0,) and asked['names'] == list(range(10))


def test_the_mean_camera_is_that_of_all_training_frames(kitti):
    path = os.path.join(kitti, 'sequences', '09', 'calib.txt')
    with open(path) as stream:
        lines = [line.split() for line in stream]
    place, = [place for place, words in enumerate(lines) if words[0] == 'P2:']
    lines[place][1] = repr(1.5 * float(lines[place][1]))
    with open(path, 'w') as stream:
        stream.writelines(' '.join(words) + '\n' for words in lines)
    frames = [len(OdometrySequence(kitti, name, 2).frames) for name in ('00', '09')]
    found = open_drives(kitti, train=['0', '9'], test=['9']).mean_camera
    alone = open_drives(kitti, train=['0']).mean_camera
    assert found[0] == pytest.approx(alone[0] * np.average([1, 1.5], weights=frames))
    np.testing.assert_allclose(found[1:], alone[1:])


@pytest.mark.parametrize('flags, message', [
    (['--train_sequences=0,3'], r'--train_sequences=03: must be among .*\(00, 09\)'),
    (['--test_sequences=10'], r'--test_sequences=10: must be among'),
    (['--camera=0'], r'image_0 does not exist.*image_2'),
    (['--minutes=0'], r'--minutes=0\.0: must be above 0'),
    (['--parts=geonet,pose'], r'--parts=pose: must be among geonet, flow, convlstm_vo'),
    (['--validation_sequences=9', '--test_sequences=9'],
     r'--validation_sequences=09: must not be among --test_sequences \(09\)'),
    (['--validation_sequences=0', '--train_sequences=0'],
     r'--validation_sequences=00: must not be among --train_sequences \(00\)'),
    (['--validation_sequences=39'], r'--validation_sequences=39: must be among .*\(00, 09\)'),
    (['--kitti_dir=nowhere'], r'--kitti_dir')])
def test_impossible_flags_exit_with_one_sentence(
        synthetic_kitti, tmp_path, capsys, flags, message):
    said = repository.fails(capsys, lambda: learn_kitti.main(
        ['--kitti_dir=' + synthetic_kitti, '--output_dir=%s' % (tmp_path / 'out'), *flags]))
    assert re.search(message, said.strip().split('\n')[-1])


def test_tensorflow_logs_nothing(synthetic_kitti, tmp_path):
    ended = repository.run('experiments/learn_kitti.py', '--kitti_dir=' + synthetic_kitti,
                           '--test_sequences=10', '--output_dir=%s' % (tmp_path / 'out'),
                           without=('TF_CPP_MIN_LOG_LEVEL',))
    assert ended.returncode == 2 and ended.stderr.startswith('error: --test_sequences=10')
    assert ended.stderr.count('\n') == 1


def test_without_a_test_sequence_it_exits_with_an_error(kitti):
    shutil.rmtree(os.path.join(kitti, 'sequences', '09'))
    with pytest.raises(UserError, match='--test_sequences= is empty: must be given'):
        open_drives(kitti)


def test_a_test_sequence_that_is_trained_on_is_warned_of(synthetic_kitti, capsys):
    drives = open_drives(synthetic_kitti, train=['0', '9'])
    assert drives.train == ['00', '09']
    assert 'sequence 09 is used for training and testing' in capsys.readouterr().err


def test_without_poses_the_convlstm_is_left_out_and_says_why(kitti, tmp_path, capsys):
    os.remove(os.path.join(kitti, 'poses', '00.txt'))
    drives = open_drives(kitti)
    assert drives.posed == [] and drives.poses('09') is not None
    rows, blocks = learn_convlstm.learn(None, drives, str(tmp_path), {})
    assert rows == [] and 'needs the poses' in ''.join(blocks)
    assert 'needs the poses of its training sequences' in capsys.readouterr().err


def test_perfect_snippets_in_another_scale_have_no_error_beside_their_baseline(
        synthetic_kitti, tmp_path):
    drives = open_drives(synthetic_kitti)
    gt = drives.poses('09')
    runs = snippets_of_trajectory(gt, 3)
    runs[..., :3, 3] *= 0.1
    times = np.arange(len(runs))[:, None] + np.arange(3)
    write_snippets(str(tmp_path / 'pred'), range(len(runs)), times, runs)
    found, baseline, curves = figures.snippet_figures(str(tmp_path / 'pred'), drives, '09')
    for key in ('ate_3', 'ate_5', 'rpe_trans', 'rpe_rot', 'step_spread'):
        assert found[key] == pytest.approx(0, abs=2e-4), key
    assert found['yaw_slope'] == pytest.approx(1, abs=1e-3)
    assert baseline['ate_3'] > 1e-4 and baseline['rpe_trans'] > 1e-3
    np.testing.assert_allclose(curves[1][1], pose_math.relative(gt[0], gt), atol=1e-3)


def test_each_value_has_its_baseline_and_all_it_takes_to_reproduce_it():
    about = figures.circumstances(['--minutes=3', '--kitti_dir=a b'], 'experiments/learn_kitti.py')
    rows = figures.rows_of({'ate_3': 0.01, 't_rel': None}, {'ate_3': 0.02}, sequence='07',
                           trained_on=False, minutes=3.0, frames=10, steps=5, model='GeoNet',
                           **about)
    assert len(rows) == 1
    assert rows[0]['value'] == 0.01 and rows[0]['baseline'] == 0.02
    assert rows[0]['command'] == "python experiments/learn_kitti.py --minutes=3 '--kitti_dir=a b'"
    assert ' core' in rows[0]['machine'] and 'TensorFlow' in rows[0]['engine']
    json.dumps(rows, allow_nan=False)
    assert figures.comparison('', rows, 'constant').rows == [
        ('prediction', {'3-frame ATE [m]': 0.01}), ('constant', {'3-frame ATE [m]': 0.02})]


def test_the_programs_command_lines_are_kept(tmp_path):
    call = figures.Programs()
    from kitti_eval import generate_pose_snippets
    with pytest.raises(SystemExit):
        call(generate_pose_snippets, ['--help', '--x=a b'])
    assert call.lines == ["python kitti_eval/generate_pose_snippets.py --help '--x=a b'"]
