"""ConvLSTM's command line: user errors exit with status 2 and a message, without traceback."""
import os
import shutil

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


@pytest.mark.parametrize('mode', ['train', 'test'])
def test_a_truncated_frame_is_reported_before_the_first_step(drive, tmp_path, capsys, mode):
    own_drive = shutil.copytree(drive, str(tmp_path / 'my own drive'))
    frame = os.path.join(own_drive, 'sequences', '00', 'image_0', '000004.png')
    with open(frame, 'r+b') as stream:
        stream.truncate(os.path.getsize(frame) // 2)
    assert frame in fails(capsys, mode, own_drive, tmp_path / 'run')
    assert not (tmp_path / 'run').exists()


def test_a_missing_sequence_is_reported(tmp_path, capsys):
    assert str(tmp_path / 'sequences') in fails(capsys, 'train', tmp_path, tmp_path / 'run')


@pytest.mark.parametrize('mode, flags, message', [
    ('test', (), 'TMP/no run'), ('export', (), 'TMP/no run'),
    ('test', ('--init_checkpoint=/nowhere/model40',), '/nowhere/model40'),
    ('train', ('--init_checkpoint=/nowhere/model40',), '/nowhere/model40')])
def test_a_missing_checkpoint_is_reported(drive, tmp_path, capsys, mode, flags, message):
    said = fails(capsys, mode, drive, tmp_path / 'no run', *flags)
    assert message.replace('TMP', str(tmp_path)) in said


@pytest.mark.parametrize('mode, missing, flag', [
    ('train', 'data', '--datapath'), ('test', 'data', '--datapath'),
    ('train', 'output', '--outputpath'), ('export', 'output', '--outputpath')])
def test_a_missing_required_flag_is_reported(tmp_path, capsys, mode, missing, flag):
    folders = {'data': tmp_path, 'output': tmp_path, missing: ''}
    assert '%s= is empty: must be' % flag in fails(
        capsys, mode, folders['data'], folders['output'])


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


def test_broken_poses_are_reported_before_the_first_prediction(drive, tmp_path, capsys):
    own_drive = shutil.copytree(drive, str(tmp_path / 'drive'))
    path = os.path.join(own_drive, 'poses', '00.txt')
    with open(path) as stream:
        lines = stream.readlines()
    with open(path, 'w') as stream:
        stream.writelines(lines[:3])
    assert 'has 3 poses, but none for frame 3' in fails(capsys, 'test', own_drive, tmp_path / 'run')


def test_the_short_form_of_the_training_sequences_is_refused_beside_them():
    with pytest.raises(UserError, match='--trajectory_length=3: must not be given with'):
        RunConfig(train_sequences=['3'], trajectory_length=3)
