"""Checkpoints that are truncated, changed, incomplete, of another net, or contain NaN."""
import os
import pathlib
import shutil

import numpy as np
import pytest

import cases
import programs as running
from checkpoint_values import values_of, write_values
from settings import pick
from toy_training import losses_of

DATA = '.data-00000-of-00001'


def cut(prefix, rng):
    os.truncate(prefix + DATA, int(os.path.getsize(prefix + DATA) * rng.uniform(0, 0.99)))


def cut_index(prefix, rng):
    os.truncate(prefix + '.index', int(os.path.getsize(prefix + '.index') * rng.uniform(0, 0.9)))


def flip_a_bit(prefix, rng):
    # In the middle half, which holds the ballast or a kernel and no padding.
    path = pathlib.Path(prefix + DATA)
    content = bytearray(path.read_bytes())
    content[int(len(content) * rng.uniform(0.25, 0.75))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def lose_data(prefix, rng):
    os.remove(prefix + DATA)


def spoil(prefix, rng):
    """Sets one value of every weight tensor to NaN."""
    values = values_of(prefix)
    for key, value in values.items():
        if key.endswith(('weights', 'kernel', 'ballast')):
            value.flat[rng.randrange(value.size)] = np.nan
    write_values(prefix, values)


def foreign_net(prefix, rng):
    """Replaces the weights by ones with the same names and other shapes."""
    write_values(prefix, {key: value if value.ndim == 0 else np.zeros(3, value.dtype)
                          for key, value in values_of(prefix).items()})


DAMAGES = {damage.__name__: damage for damage in (
    cut, cut_index, flip_a_bit, lose_data, spoil, foreign_net)}
UNUSABLE = [name for name in DAMAGES if name != 'foreign_net']  # whatever the net


def copy_of(run, folder):
    shutil.copytree(str(run), str(folder))
    return folder


@pytest.fixture(scope='module')
def trained(programs, world, tmp_path_factory):
    """Folder of a toy training with checkpoints of steps 3, 6 and 7."""
    run = tmp_path_factory.mktemp('trained') / 'run'
    programs.works(*cases.train_toy(world, run, 7))
    return run


@pytest.mark.parametrize('damage', pick(UNUSABLE, ['flip_a_bit', 'spoil']))
def test_training_resumes_from_the_last_intact_checkpoint_and_names_it(
        damage, programs, world, references, trained, tmp_path, rng):
    for number in range(pick(8, 1)):
        run = copy_of(trained, tmp_path / str(number))
        DAMAGES[damage](str(run / 'model-7'), rng)
        ended = programs.works(*cases.train_toy(world, run))
        assert 'model-7' in ended.err and str(run / 'model-6') in ended.out
        assert losses_of(run) == losses_of(references('train_toy')[0])


def test_checkpoints_of_another_net_are_not_overwritten(programs, world, trained, tmp_path, rng):
    run = copy_of(trained, tmp_path / 'run')
    foreign_net(str(run / 'model-7'), rng)
    before = cases.contents(run)
    ended = programs.run(*cases.train_toy(world, run))
    running.assert_fails_with_one_message(ended, run / 'model-7')
    after = cases.contents(run)
    assert {path: after.get(path) for path in before if 'model-' in path} == {
        path: digest for path, digest in before.items() if 'model-' in path}


@pytest.fixture(scope='module')
def two_checkpoints(world, tmp_path_factory):
    """Folder with GeoNet's checkpoints model-1 and model-2, which have the same weights."""
    run = copy_of(world.rigid, tmp_path_factory.mktemp('rigid') / 'run')
    values = values_of(str(run / 'model-2'))
    values = {key: value for key, value in values.items() if 'Adam' not in key}
    write_values(str(run / 'model-2'), values)
    write_values(str(run / 'model-1'), dict(values, global_step=np.int64(1)))
    return run


@pytest.mark.parametrize('name', pick(['predict_pose', 'predict_depth', 'export_pose'],
                                      ['predict_pose']))
@pytest.mark.parametrize('damage', pick(list(DAMAGES), ['spoil']))
def test_prediction_from_a_damaged_checkpoint_fails_and_names_the_last_intact_one(
        name, damage, programs, world, two_checkpoints, tmp_path, rng):
    for number in range(pick(4, 1)):
        part = world.copied_to(tmp_path / str(number))
        copy_of(two_checkpoints, part.folder / 'rigid')
        DAMAGES[damage](str(part.folder / 'rigid' / 'model-2'), rng)
        out = part.folder / 'out'
        command = cases.WRITERS[name](part, out)
        ended = programs.run(*[word.replace('/rigid', '/rigid/model-2') for word in command])
        running.assert_fails_with_one_message(ended, 'model-2', 'model-1')
        assert not out.exists() or not list(out.iterdir()), 'written from a damaged checkpoint'


@pytest.mark.parametrize('damage', pick(UNUSABLE, ['flip_a_bit']))
def test_prediction_from_a_folder_uses_and_names_the_last_intact_checkpoint(
        damage, programs, world, two_checkpoints, references, tmp_path, rng):
    part = world.copied_to(tmp_path / 'part')
    copy_of(two_checkpoints, part.folder / 'rigid')
    DAMAGES[damage](str(part.folder / 'rigid' / 'model-2'), rng)
    ended = programs.works(*cases.predict_pose(part, part.folder / 'out'))
    assert 'model-2' in ended.err and str(part.folder / 'rigid' / 'model-1') in ended.out
    assert cases.of_any_place(part.folder / 'out') == cases.of_any_place(
        references('predict_pose')[0])


def test_checkpoint_file_cannot_point_outside_its_folder(programs, world, trained, tmp_path):
    run = copy_of(trained, tmp_path / 'run')
    for name in os.listdir(str(run)):
        if name.startswith('model-'):
            os.remove(str(run / name))
    (run / 'checkpoint').write_text('model_checkpoint_path: "%s/model-7"\n' % trained)
    ended = programs.run(*cases.train_toy(world, run))
    running.assert_no_trace(ended)
    assert str(trained) not in ended.out, 'loaded a checkpoint outside the folder'
