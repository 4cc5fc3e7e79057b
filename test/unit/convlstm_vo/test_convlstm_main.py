"""ConvLSTM's command line: user errors exit with status 2 and a message, without traceback."""
import os
import shutil

import numpy as np
import pytest

from convlstm_vo import main as convlstm_vo
from convlstm_vo import predict_motion
from convlstm_vo.run_config import RunConfig
from kitti_data.rendering.synthetic import synthetic_dataset
import repository
from vo_common.errors import UserError
from vo_common.files import write_json

SIZE = ('--img_height=32', '--img_width=64', '--device=cpu')


@pytest.fixture(scope='module')
def drive(tmp_path_factory):
    """Odometry folder with the gray sequence 00 of 5 frames."""
    root = str(tmp_path_factory.mktemp('drive'))
    synthetic_dataset(root, ['00'], 5, 32, 64, cameras=(0,))
    return root


@pytest.fixture
def own_drive(drive, tmp_path):
    """A copy of it that a test may damage, at a path with spaces."""
    return shutil.copytree(drive, str(tmp_path / 'my own drive'))


def frame(root, number):
    return os.path.join(root, 'sequences', '00', 'image_0', '%06d.png' % number)


def fails(capsys, mode, data, output, *flags):
    """Runs the program, which must exit with status 2 without traceback; returns its stderr."""
    given = ['--mode=' + mode, '--outputpath=' + str(output), *SIZE]
    if mode != 'export':
        given += ['--datapath=' + str(data)]
    if mode == 'train':
        given += ['--train_sequences=0', '--val_sequences=', '--bsize=1', '--total_steps=1']
    elif mode == 'test':
        given += ['--test_sequences=0', '--noevo']
    return repository.fails(capsys, lambda: convlstm_vo.main(given + list(flags)))


def cut(path):
    with open(path, 'r+b') as stream:
        stream.truncate(os.path.getsize(path) // 2)


@pytest.mark.parametrize('damage, message', [
    (lambda root: cut(frame(root, 2)), lambda root: frame(root, 2)),
    (lambda root: shutil.rmtree(os.path.join(root, 'sequences')), lambda root: 'sequences'),
], ids=['truncated', 'no sequences'])
def test_damaged_data_are_reported_before_training(own_drive, tmp_path, capsys, damage, message):
    damage(own_drive)
    assert message(own_drive) in fails(capsys, 'train', own_drive, tmp_path / 'run')
    assert not (tmp_path / 'run').exists()


@pytest.mark.parametrize('mode, flags, message', [
    ('test', (), 'TMP/no run'), ('export', (), 'TMP/no run'),
    ('test', ('--init_checkpoint=/nowhere/model40',), '/nowhere/model40'),
    ('train', ('--init_checkpoint=/nowhere/model40',), '/nowhere/model40')])
def test_a_missing_checkpoint_is_reported(drive, tmp_path, capsys, mode, flags, message):
    said = fails(capsys, mode, drive, tmp_path / 'no run', *flags)
    assert message.replace('TMP', str(tmp_path)) in said


def test_an_output_folder_that_cannot_be_made_is_reported(drive, tmp_path, capsys):
    (tmp_path / 'file').write_text('')
    output = tmp_path / 'file' / 'run'
    assert str(tmp_path / 'file') in fails(capsys, 'train', drive, output)


@pytest.mark.parametrize('mode, missing, flag', [
    ('train', 'data', '--datapath'), ('test', 'data', '--datapath'),
    ('train', 'output', '--outputpath'), ('export', 'output', '--outputpath')])
def test_a_missing_required_flag_is_reported(tmp_path, capsys, mode, missing, flag):
    folders = {'data': tmp_path, 'output': tmp_path, missing: ''}
    assert '%s= is empty: must be' % flag in fails(
        capsys, mode, folders['data'], folders['output'])


def test_damage_to_a_test_sequence_is_reported(own_drive, tmp_path, capsys):
    cut(frame(own_drive, 4))
    assert frame(own_drive, 4) in fails(capsys, 'test', own_drive, tmp_path / 'run')


def test_paths_may_have_spaces_and_a_tilde(own_drive, tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    common = ['--outputpath=~/my own run', *SIZE]
    data = ['--datapath=~/my own drive']
    convlstm_vo.main(common + data + ['--mode=train', '--train_sequences=0', '--val_sequences=',
                                      '--bsize=1', '--total_steps=1'])
    convlstm_vo.main(common + data + ['--mode=test', '--test_sequences=0', '--lengths=1',
                                      '--noevo'])
    convlstm_vo.main(common + ['--mode=export'])
    run = tmp_path / 'my own run'
    assert {'config.json', 'model.index', 'test', 'export'} <= set(os.listdir(str(run)))
    assert (run / 'test' / '00_trajectory.png').exists()
    assert (run / 'export' / 'convlstm_vo.pb').exists()


def test_predicting_with_another_camera_than_in_training_warns(tmp_path, capsys):
    write_json(str(tmp_path / 'config.json'), {'run': {'camera': 2}, 'train_sequences': ['03']})
    run = RunConfig(outputpath=str(tmp_path), camera=0)
    assert predict_motion.training_sequences(run) == ['03']
    assert '--camera=0: the network was trained on camera 2' in capsys.readouterr().err
    predict_motion.training_sequences(RunConfig(outputpath=str(tmp_path), camera=2))
    assert capsys.readouterr().err == ''


@pytest.mark.parametrize('names', [None, 5, [3]])
def test_a_configuration_with_invalid_sequence_names_is_refused(tmp_path, names):
    write_json(str(tmp_path / 'config.json'), {'train_sequences': names})
    with pytest.raises(UserError, match='for "train_sequences", must be a list of names'):
        predict_motion.training_sequences(RunConfig(outputpath=str(tmp_path)))
