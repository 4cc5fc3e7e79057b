"""The shell scripts where HOME is not set, and folders whose names begin with ~."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]


def bash(*command, **variables):
    """The CompletedProcess of a bash command whose environment has no HOME but a given one."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in ('HOME', 'PYTHON', 'VENV')}
    return subprocess.run(['bash', *command], env=dict(environment, **variables),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True, cwd=str(ROOT))


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
    assert ended.stdout.startswith('error: ') and 'none' in ended.stdout


@pytest.mark.parametrize('wrapper', ['train_full_1p', 'train_performance_1p', 'train_full_8p',
                                     'train_performance_8p'])
def test_a_wrapper_without_home_ends_with_a_sentence_on_the_folder(wrapper):
    ended = bash('test/%s.sh' % wrapper, '--data_path=~/none')
    assert ended.returncode == 2
    assert ended.stdout == 'error: --data_path=~/none is not a folder\n'
