"""Flags of the ConvLSTM: published names, spellings and defaults; illegal values."""
import os

import pytest

from convlstm_vo.config import ModelConfig
from convlstm_vo.run_config import RunConfig
from vo_common.errors import UserError
from vo_common.flags import parse_flags


def _parse(*argv):
    return parse_flags('', RunConfig, ModelConfig, argv=list(argv))


def test_published_defaults():
    run, model = _parse()
    assert (run.batch_size, run.trajectory_length, run.learning_rate, run.train_iter,
            run.total_steps) == (32, 4, 0.0001, 240, -1)
    assert (model.time_steps, model.img_height, model.img_width, model.label_frame,
            model.rotation_weight, model.loss_reduction) == (1, 384, 1280, 'camera', 100, 'sum')
    assert run.train_sequences == ['0', '2', '8', '9']
    assert not set(run.train_sequences) & set(run.val_sequences + run.test_sequences)


@pytest.mark.parametrize('spelling, name, value', [
    ('--data_path=/d', 'datapath', '/d'), ('--datapath=/d', 'datapath', '/d'),
    ('--outputpath=~', 'outputpath', os.path.expanduser('~')),
    ('--batch_size=3', 'batch_size', 3),
    ('--bsize=3', 'batch_size', 3),
    ('--learing_rata=0.5', 'learning_rate', 0.5), ('--learning_rate=0.5', 'learning_rate', 0.5),
    ('--lr=0.5', 'learning_rate', 0.5), ('--train_iter=7', 'train_iter', 7)])
def test_every_published_spelling_is_the_same_flag(spelling, name, value):
    assert getattr(_parse(spelling)[0], name) == value


@pytest.mark.parametrize('spelling', ['--steps=5', '--time_steps=5'])
def test_steps_is_an_alias_of_time_steps(spelling):
    assert _parse(spelling)[1].time_steps == 5


def test_trajectory_length_is_the_number_of_training_sequences():
    assert _parse('--trajectory_length=2')[0].train_sequences == ['0', '2']
    assert _parse('--train_sequences=5,07')[0].train_sequences == ['5', '07']


@pytest.mark.parametrize('argument', [
    '--bsize=0', '--trajectory_length=5', '--lr=0', '--time_steps=0', '--img_width=-1',
    '--total_steps=0', '--gradient_clip=-1', '--rotation_weight=0', '--lr=nan'])
def test_an_impossible_value_is_refused_with_its_flag(argument):
    name = {'--bsize': '--batch_size', '--lr': '--learning_rate'}.get(
        argument.split('=')[0], argument.split('=')[0])
    with pytest.raises(UserError, match='^%s=' % name):
        _parse(argument)
