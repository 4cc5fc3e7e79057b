"""Fixtures of the fault tests: the programs, and one small world that they all work on."""
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / 'test' / 'unit'), str(ROOT / 'test' / 'faults')]

import cases  # noqa: E402
import programs as running  # noqa: E402
import settings  # noqa: E402


def pytest_report_header():
    return 'faults: %s, FAULTS_SEED=%d' % ('full' if settings.FULL else 'quick', settings.SEED)


@pytest.fixture
def rng(request):
    """<random.Random> that depends on the seed and the test's name; shown where the test fails."""
    print('FAULTS_SEED=%d' % settings.SEED)
    return settings.randomness(request.node.nodeid.split('/')[-1])


@pytest.fixture(scope='session')
def programs(tmp_path_factory):
    """<Programs>."""
    started = running.Programs(tmp_path_factory.mktemp('programs'))
    yield started
    started.close()


@pytest.fixture(scope='session')
def world(programs, tmp_path_factory):
    """<cases.World> that tests must not write to; `cases.copy_of` gives one to spoil."""
    return cases.World(programs, tmp_path_factory.mktemp('world'))


@pytest.fixture(scope='session')
def references(programs, world, tmp_path_factory):
    """<cases.References>."""
    return cases.References(programs, world, tmp_path_factory.mktemp('references'))


class Disk:
    """A small disk of its own, in memory.

    Args:
      folder: <pathlib.Path> where it is mounted.
      kilobytes: its size.
    """

    def __init__(self, folder, kilobytes):
        self.folder = folder
        _mount('-t', 'tmpfs', '-o', 'size=%dk' % kilobytes, 'tmpfs', str(folder))

    def change(self, options):
        """Mounts it anew, with `size=...k` or `ro` or `rw`."""
        _mount('-o', 'remount,' + options, str(self.folder))


def _mount(*arguments):
    subprocess.run(('mount',) + arguments, check=True, stdout=subprocess.PIPE,
                   stderr=subprocess.STDOUT)


@pytest.fixture
def disk(tmp_path):
    """Function (kilobytes) -> <Disk>; skips where this user may not mount."""
    mounted = []

    def make(kilobytes):
        folder = tmp_path / ('disk %d' % len(mounted))
        folder.mkdir()
        try:
            made = Disk(folder, kilobytes)
        except (subprocess.CalledProcessError, OSError) as error:
            pytest.skip('only root can mount a small disk (%s)' % error)
        mounted.append(folder)
        return made
    yield make
    for folder in mounted:
        subprocess.run(['umount', '-l', str(folder)], check=False)


@pytest.fixture
def nobody(tmp_path):
    """The number of a user without rights in this test's folder, or skips."""
    if os.getuid() != 0:
        pytest.skip('only root can run a program as another user')
    return 65534
