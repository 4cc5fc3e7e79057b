"""Flags declared as dataclasses read command lines as people write them."""
import dataclasses
from typing import List

import pytest

from vo_common.errors import UserError
from vo_common.flags import Flags, flag, parse_flags, path_flag, read_by, same_flag


@dataclasses.dataclass
class Config(Flags):
    """A program's flags."""
    batch_size: int = flag(4, 'examples a step', aliases=('bsize',), at_least=1)
    learning_rate: float = flag(2e-4, 'of Adam', above=0, below=1)
    encoder: str = flag('resnet50', 'which encoder', choices=('resnet50', 'vgg'))
    scale_normalize: bool = flag(False, 'divide by the mean')
    shuffle: bool = flag(True, 'reorder')
    sequences: List[int] = flag([0, 1], 'which sequences')
    data: str = path_flag('', 'folder')
    more: List[str] = path_flag([], 'folders')
    parts: List[str] = flag(['a'], 'parts', choices=('a', 'b'))


def parse(*argv):
    return parse_flags('A program.', Config, argv=argv)[0]


def test_defaults_apply_without_arguments_and_are_not_shared():
    parse().sequences.append(7)
    assert parse() == Config()


@pytest.mark.parametrize('argv, name, value', [
    (['--batch_size', '2'], 'batch_size', 2), (['--bsize=8'], 'batch_size', 8),
    (['--scale_normalize'], 'scale_normalize', True), (['--noshuffle'], 'shuffle', False),
    (['--scale_normalize=True'], 'scale_normalize', True),
    (['--shuffle', 'false'], 'shuffle', False), (['--sequences=0,2,8'], 'sequences', [0, 2, 8]),
    (['--parts=b,a'], 'parts', ['b', 'a'])])
def test_a_value_is_read_in_every_usual_spelling(argv, name, value):
    assert getattr(parse(*argv), name) == value


def test_paths_are_expanded_at_their_beginning_even_in_lists(monkeypatch):
    monkeypatch.setenv('HOME', '/home/me')
    config = parse('--data=~/a$HOME', '--more=~/a,b/~,$HOME/c')
    assert config.data == '/home/me/a$HOME'
    assert config.more == ['/home/me/a', 'b/~', '/home/me/c']


@pytest.mark.parametrize('typed, suggestion', [
    ('--batchsize=2', '; did you mean --batch_size?'), ('--batch=2', ''), ('--speed=2', '')])
def test_an_unknown_flag_exits_with_2_and_the_one_that_may_be_meant(typed, suggestion, capsys):
    with pytest.raises(SystemExit) as stop:
        parse(typed)
    assert stop.value.code == 2
    assert capsys.readouterr().err.endswith('unrecognized arguments: %s%s\n' % (typed, suggestion))


@pytest.mark.parametrize('argument, message', [
    ('--bsize=four', '--batch_size=four: must be a whole number'),
    ('--learning_rate=fast', '--learning_rate=fast: must be a number'),
    ('--encoder=alexnet', '--encoder=alexnet: must be one of resnet50, vgg'),
    ('--shuffle=maybe', '--shuffle=maybe: must be true or false'),
    ('--sequences=1,x',
     '--sequences=1,x: must be a comma-separated list, each item a whole number'),
    ('--parts=a,c', '--parts=c: must be among a, b'),
    ('--batch_size=0', '--batch_size=0: must be at least 1'),
    ('--learning_rate=0', '--learning_rate=0.0: must be above 0 and below 1'),
    ('--learning_rate=nan', '--learning_rate=nan: must be above 0 and below 1'),
    ('--learning_rate=inf', '--learning_rate=inf: must be above 0 and below 1')])
def test_a_wrong_value_is_refused_with_the_legal_ones(argument, message):
    with pytest.raises(UserError) as error:
        parse(argument)
    assert str(error.value) == message


@pytest.mark.parametrize('make, message', [
    (lambda: Config(batch_size=-1), '--batch_size=-1: must be at least 1'),
    (lambda: Config().require(data='the set'), '--data= is empty: must be the set')])
def test_values_are_checked_without_a_command_line(make, message):
    with pytest.raises(UserError, match=message):
        make()


def test_the_command_line_overrides_given_defaults():
    seen = {}

    def saved(values):
        seen.update(values)
        return {'encoder': 'vgg', 'batch_size': 7}
    config, = parse_flags('A program.', Config, argv=['--encoder=resnet50', '--data=d'],
                          defaults=saved)
    assert (config.encoder, config.batch_size) == ('resnet50', 7)
    assert (seen['data'], seen['batch_size']) == ('d', 4)


@read_by('train')
@dataclasses.dataclass
class TrainConfig(Flags):
    """Flags of training."""
    rate: float = flag(0.1, 'of training')
    size: int = flag(1, 'of a batch', modes=('train', 'test_pose'), at_least=1)


@dataclasses.dataclass
class ModeConfig(TrainConfig):
    """A program with modes."""
    mode: str = flag('train_all', 'what to do', choices=('train_all', 'test_pose', 'export'))
    size: int = same_flag(TrainConfig, 'size', default=2, aliases=('s',))
    names: List[str] = flag([], 'of sequences', modes=('test',))
    folder: str = path_flag('', 'of results', modes=('test', 'export'))
    device: str = flag('cpu', 'everywhere')


def test_an_inherited_flag_keeps_its_unchanged_properties():
    assert parse_flags('', ModeConfig, argv=[])[0].size == 2
    assert parse_flags('', ModeConfig, argv=['--s=5'])[0].size == 5
    with pytest.raises(UserError, match='--size=0: must be at least 1'):
        parse_flags('', ModeConfig, argv=['--s=0'])


@pytest.mark.parametrize('argv, refused', [
    (['--mode=test_pose', '--rate=1'],
     '--rate=1.0: must not be given with --mode=test_pose (read by train_all)'),
    (['--names=a,b'], '--names=a,b: must not be given with --mode=train_all (read by test_pose)'),
    (['--size=3', '--mode=export'],
     '--size=3: must not be given with --mode=export (read by train_all, test_pose)')])
def test_a_flag_that_the_mode_does_not_read_is_refused(argv, refused):
    with pytest.raises(UserError) as error:
        parse_flags('', ModeConfig, argv=argv)
    assert str(error.value) == refused


@pytest.mark.parametrize('argv, saved, rate', [
    (['--rate=1'], {}, 1), (['--mode=test_pose', '--size=3', '--names=a', '--device=x'], {}, 0.1),
    (['--mode=export', '--folder=f'], {}, 0.1), (['--mode=export'], {'rate': 0.5}, 0.5)])
def test_other_flags_and_values_from_a_checkpoint_are_accepted(argv, saved, rate):
    config, = parse_flags('', ModeConfig, argv=argv, defaults=lambda values: saved)
    assert config.rate == rate


def test_help_groups_flags_by_purpose_as_they_are_typed(capsys):
    with pytest.raises(SystemExit):
        parse_flags('Trains.\n\n    a command  as it stands\n', ModeConfig, Config, argv=['--help'])
    shown = capsys.readouterr().out
    assert 'main.py --mode=MODE [--flag=value ...]\n' in shown.replace(
        shown.split()[1], 'main.py', 1)
    assert 'Trains.\n\n    a command  as it stands\n' in shown
    blocks = dict(block.split(':\n', 1) for block in shown.split('\n\n') if ':\n' in block)
    lines = {name: ' '.join(block.split()) for name, block in blocks.items()}
    assert lines['Flags of training'] == (
        '--rate=X of training (default: 0.1) [train] '
        '--size, --s=N of a batch (default: 2) [train, test_pose]')
    assert '--folder=PATH of results [test, export]' in lines['A program with modes']
    assert lines["A program's flags"].startswith(
        '--batch_size, --bsize=N examples a step (default: 4) --learning_rate=X of Adam')
    for line in ('--encoder=resnet50|vgg which encoder (default: resnet50)',
                 '--shuffle=true|false reorder (default: true)', '--data=PATH folder --more',
                 '--sequences=A,B,... which sequences (default: 0,1)'):
        assert line in lines["A program's flags"]
