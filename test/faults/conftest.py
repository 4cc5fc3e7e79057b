"""Fixtures of the fault tests: the programs, and a small world for their input."""
import functools
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import cases  # noqa: E402
import programs as running  # noqa: E402
import settings  # noqa: E402


def pytest_terminal_summary(terminalreporter):
    """Prints the settings at the end, where `pytest -q` shows them too."""
    terminalreporter.write_line('faults: %s, FAULTS_SEED=%d' % (
        'full' if settings.FULL else 'quick', settings.SEED))


@pytest.fixture
def rng(request):
    """<random.Random> that depends on the seed and the name of the test; a failure shows it."""
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
    """<cases.World> that tests must not change; `World.copied_to` copies parts of it."""
    return cases.World(programs, tmp_path_factory.mktemp('world'))


@pytest.fixture(scope='session')
def references(programs, world, tmp_path_factory):
    """Function from the name of a command to its undisturbed output, made once a session:

    (output folder <pathlib.Path>, duration in seconds).
    """
    @functools.lru_cache(maxsize=None)
    def made(name):
        folder = tmp_path_factory.mktemp('references') / name
        return folder, programs.works(*cases.COMMANDS[name](world, folder)).seconds
    return made


class Host:
    """A host with its own network interface, name and ssh server, in a network namespace.

    `ip netns exec` shows /etc/netns/<name>/hosts as /etc/hosts.
    """

    def __init__(self, name, address):
        self.name, self.address = name, address
        self.server = None

    def command(self, *words):
        """The command line that runs `words` on this host."""
        return ('ip', 'netns', 'exec', self.name, 'unshare', '--uts', 'sh', '-c',
                'hostname "$0" && exec "$@"', self.name) + words


@pytest.fixture
def two_hosts(tmp_path):
    """([<Host>, <Host>], folder of an `ssh` that connects them without a password)."""
    for tool in ('ip', '/usr/sbin/sshd', 'ssh', 'ssh-keygen'):
        if not shutil.which(tool):
            pytest.skip('needs %s: apt-get install iproute2 openssh-server' % tool)
    hosts = [Host('faults%d%d' % (os.getpid(), number), '10.213.7.%d' % number)
             for number in (1, 2)]
    try:
        _connect(hosts)
        folder = _start_ssh(hosts, tmp_path)
        yield hosts, folder
    except (subprocess.CalledProcessError, OSError) as error:
        pytest.skip('no network namespaces here (%s)' % error)
    finally:
        for host in hosts:
            if host.server:
                host.server.kill()
                host.server.wait()
            subprocess.run(['ip', 'netns', 'del', host.name], check=False,
                           stderr=subprocess.DEVNULL)
            shutil.rmtree('/etc/netns/' + host.name, ignore_errors=True)


def _connect(hosts):
    """Creates both namespaces and the connection between them."""
    for host in hosts:
        os.makedirs('/etc/netns/' + host.name)
        with open('/etc/netns/%s/hosts' % host.name, 'w') as stream:
            stream.write('127.0.0.1 localhost\n')
            stream.writelines('%s %s\n' % (one.address, one.name) for one in hosts)
        _run('ip', 'netns', 'add', host.name)
        _run(*host.command('ip', 'link', 'set', 'lo', 'up'))
    # Horovod requires the same interface name on all hosts.
    _run('ip', 'link', 'add', 'eth0', 'netns', hosts[0].name, 'type', 'veth',
         'peer', 'name', 'eth0', 'netns', hosts[1].name)
    for host in hosts:
        _run(*host.command('ip', 'address', 'add', host.address + '/24', 'dev', 'eth0'))
        _run(*host.command('ip', 'link', 'set', 'eth0', 'up'))


def _start_ssh(hosts, folder):
    key = str(folder / 'key')
    _run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key)
    os.makedirs('/run/sshd', exist_ok=True)
    (folder / 'sshd_config').write_text(
        'Port 22\nHostKey %s\nAuthorizedKeysFile %s.pub\nStrictModes no\nUsePAM no\n'
        'PermitRootLogin yes\nPidFile none\nSetEnv "PYTHONPATH=%s"\n' % (
            key, key, os.environ.get('PYTHONPATH', '')))
    binaries = folder / 'bin'
    binaries.mkdir()
    (binaries / 'ssh').write_text(
        '#!/bin/sh\nexec %s -i "%s" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null '
        '-o LogLevel=ERROR "$@"\n' % (shutil.which('ssh'), key))
    (binaries / 'ssh').chmod(0o755)
    for host in hosts:
        host.server = subprocess.Popen(
            host.command('/usr/sbin/sshd', '-D', '-f', str(folder / 'sshd_config')),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return binaries


def _run(*words):
    subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


class Disk:
    """A small disk in memory.

    Args:
      folder: <pathlib.Path> of the mount point.
      kilobytes: size of the disk.
    """

    def __init__(self, folder, kilobytes):
        self.folder = folder
        _run('mount', '-t', 'tmpfs', '-o', 'size=%dk' % kilobytes, 'tmpfs', str(folder))

    def change(self, options):
        """Remounts it with the options `size=...k`, `ro` or `rw`."""
        _run('mount', '-o', 'remount,' + options, str(self.folder))


@pytest.fixture
def disk(tmp_path):
    """Function (kilobytes) -> <Disk>; skips the test if this user may not mount disks."""
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


@pytest.fixture(scope='session')
def nobody(programs):
    """Id of a user without rights in the folders of the tests; skips the test without root."""
    if os.getuid() != 0:
        pytest.skip('only root can run a program as another user')
    number = 65534
    if programs.run('kitti_eval/eval_pose.py', '--help', uid=number, cwd='/').status != 0:
        pytest.skip('this folder cannot be read by another user')
    return number
