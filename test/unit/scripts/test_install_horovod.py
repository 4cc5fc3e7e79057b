"""scripts/install_horovod.sh: refusals, NCCL, failures; `make test-distributed` runs it."""
import shutil
import sys

import pytest

from repository import ROOT, run, write_program

SCRIPT = ROOT / 'scripts' / 'install_horovod.sh'


def call(function, **environ):
    """The <CompletedProcess> of a function of the script."""
    return run('bash', '-c', 'eval "$(sed -n "/^$1() {/,/^}/p" "$2")"; "$1"; echo "${nccl-}"',
               'bash', function, SCRIPT, **environ)


@pytest.mark.parametrize('missing', ['', 'nvcc', 'nccl', 'cuda'])
def test_nccl_is_built_in_if_cuda_nvcc_and_nccl_are_found(missing, tmp_path):
    nccl, programs = tmp_path / 'a nccl', tmp_path / 'bin'
    write_program(programs / ('other' if missing == 'nvcc' else 'nvcc'), '#!/bin/sh\n')
    (nccl / 'include').mkdir(parents=True)
    (nccl / 'include' / ('other.h' if missing == 'nccl' else 'nccl.h')).write_text('')
    python = 'false' if missing == 'cuda' else 'true'  # its answer, whether TensorFlow has CUDA
    done = call('find_nccl', PATH='%s:/usr/bin:/bin' % programs, venv=str(tmp_path), python=python,
                HOROVOD_NCCL_HOME=str(nccl))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ('' if missing else str(nccl)) + '\n'


@pytest.mark.parametrize('log,cause', [
    ('gcc -c x.cc\nx.cc:3:10: fatal error: highwayhash.h: No such file\nmake: *** [x] Error 1',
     'x.cc:3:10: fatal error: highwayhash.h: No such file'),
    ('x\ng++: fatal error: Killed signal terminated program cc1plus', 'Killed signal terminated'),
    ('CMake Error at CMakeLists.txt:9 (find_package):\nnothing', 'CMake Error at CMakeLists.txt:9'),
    ('x.cc:1:1: error: a\ncannot write: No space left on device', 'No space left on device'),
    ('ERROR: Could not find a version that satisfies horovod', 'ERROR: Could not find a version')])
def test_the_cause_of_a_failed_build_is_found_in_its_log(tmp_path, log, cause):
    (tmp_path / 'build.log').write_text(log)
    found = call('cause', log=str(tmp_path / 'build.log')).stdout
    assert cause in found and len(found.splitlines()) == 2  # the line, and no folder of NCCL


def test_a_missing_compiler_is_reported(tmp_path):
    (tmp_path / 'horovod.py').write_text('')  # hides an installed one
    for tool in ('bash', 'dirname'):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    done = run('bash', SCRIPT, VENV=sys.prefix, PATH=str(tmp_path), PYTHONPATH=str(tmp_path))
    assert done.returncode == 2 and 'building Horovod needs g++' in done.stderr


def test_a_missing_environment_is_reported():
    done = run('bash', SCRIPT, VENV='nowhere')
    assert done.returncode == 2 and 'VENV=nowhere: must be an environment' in done.stderr
