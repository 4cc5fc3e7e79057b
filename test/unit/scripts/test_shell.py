"""The shell scripts where HOME is not set, and folders whose names begin with ~."""

import pytest

from repository import ROOT, run


def bash(*command, **variables):
    """The CompletedProcess of a bash command whose environment has no HOME but a given one."""
    return run('bash', *command, cwd=ROOT, without=('HOME', 'PYTHON', 'VENV'), **variables)


@pytest.mark.parametrize('typed,read', [
    ('~', '/h o'), ('~/data', '/h o/data'), ('~user/data', '~user/data'), ('a/~/b', 'a/~/b'),
    ('$HOME/a', '$HOME/a'), ('-n', '-n'), ('a b;c', 'a b;c')])
def test_only_a_tilde_at_the_beginning_is_the_users_folder(typed, read):
    command = ('-c', 'set -u; source scripts/shell.sh; expand_home "$1"', 'bash', typed)
    assert bash(*command, HOME='/h o').stdout == read + '\n'
    assert bash(*command).stdout == typed + '\n'


@pytest.mark.parametrize('script', ['odometry', 'raw', 'kitti2015', 'cityscapes'])
def test_preparing_without_home_ends_with_a_sentence_on_the_folder(script, tmp_path):
    ended = bash('scripts/prepare_%s.sh' % script, str(tmp_path / 'none'), '~/data', 'formatted')
    assert ended.returncode == 2
    assert ended.stderr.startswith('error: ') and 'none' in ended.stderr


@pytest.mark.parametrize('wrapper', ['train_full_1p', 'train_performance_1p', 'train_full_8p',
                                     'train_performance_8p'])
def test_a_wrapper_without_home_ends_with_a_sentence_on_the_folder(wrapper):
    ended = bash('test/%s.sh' % wrapper, '--data_path=~/none')
    assert ended.returncode == 2
    assert ended.stderr == 'error: --data_path=~/none is not a folder\n'
