"""scripts/install_horovod.sh: the release for the engine, build options, failures.

Stand-ins take the place of Python, pip and the compilers; `make test-distributed` builds it.
"""
import os
import shutil

import pytest

from repository import ROOT, run, write_program

PYTHON = r'''#!/usr/bin/env bash
folder() { while [ "$1" != "$flag" ]; do shift; done; echo "$2"; }
case "$*" in
  *'import horovod.tensorflow'*) [ -e "$STATE/installed" ] ;;
  *is_built_with_cuda*) exit "${NO_CUDA-0}" ;;
  *__version__*) echo "$TAG" ;;
  *'pip download'*) flag=-d; out=$(folder "$@"); name=${!#}; name=${name/==/-}
    mkdir -p "$STATE/$name/horovod/tensorflow"
    printf 'mpi_ops.cc\nxla_mpi_ops.cc\n' > "$STATE/$name/horovod/tensorflow/CMakeLists.txt"
    tar czf "$out/$name.tar.gz" -C "$STATE" "$name" ;;
  *'pip wheel'*) echo built >> "$STATE/builds"; env > "$STATE/env"
    cp "${!#}/horovod/tensorflow/CMakeLists.txt" "$STATE/"
    if [ -n "${FAILS-}" ]; then echo "$FAILS"; exit 1; fi
    flag=-w; out=$(folder "$@"); mkdir -p "$out"; touch "$out/horovod-$RELEASE-cp.whl" ;;
  *'pip install'*.whl*) touch "$STATE/installed"; echo "${!#}" > "$STATE/wheel" ;;
esac
'''


class Clone:
    """A clone with an environment, both with a space in their paths."""

    def __init__(self, folder):
        self.root, self.state, self.bin = folder / 'my clone', folder / 'state', folder / 'bin'
        (self.root / 'scripts').mkdir(parents=True)
        for name in ('install_horovod.sh', 'shell.sh'):
            shutil.copy(str(ROOT / 'scripts' / name), str(self.root / 'scripts'))
        self.state.mkdir()
        for program in ('g++', 'make', 'cmake'):
            write_program(self.bin / program, '#!/bin/sh\necho cmake version 3.25.1\n')
        write_program(self.root / 'my env' / 'bin' / 'python', PYTHON)

    def install(self, tag='tf2.21.0-cp313', release='0.28.1', **variables):
        """The CompletedProcess of the script."""
        environment = dict(PATH='%s:/usr/bin:/bin' % self.bin, STATE=str(self.state), TAG=tag,
                           RELEASE=release, VENV='my env')
        return run('bash', 'scripts/install_horovod.sh', cwd=self.root, without=os.environ,
                   **dict(environment, **variables))

    def built_with(self):
        """{variable: value} of the build."""
        lines = (self.state / 'env').read_text().splitlines()
        return dict(line.split('=', 1) for line in lines if '=' in line)

    def read(self, name):
        return (self.state / name).read_text()


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path)


@pytest.mark.parametrize('tag,release,sources', [
    ('tf2.21.0-cp313', '0.28.1', 'mpi_ops.cc\n'),
    ('tf1.15.0-cp37', '0.24.3', 'mpi_ops.cc\nxla_mpi_ops.cc\n')])
def test_each_engine_gets_its_release_and_keeps_the_wheel(clone, tag, release, sources):
    done = clone.install(tag, release)
    assert done.returncode == 0, done.stderr
    assert 'building Horovod %s for %s' % (release, tag) in done.stdout
    assert clone.read('CMakeLists.txt') == sources
    built_with = clone.built_with()
    assert built_with['HOROVOD_WITH_GLOO'] == '1' and 'HOROVOD_GPU_OPERATIONS' not in built_with
    assert built_with['CMAKE_POLICY_VERSION_MINIMUM'] == '3.5'
    assert '-include array -include cstdint' in built_with['CXXFLAGS']
    wheel = clone.root / '.wheels' / tag / ('horovod-%s-cp.whl' % release)
    assert wheel.exists() and clone.read('wheel').strip() == str(wheel)
    done = clone.install(tag, release)  # what is installed is left alone
    assert done.returncode == 0 and done.stdout == ''
    (clone.state / 'installed').unlink()
    assert clone.install(tag, release).returncode == 0
    assert clone.read('builds') == 'built\n'


@pytest.mark.parametrize('missing', ['', 'nvcc', 'nccl', 'cuda'])
def test_nccl_is_built_in_if_cuda_nvcc_and_nccl_are_found(clone, missing, tmp_path):
    nccl = tmp_path / 'a nccl'
    if missing != 'nvcc':
        write_program(clone.bin / 'nvcc', '#!/bin/sh\n')
    for part in ('include/nccl.h', 'lib/libnccl.so.2'):
        (nccl / part).parent.mkdir(parents=True, exist_ok=True)
        (nccl / part).write_text('')
    if missing == 'nccl':
        (nccl / 'include' / 'nccl.h').unlink()
    done = clone.install(HOROVOD_NCCL_HOME=str(nccl), NO_CUDA=str(int(missing == 'cuda')))
    assert done.returncode == 0, done.stderr
    built_with = clone.built_with()
    assert (built_with.get('HOROVOD_GPU_OPERATIONS') == 'NCCL') == (missing == '')
    tag = 'tf2.21.0-cp313' + ('' if missing else '-nccl')
    assert os.listdir(str(clone.root / '.wheels')) == [tag]


@pytest.mark.parametrize('log,cause', [
    ('gcc -c x.cc\nx.cc:3:10: fatal error: highwayhash.h: No such file\nmake: *** [x] Error 1',
     'did not build for tf2.21.0-cp313: x.cc:3:10: fatal error: highwayhash.h: No such file'),
    ('x\ng++: fatal error: Killed signal terminated program cc1plus', 'Killed signal terminated'),
    ('CMake Error at CMakeLists.txt:9 (find_package):\nnothing', 'CMake Error at CMakeLists.txt:9'),
    ('x.cc:1:1: error: a\ncannot write: No space left on device', 'No space left on device'),
    ('ERROR: Could not find a version that satisfies horovod', 'ERROR: Could not find a version')])
def test_a_failed_build_reports_its_cause_and_leaves_no_wheel(clone, log, cause):
    done = clone.install(FAILS=log)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith('error: Horovod 0.28.1 did not build') and cause in last
    assert not (clone.root / '.wheels').exists()


def test_a_missing_compiler_or_environment_is_reported(clone):
    (clone.bin / 'g++').unlink()
    for tool in ('bash', 'dirname'):
        (clone.bin / tool).symlink_to(shutil.which(tool))
    done = clone.install(PATH=str(clone.bin))
    assert done.returncode == 2 and 'building Horovod needs g++' in done.stderr
    done = clone.install(VENV='nowhere')
    assert done.returncode == 2 and 'VENV=nowhere: must be an environment' in done.stderr
