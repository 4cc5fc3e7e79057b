"""scripts/setup_env.sh: the chosen engine and the reason, with stand-ins for all programs.

No interpreter of this machine is seen: PATH, HOME and pyenv's folder hold stand-ins alone.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

import repository
from repository import ROOT, write_program

TOOLS = ('bash', 'cat', 'chmod', 'cksum', 'cp', 'cut', 'dirname', 'find', 'flock', 'grep', 'head',
         'ls', 'mkdir', 'paste', 'rm', 'sed', 'sh', 'sleep', 'sort', 'tail', 'touch')

# A Python: answers its version, makes environments of itself, and records what it installs.
PYTHON = r'''#!/usr/bin/env bash
case "$*" in
  *version_info*) echo {version}; exit {venv} ;;
  *'import npu_bridge'*) exit {npu} ;;
  *'import tensorflow'*) [ -z "${{PYTHONDONTWRITEBYTECODE-}}" ] || exit 1
    echo "ready: TensorFlow of {version}" ;;
  '-m venv '*) mkdir -p "${{!#}}/bin"; touch "${{!#}}/pyvenv.cfg"
    echo "venv: ${{*:3:$#-3}}" >> "$RECORD"
    cp "$0" "${{!#}}/bin/python" ;;
  *'pip install'*'--target'*) exit 1 ;;
  *'pip install'*) [ -z "${{PIP_WAITS-}}" ] || {{ touch "$PIP_WAITS"; sleep 60; }}
    [ -z "${{PIP_FAILS-}}" ] || exit 1
    cat "${{!#}}" > "$RECORD.requirements"; echo installed >> "$RECORD" ;;
esac
'''
# Installs as uv does: with a lock of its own in the environment.
UV = r'''#!/usr/bin/env bash
[ "$1" = pip ] || exit 1
while [ $# -gt 0 ]; do [ "$1" != -p ] || venv=${2%/bin/python}; shift; done
flock -n "$venv/.lock" bash -c : && echo 'installed by uv' >> "$RECORD"
'''
UNAME = '#!/bin/sh\ncase "$1" in -m) echo {machine} ;; *) echo Linux {machine} ;; esac\n'


class Machine:
    """A clone in a folder with a space, and the programs it can reach."""

    def __init__(self, folder):
        self.clone, self.bin = folder / 'my clone', folder / 'bin'
        self.home, self.record = folder / 'a home', folder / 'record'
        (self.clone / 'scripts').mkdir(parents=True)
        self.bin.mkdir()
        for name in ('scripts/setup_env.sh', 'scripts/shell.sh', 'requirements.txt',
                     'requirements-newest.txt', 'Makefile'):
            shutil.copy(str(ROOT / name), str(self.clone / name))
        for tool in TOOLS + ('make',):
            path = shutil.which(tool)
            if path:
                (self.bin / tool).symlink_to(path)
        write_program(self.bin / 'uname', UNAME.format(machine='x86_64'))

    def python(self, version, path=None, npu=False, venv=True):
        path = path or self.home / '.pyenv' / 'versions' / (version + '.1') / 'bin' / 'python'
        write_program(path, PYTHON.format(version=version, npu=int(not npu), venv=int(not venv)))
        return path

    def pythons(self, *versions, **features):
        for version in versions:
            self.python(version, **features)

    def environment(self, **choices):
        variables = dict(PATH=str(self.bin), HOME=str(self.home), RECORD=str(self.record),
                         PYTHONDONTWRITEBYTECODE='1')
        variables.update(choices)
        return {name: value for name, value in variables.items() if value is not None}

    def run(self, *command, **choices):
        """The CompletedProcess of scripts/setup_env.sh, or of another command in the clone."""
        return repository.run(*command or ('bash', 'scripts/setup_env.sh'), cwd=self.clone,
                              without=os.environ, timeout=60, **self.environment(**choices))

    def start(self, **choices):
        """A running scripts/setup_env.sh, in its own process group."""
        return subprocess.Popen(['bash', 'scripts/setup_env.sh'], cwd=str(self.clone),
                                env=self.environment(**choices), stdout=subprocess.DEVNULL,
                                start_new_session=True)

    def made(self, **choices):
        """(first line printed, requirements installed) of a choice that works."""
        done = self.run(**choices)
        assert done.returncode == 0, done.stderr
        requirements = pathlib.Path(str(self.record) + '.requirements').read_text().splitlines()
        return done.stdout.splitlines()[0], [line for line in requirements if line[:1] != '#']

    def refused(self, **choices):
        """The sentence that a choice is refused with; nothing was made before it."""
        done = self.run(**choices)
        assert done.returncode == 2, done.stdout
        assert done.stdout == '' and not self.record.exists()
        assert not (self.clone / '.venv').exists()
        assert done.stderr.startswith('error: ') and done.stderr.count('\n') == 1
        return done.stderr

    def installs(self):
        return self.record.read_text().count('installed') if self.record.exists() else 0


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize('versions,chosen,tensorflow', [
    (['3.7', '3.13'], 'reference engine, Python 3.7,', 'tensorflow-cpu==1.15.0'),
    (['3.10', '3.12', '3.9', '3.13', '3.6', '3.14'], 'newest engine, Python 3.13,',
     'tensorflow-cpu>=2.13'),
    (['3.9', '3.8'], 'newest engine, Python 3.9,', 'tensorflow-cpu>=2.13')])
def test_python_3_7_gives_the_reference_engine_else_the_newest_python_is_used(
        machine, versions, chosen, tensorflow):
    machine.pythons(*versions)
    line, requirements = machine.made()
    assert chosen in line and tensorflow in requirements
    assert ('Python 3.7 found' if '3.7' in versions else 'no Python 3.7') in line
    assert 'no NVIDIA driver answers' in line


def test_if_no_python_fits_uv_installs_the_newest_supported_one(machine):
    machine.python('3.6')
    machine.python('3.13', machine.home / 'waiting')
    write_program(machine.bin / 'uv', """#!/usr/bin/env bash
case "$1 $2" in
  'python dir') echo "$HOME/uv" ;;
  'python install') mkdir -p "$HOME/uv/$3/bin"; cp "$HOME/waiting" "$HOME/uv/$3/bin/python3" ;;
  *) exit 1 ;;
esac
""")
    line, _ = machine.made()
    assert 'newest engine, Python 3.13,' in line
    assert (machine.home / 'uv' / '3.13').is_dir()


@pytest.mark.parametrize('choices,chosen,tensorflow', [
    (dict(ENGINE='newest'), 'Python 3.13', 'tensorflow-cpu>=2.13'),
    (dict(PYTHON_VERSION='3.12'), 'Python 3.12', 'tensorflow-cpu>=2.13'),
    (dict(PYTHON_VERSION='3.9'), 'Python 3.9', 'tensorflow-cpu>=2.13'),
    (dict(TENSORFLOW='2.21.0'), 'Python 3.13', 'tensorflow-cpu==2.21.0'),
    (dict(TENSORFLOW='2.19'), 'Python 3.12', 'tensorflow-cpu==2.19.*'),
    (dict(TENSORFLOW='2.13.1'), 'Python 3.9', 'tensorflow-cpu==2.13.1'),
    (dict(TENSORFLOW='1.15.5'), 'Python 3.7', 'tensorflow==1.15.5'),
    (dict(TENSORFLOW='gpu'), 'Python 3.7', 'tensorflow==1.15.0'),
    (dict(TENSORFLOW='gpu', ENGINE='newest'), 'Python 3.13', 'tensorflow[and-cuda]>=2.13'),
    (dict(TENSORFLOW='cpu', ENGINE='newest'), 'Python 3.13', 'tensorflow-cpu>=2.13')])
def test_a_choice_is_followed_and_named_as_the_reason(machine, choices, chosen, tensorflow):
    machine.pythons('3.7', '3.9', '3.12', '3.13')
    line, requirements = machine.made(**choices)
    assert chosen in line and tensorflow in requirements
    for name, value in choices.items():
        assert '%s=%s' % (name, value) in line


def test_a_python_named_by_its_path_is_taken(machine, tmp_path):
    machine.python('3.7')
    other = machine.python('3.11', tmp_path / 'else where' / 'python')
    line, _ = machine.made(PYTHON=str(other))
    assert 'newest engine, Python 3.11' in line and 'PYTHON=%s' % other in line


def test_a_python_on_the_path_takes_precedence_over_pyenv_if_it_runs(machine):
    machine.python('3.12')
    machine.python('3.12', machine.bin / 'python3')
    write_program(machine.bin / 'python3.7',
                  '#!/bin/sh\necho pyenv: no such command >&2; exit 127\n')
    machine.made()
    chosen = (machine.clone / '.venv' / '.choice').read_text().splitlines()[1]
    assert chosen == str(machine.bin / 'python3')


@pytest.mark.parametrize('python,status,tensorflow', [
    ('3.7', 0, 'tensorflow==1.15.0'), ('3.12', 0, 'tensorflow[and-cuda]>=2.13'),
    ('3.9', 0, 'tensorflow[and-cuda]>=2.13'), ('3.8', 0, 'tensorflow>=2.13'),
    ('3.12', 9, 'tensorflow-cpu>=2.13')])
def test_a_working_nvidia_driver_selects_tensorflow_for_gpus(machine, python, status, tensorflow):
    machine.python(python)
    write_program(machine.bin / 'nvidia-smi', '#!/bin/sh\nexit %d\n' % status)
    line, requirements = machine.made()
    answers = 'no NVIDIA driver answers' if status else 'an NVIDIA driver answers'
    assert answers in line and tensorflow in requirements


@pytest.mark.parametrize('architecture', ['x86_64', 'aarch64'])
def test_an_ascend_image_keeps_its_own_tensorflow(machine, architecture):
    write_program(machine.bin / 'uname', UNAME.format(machine=architecture))
    machine.python('3.13')
    machine.python('3.7', npu=True)
    line, requirements = machine.made()
    assert 'reference engine, Python 3.7, TensorFlow of the image' in line
    assert 'npu_bridge imports' in line
    assert not [name for name in requirements if name.startswith('tensorflow')]
    assert 'venv: --system-site-packages' in machine.record.read_text()


def test_other_architectures_than_x86_64_use_the_newest_engine(machine):
    write_program(machine.bin / 'uname', UNAME.format(machine='aarch64'))
    machine.pythons('3.7', '3.12')
    line, requirements = machine.made()
    assert 'newest engine, Python 3.12, tensorflow>=2.13 (' in line
    assert 'tensorflow>=2.13' in requirements


@pytest.mark.parametrize('choices,said', [
    (dict(ENGINE='fastest'), 'ENGINE=fastest: must be reference'),
    (dict(TENSORFLOW='new'), 'TENSORFLOW=new: must be cpu, gpu or a version'),
    (dict(PYTHON_VERSION='three'), 'PYTHON_VERSION=three: must be one such as 3.12'),
    (dict(ENGINE='reference', PYTHON_VERSION='3.13'),
     'ENGINE=reference PYTHON_VERSION=3.13: must fit together (Python 3.7 (TensorFlow 1.15), '),
    (dict(TENSORFLOW='2.5.0'), 'TENSORFLOW=2.5.0: must fit together'),
    (dict(TENSORFLOW='1.15', ENGINE='newest'), 'must fit together'),
    (dict(TENSORFLOW='2.21.0', PYTHON_VERSION='3.9'), '3.9 (TensorFlow 2.13 to 2.20)'),
    (dict(ENGINE='reference'), 'found Python 3.6, 3.13, must be Python 3.7 (TensorFlow 1.15);'),
    (dict(PYTHON_VERSION='3.12'),
     'found Python 3.6, 3.13, must be Python 3.12 (TensorFlow 2.16 or newer); install one or set'),
    (dict(PYTHON='/no/python'), 'PYTHON=/no/python: found no Python, must be Python 3.7'),
    (dict(VENV='scripts'), 'scripts: must be a new folder or an environment'),
    (dict(VENV='a:b'), 'a:b: must have no colon')])
def test_impossible_choices_are_refused_before_anything_is_created(machine, choices, said):
    machine.pythons('3.6', '3.13')
    assert said in machine.refused(**choices)
    assert (machine.clone / 'scripts' / 'setup_env.sh').exists()


@pytest.mark.parametrize('versions,venv,home,found', [
    ([], True, None, 'no Python'), (['3.6', '3.14'], True, 'there', 'Python 3.6, 3.14'),
    (['3.11'], False, 'there', 'Python 3.11 without the modules venv and ensurepip')])
def test_without_a_usable_python_the_error_lists_found_and_supported_ones(
        machine, versions, venv, home, found):
    machine.pythons(*versions, venv=venv)
    said = machine.refused(HOME=str(machine.home) if home else None)
    assert 'found %s, must be Python 3.7 (TensorFlow 1.15), 3.8' % found in said
    assert '3.13 (TensorFlow 2.20 or newer); install one or set PYTHON=' in said


def test_an_environment_keeps_its_choice_until_another_engine_or_list_rebuilds_it(machine):
    machine.pythons('3.7', '3.13')
    machine.made(ENGINE='newest')
    line, _ = machine.made()
    assert 'newest engine, Python 3.13' in line and 'as built before' in line
    machine.made(ENGINE='newest')
    assert machine.installs() == 1
    (machine.clone / '.venv' / 'left over').write_text('')
    line, requirements = machine.made(ENGINE='reference')
    assert 'Python 3.7' in line and 'tensorflow-cpu==1.15.0' in requirements
    assert not (machine.clone / '.venv' / 'left over').exists()
    with open(str(machine.clone / 'requirements.txt'), 'a') as stream:
        stream.write('another\n')
    line, requirements = machine.made()
    assert 'Python 3.7' in line and 'another' in requirements and machine.installs() == 3


def test_an_environment_whose_python_is_gone_is_rebuilt(machine):
    gone = machine.python('3.13')
    machine.made()
    gone.unlink()
    machine.python('3.12')
    assert 'Python 3.12' in machine.made()[0]
    assert machine.installs() == 2


def test_a_build_killed_during_installation_is_repeated(machine, tmp_path):
    machine.pythons('3.7', '3.13')
    waits = tmp_path / 'waits'
    build = machine.start(ENGINE='newest', PIP_WAITS=str(waits))
    while not waits.exists():
        time.sleep(0.05)
    os.killpg(build.pid, signal.SIGKILL)
    build.wait()
    line, _ = machine.made()
    assert 'newest engine, Python 3.13' in line and machine.installs() == 1


def test_a_failed_installation_is_an_error_and_retried(machine):
    machine.python('3.13')
    failed = machine.run(PIP_FAILS='1')
    assert failed.returncode == 1
    assert 'error: the packages did not install' in failed.stderr
    machine.made()
    assert machine.installs() == 1


def test_two_builds_at_once_install_one_after_the_other(machine):
    machine.python('3.13')
    both = [machine.start() for _ in range(2)]
    assert [build.wait() for build in both] == [0, 0]
    assert machine.installs() == 1


@pytest.mark.parametrize('name', ['a b', 'a;b', "it's", 'a$$(touch oops)', '-x'])
def test_make_takes_the_folder_of_the_environment_literally(machine, name):
    machine.python('3.13')
    done = machine.run('make', 'VENV=' + name, 'env')
    assert done.returncode == 0, done.stderr
    folder = machine.clone / name.replace('$$', '$')
    assert (folder / '.complete').exists()
    done = machine.run('make', 'VENV=' + name, 'clean')
    assert done.returncode == 0, done.stderr
    assert not folder.exists()
    assert sorted(os.listdir(str(machine.clone))) == [
        'Makefile', 'requirements-newest.txt', 'requirements.txt', 'scripts']


def test_make_clean_leaves_a_folder_that_is_no_environment(machine):
    assert machine.run('make', 'VENV=scripts', 'clean').returncode == 0
    assert (machine.clone / 'scripts' / 'setup_env.sh').exists()


@pytest.mark.skipif(not shutil.which('flock'), reason='needs flock')
def test_uv_can_take_its_lock_in_the_environment(machine):
    machine.python('3.13')
    write_program(machine.bin / 'uv', UV)
    done = machine.run()
    assert done.returncode == 0, done.stderr
    assert 'installed by uv' in machine.record.read_text()
