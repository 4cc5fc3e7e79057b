"""GeoNet's command line: user errors exit with status 2 and a message, without traceback."""
import os
import shutil

import pytest

from geonet import main
from geonet_program import SIZE, geonet_fails
from repository import run
from vo_common.files import write_json


@pytest.fixture
def own_set(synthetic_formatted, tmp_path):
    """A copy of the formatted set that a test may damage, at a path with spaces."""
    return shutil.copytree(synthetic_formatted, str(tmp_path / 'my own set'))


def examples_of(formatted):
    with open(os.path.join(formatted, 'train.txt')) as stream:
        return [os.path.join(formatted, *line.split()) for line in stream]


def train_fails(capsys, formatted, folder, **flags):
    given = dict(dict(dataset_dir=formatted, checkpoint_dir=str(folder), max_steps=9,
                      batch_size=2), **flags)
    return geonet_fails(capsys, 'train_rigid', *SIZE, **given)


def test_a_truncated_jpeg_in_the_set_is_reported(own_set, tmp_path, capsys):
    path = examples_of(own_set)[4] + '.jpg'
    with open(path, 'r+b') as stream:
        stream.truncate(os.path.getsize(path) // 2)
    assert path in train_fails(capsys, own_set, tmp_path / 'run')


def write(path, content):
    with open(path, 'w') as stream:
        stream.write(content)


@pytest.mark.parametrize('damage, message', [
    (lambda folder, one: write(os.path.join(folder, 'train.txt'), ''), 'train.txt lists no'),
    (lambda folder, one: write(one + '_cam.txt', '1,2,3,4,5,6,7,8'), 'must be 9 finite numbers'),
    (lambda folder, one: write(one + '.jpg', ''), '.jpg is in the list of examples but empty'),
    (lambda folder, one: os.remove(one + '_cam.txt'), '_cam.txt is in the list of examples but'),
    (lambda folder, one: shutil.rmtree(folder), 'formatted data set (--dataset_dir)')])
def test_a_broken_set_is_refused_before_training(own_set, tmp_path, capsys, damage, message):
    damage(own_set, examples_of(own_set)[0])
    said = train_fails(capsys, own_set, tmp_path / 'run')
    assert message in said and own_set in said


@pytest.mark.parametrize('flags, messages', [
    (dict(img_height=48), ('32 high and 312 wide', '--img_height=48')),
    (dict(seq_length=5), ('32 high and 312 wide', '--seq_length=5')),
    (dict(seq_length=4), ('--seq_length=4', 'odd')),
    (dict(canonical_camera='1,2,3'), ('--canonical_camera=1,2,3', 'four numbers')),
    (dict(batch_size=0), ('--batch_size=0',)),
    (dict(intrinsics='1,2,3', eval_dataset_dir='.', eval_every=1),
     ('--intrinsics=1,2,3: must be four numbers',)),
    (dict(pictures='16bit'), ('--pictures=16bit: must not be given with --mode=',)),
    (dict(pictures='8bit'), ('--pictures=8bit: must be one of False, True, 16bit',)),
    (dict(depth_scale=2), ('--depth_scale=2.0: must not be given with --mode=train_rigid',)),
    (dict(canonical_camera='60,61,52,16'),
     ('--canonical_camera=60,61,52,16 (fractions of', 'fx is')),
    (dict(eval_every=-1), ('--eval_every=-1',)),
    (dict(init_ckpt_file='/nowhere/model-5'), ('no checkpoint /nowhere/model-5',)),
    (dict(checkpoint_dir=''), ('--checkpoint_dir= is empty',)),
    (dict(camera=0), ('--camera=0: must not be given with --mode=train_rigid without '
                      '--eval_dataset_dir, whose validation alone reads it',)),
    (dict(device='npu'), ('npu_bridge',))])
def test_impossible_flags_are_reported(synthetic_formatted, tmp_path, capsys, flags, messages):
    said = train_fails(capsys, synthetic_formatted, tmp_path / 'run', **flags)
    for message in messages:
        assert message in said


@pytest.mark.parametrize('flags, message', [
    (('--depth_scale=2', '--pictures'), '--depth_scale=2: must be 1 without --pictures=16bit'),
    (('--refine_steps=2', '--test_file_list=list.txt'),
     '--refine_steps=2: must be 0 with --test_file_list (a frame is refined on its'),
    (('--intrinsics=50,50,52,16',),
     '--intrinsics: must not be given with --mode=test_depth without --refine_steps')])
def test_flags_of_test_depth_that_contradict_each_other_are_reported(capsys, flags, message):
    assert message in geonet_fails(capsys, 'test_depth', *flags)


def test_a_camera_that_nothing_reads_is_refused(rigid_run, synthetic_kitti, tmp_path, capsys):
    given = dict(intrinsics='50,50,52,16', dataset_dir=synthetic_kitti, output_dir=str(tmp_path))
    assert '--intrinsics: must not be given to predict poses without' in geonet_fails(
        capsys, 'test_pose', init_ckpt_file=rigid_run, **given)
    (tmp_path / 'config.json').write_text('{"model": {"flownet_type": "direct"}}')
    assert '--intrinsics: must not be given to predict flow with --flownet_type=direct' in (
        geonet_fails(capsys, 'test_flow', init_ckpt_file=str(tmp_path / 'model'), **given))


def test_a_checkpoint_folder_that_is_a_file_is_reported(synthetic_formatted, tmp_path, capsys):
    (tmp_path / 'run').write_text('')
    assert str(tmp_path / 'run') in train_fails(capsys, synthetic_formatted, tmp_path / 'run')


def test_an_unknown_flag_exits_with_status_2():
    ended = run('geonet/main.py', '--mode=test_pose', '--batchsize=2')
    assert ended.returncode == 2 and '--batchsize' in ended.stderr
    ended = run('geonet/main.py', '--mode=test_pose')
    assert ended.returncode == 2 and '--init_ckpt_file= is empty' in ended.stderr
    assert 'Traceback' not in ended.stderr


@pytest.mark.parametrize('mode, resumed, expected', [
    ('train_rigid', False, 1.5), ('train_rigid', True, 2.5), ('test_depth', True, 1.5)])
def test_a_resumed_run_keeps_its_own_model_flags(tmp_path, mode, resumed, expected):
    for name, weight in (('start', 1.5), ('run', 2.5)):
        (tmp_path / name).mkdir()
        write_json(str(tmp_path / name / 'config.json'), {'model': {'disp_smooth_weight': weight}})
    if resumed:
        (tmp_path / 'run' / 'model-2.index').touch()
    saved = main._saved_model({'mode': mode, 'init_ckpt_file': str(tmp_path / 'start'),
                               'checkpoint_dir': str(tmp_path / 'run')})
    assert saved == {'disp_smooth_weight': expected}
