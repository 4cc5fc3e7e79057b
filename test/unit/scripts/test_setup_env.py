"""scripts/setup_env.sh chooses the engine and gives the reason; `.ci/run` builds both for real.

The Pythons of these tests answer only their version, so each build ends where it makes the
environment. PATH, HOME and pyenv's folder hide those of this machine.
"""
import os
import shutil
import subprocess

import pytest

from repository import ROOT, write_program

TOOLS = ('bash', 'cat', 'cksum', 'cut', 'dirname', 'find', 'grep', 'ls', 'make', 'mkdir', 'paste',
         'rm', 'sed', 'sh', 'sort')
PYTHON = r'''#!/usr/bin/env bash
case "$*" in
  *version_info*) echo {version}; exit {venv} ;;
  *'import npu_bridge'*) exit {npu} ;;
  *) exit 1 ;;
esac
'''


class Machine:
    """A clone in a folder with a space, and the programs it can reach."""

    def __init__(self, folder):
        self.clone, self.bin, self.home = folder / 'my clone', folder / 'bin', folder / 'a home'
        (self.clone / 'scripts').mkdir(parents=True)
        self.bin.mkdir()
        for name in ('scripts/setup_env.sh', 'scripts/shell.sh', 'requirements.txt',
                     'requirements-newest.txt', 'Makefile'):
            shutil.copy(str(ROOT / name), str(self.clone / name))
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        self.architecture('x86_64')

    def architecture(self, name):
        write_program(self.bin / 'uname',
                      '#!/bin/sh\n[ "$1" = -m ] || printf "Linux "\necho %s\n' % name)

    def python(self, version, path=None, npu=False, venv=True):
        path = path or self.home / '.pyenv' / 'versions' / (version + '.1') / 'bin' / 'python'
        write_program(path, PYTHON.format(version=version, npu=int(not npu), venv=int(not venv)))
        return path

    def run(self, *command, **choices):
        """The CompletedProcess of scripts/setup_env.sh, or of another command in the clone."""
        variables = dict(PATH=str(self.bin), HOME=str(self.home))
        variables.update(choices)
        return subprocess.run(
            command or ('bash', 'scripts/setup_env.sh'), cwd=str(self.clone),
            env={name: value for name, value in variables.items() if value is not None},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=60)

    def chosen(self, **choices):
        """The line that names the choice: engine, Python, requirement, reason."""
        done = self.run(**choices)
        assert done.returncode == 1, done.stderr  # where the Python fails
        return done.stdout

    def refused(self, **choices):
        """The sentence that a choice is refused with; nothing was made before it."""
        done = self.run(**choices)
        assert done.returncode == 2, done.stdout
        assert done.stdout == '' and not (self.clone / '.venv').exists()
        assert done.stderr.startswith('error: ') and done.stderr.count('\n') == 1
        return done.stderr


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize('versions,chosen', [
    (['3.7', '3.13'], 'reference engine, Python 3.7, tensorflow-cpu==1.15.0 (Python 3.7 found'),
    (['3.10', '3.12', '3.9', '3.13', '3.6', '3.14'],
     'newest engine, Python 3.13, tensorflow-cpu>=2.13 (no Python 3.7'),
    (['3.12'], 'newest engine, Python 3.12, tensorflow-cpu>=2.13 (no Python 3.7'),
    (['3.10'], 'newest engine, Python 3.10, tensorflow-cpu>=2.13 (no Python 3.7'),
    (['3.9', '3.8'], 'newest engine, Python 3.9, tensorflow-cpu>=2.13 (no Python 3.7')])
def test_python_3_7_gives_the_reference_engine_else_the_newest_python_is_used(
        machine, versions, chosen):
    for version in versions:
        machine.python(version)
    line = machine.chosen()
    assert chosen in line and 'no NVIDIA driver answers' in line


@pytest.mark.parametrize('choices,chosen', [
    (dict(ENGINE='newest'), 'Python 3.13, tensorflow-cpu>=2.13'),
    (dict(PYTHON_VERSION='3.12'), 'Python 3.12, tensorflow-cpu>=2.13'),
    (dict(PYTHON_VERSION='3.9'), 'Python 3.9, tensorflow-cpu>=2.13'),
    (dict(TENSORFLOW='2.21.0'), 'Python 3.13, tensorflow-cpu==2.21.0'),
    (dict(TENSORFLOW='2.19'), 'Python 3.12, tensorflow-cpu==2.19.*'),
    (dict(TENSORFLOW='2.13.1'), 'Python 3.9, tensorflow-cpu==2.13.1'),
    (dict(TENSORFLOW='1.15.5'), 'Python 3.7, tensorflow==1.15.5'),
    (dict(TENSORFLOW='gpu'), 'Python 3.7, tensorflow==1.15.0'),
    (dict(TENSORFLOW='gpu', ENGINE='newest'), 'Python 3.13, tensorflow[and-cuda]>=2.13'),
    (dict(TENSORFLOW='cpu', ENGINE='newest'), 'Python 3.13, tensorflow-cpu>=2.13')])
def test_a_choice_is_followed_and_named_as_the_reason(machine, choices, chosen):
    for version in ('3.7', '3.9', '3.12', '3.13'):
        machine.python(version)
    line = machine.chosen(**choices)
    assert chosen in line
    for name, value in choices.items():
        assert '%s=%s' % (name, value) in line


def test_a_python_named_by_its_path_is_taken(machine, tmp_path):
    machine.python('3.7')
    other = machine.python('3.11', tmp_path / 'else where' / 'python')
    line = machine.chosen(PYTHON=str(other))
    assert 'newest engine, Python 3.11' in line and 'PYTHON=%s' % other in line


@pytest.mark.parametrize('python,status,tensorflow', [
    ('3.7', 0, 'tensorflow==1.15.0'), ('3.12', 0, 'tensorflow[and-cuda]>=2.13'),
    ('3.9', 0, 'tensorflow[and-cuda]>=2.13'), ('3.8', 0, 'tensorflow>=2.13'),
    ('3.12', 9, 'tensorflow-cpu>=2.13')])
def test_a_working_nvidia_driver_selects_tensorflow_for_gpus(machine, python, status, tensorflow):
    machine.python(python)
    write_program(machine.bin / 'nvidia-smi', '#!/bin/sh\nexit %d\n' % status)
    answers = 'no NVIDIA driver answers' if status else 'an NVIDIA driver answers'
    line = machine.chosen()
    assert answers in line and ', %s (' % tensorflow in line


@pytest.mark.parametrize('architecture', ['x86_64', 'aarch64'])
def test_an_ascend_image_keeps_its_own_tensorflow(machine, architecture):
    machine.architecture(architecture)
    machine.python('3.13')
    machine.python('3.7', npu=True)
    line = machine.chosen()
    assert 'reference engine, Python 3.7, TensorFlow of the image' in line
    assert 'npu_bridge imports' in line


def test_other_architectures_than_x86_64_use_the_newest_engine(machine):
    machine.architecture('aarch64')
    machine.python('3.7')
    machine.python('3.12')
    assert 'newest engine, Python 3.12, tensorflow>=2.13 (' in machine.chosen()


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
    machine.python('3.6')
    machine.python('3.13')
    assert said in machine.refused(**choices)
    assert (machine.clone / 'scripts' / 'setup_env.sh').exists()


@pytest.mark.parametrize('versions,venv,home,found', [
    ([], True, None, 'no Python'), (['3.6', '3.14'], True, 'there', 'Python 3.6, 3.14'),
    (['3.11'], False, 'there', 'Python 3.11 without the modules venv and ensurepip')])
def test_without_a_usable_python_the_error_lists_found_and_supported_ones(
        machine, versions, venv, home, found):
    for version in versions:
        machine.python(version, venv=venv)
    said = machine.refused(HOME=str(machine.home) if home else None)
    assert 'found %s, must be Python 3.7 (TensorFlow 1.15), 3.8' % found in said
    assert '3.13 (TensorFlow 2.20 or newer); install one or set PYTHON=' in said


def test_a_python_that_does_not_run_is_skipped(machine):
    write_program(machine.bin / 'python3.7',
                  '#!/bin/sh\necho pyenv: no such command >&2; exit 127\n')
    machine.python('3.12')
    assert 'Python 3.12' in machine.chosen()


def test_a_build_that_failed_is_repeated_and_another_engine_rebuilds_the_environment(machine):
    machine.python('3.7')
    machine.python('3.13')
    assert 'newest engine, Python 3.13' in machine.chosen(ENGINE='newest')
    line = machine.chosen()
    assert 'newest engine, Python 3.13' in line and 'as built before' in line
    (machine.clone / '.venv' / 'left over').write_text('')
    assert 'reference engine, Python 3.7' in machine.chosen(ENGINE='reference')
    assert not (machine.clone / '.venv' / 'left over').exists()


def test_a_complete_environment_is_kept_until_its_requirements_change(machine):
    python = machine.python('3.13')
    machine.chosen()
    requirements = machine.clone / 'requirements-newest.txt'
    checksum = machine.run('cksum', str(requirements)).stdout.split()[:2]
    (machine.clone / '.venv' / '.complete').write_text(
        'newest %s tensorflow-cpu>=2.13 %s\n' % (python, ' '.join(checksum)))
    assert machine.run().returncode == 0
    with open(str(requirements), 'a') as stream:
        stream.write('another\n')
    assert 'as built before' in machine.chosen()
    assert not (machine.clone / '.venv' / '.complete').exists()


@pytest.mark.parametrize('name', ['a b', 'a;b', "it's", 'a$$(touch oops)', '-x'])
def test_make_takes_the_folder_of_the_environment_literally(machine, name):
    folder = machine.clone / name.replace('$$', '$')
    folder.mkdir()
    (folder / 'mine').write_text('')
    done = machine.run('make', 'VENV=' + name, 'env')
    assert 'VENV=%s: must be a new folder or an environment' % folder in done.stderr
    assert machine.run('make', 'VENV=' + name, 'clean').returncode == 0
    assert (folder / 'mine').exists()
    (folder / 'pyvenv.cfg').write_text('')
    done = machine.run('make', 'VENV=' + name, 'clean')
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(str(machine.clone))) == [
        'Makefile', 'requirements-newest.txt', 'requirements.txt', 'scripts']
