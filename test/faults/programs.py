"""Runs the programs of the repository and reports how they ended.

`Programs` forks them from `program_server.py`, which saves the imports. `interpreter` starts them
in a new interpreter, for tests of its start (locale, wrappers, early signals).
"""
import collections
import contextlib
import itertools
import multiprocessing.connection
import os
import shutil
import signal
import subprocess
import sys
import time

from repository import ROOT

GEONET = 'geonet/main.py'
CONVLSTM = 'convlstm_vo/main.py'
PREPARE = 'kitti_data/preparation/prepare_train_data.py'
RENDER = 'kitti_data/rendering/synthetic.py'

USER_ERROR = 2
_TRACES = ('Traceback (most recent call last)', 'terminate called', 'Fatal Python error',
           'Segmentation fault', 'core dumped')
_LIMIT = 300  # seconds; no program here runs longer unless it hangs

Ended = collections.namedtuple('Ended', 'status out err seconds peak')
Ended.__doc__ = """How a program ended.

status: as in `subprocess`, the negative signal number for a killed program. out, err: <str>.
seconds: <float>. peak: peak resident memory in bytes, 0 if not measured.
"""


class Running:
    """A program that runs in its own process group."""

    def __init__(self, pid, outputs, wait):
        self.pid = pid
        self._outputs = outputs
        self._wait = wait
        self._began = time.monotonic()

    def kill(self):
        """Kills the whole group; does nothing if it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def signal(self, number):
        """Sends a signal only to the program; does nothing if it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def said(self):
        """(stdout, stderr) so far."""
        return tuple(read(path) for path in self._outputs)

    def ended(self, timeout=_LIMIT):
        """Waits for the end: <Ended>. Kills the group and fails after `timeout` seconds."""
        try:
            status, peak = self._wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            self._wait(60)
            raise AssertionError('still running after %d s\n%s%s' % ((timeout,) + self.said()))
        return Ended(status, *self.said(), time.monotonic() - self._began, peak)

    def works(self):
        """Waits for the end, which must be a success: <Ended>."""
        ended = self.ended()
        assert ended.status == 0, complaint(ended)
        return ended

    def wait_until(self, condition, timeout=_LIMIT):
        """Waits until `condition()` is true or the program has ended; returns its last value."""
        limit = time.monotonic() + timeout
        while self.runs() and time.monotonic() < limit:
            value = condition()
            if value:
                return value
            time.sleep(0.002)
        return condition()

    def runs(self):
        """Whether the process exists and is not a zombie."""
        try:
            with open('/proc/%d/stat' % self.pid) as stream:
                return stream.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
        except OSError:
            return False


def read(path):
    """The text of a file, with undecodable bytes replaced; '' if it cannot be read."""
    try:
        with open(str(path), encoding='utf-8', errors='replace') as stream:
            return stream.read()
    except OSError:
        return ''


class Programs:
    """The programs of this repository, forked from one process that has imported them.

    Args:
      folder: <pathlib.Path> for outputs, and for HOME, the working folder of the programs.
    """

    def __init__(self, folder):
        self.home = folder / 'home'
        self.home.mkdir()
        self._folder = folder
        self._numbers = itertools.count()  # tests may start programs from several threads
        self._connections = []
        self._server = subprocess.Popen(
            [sys.executable, str(ROOT / 'test' / 'faults' / 'program_server.py'),
             str(folder / 'socket')],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(self.home))
        assert self._server.stdout.readline() == b'ready\n'

    def start(self, program, *arguments, env=None, cwd=None, **options):
        """Starts a program; its path is relative to the repository. Returns <Running>.

        Args:
          env: variables that replace those of this process; None removes a variable.
          cwd: working folder; None uses HOME.
          options: uid, user to run as; memory, limit in bytes; umask, permission bits that new
            files do not get.
        """
        number = next(self._numbers)
        outputs = [str(self._folder / ('%d.%s' % (number, end))) for end in ('out', 'err')]
        connection = multiprocessing.connection.Client(str(self._folder / 'socket'))
        self._connections.append(connection)
        connection.send(dict(
            argv=[str(ROOT / program)] + [str(one) for one in arguments],
            cwd=str(cwd or self.home), env=environment(self.home, **(env or {})),
            outputs=outputs, **options))
        pid = connection.recv()

        def wait(timeout):
            if not connection.poll(timeout):
                raise subprocess.TimeoutExpired(program, timeout)
            with connection:
                return connection.recv()
        return Running(pid, outputs, wait)

    def run(self, program, *arguments, timeout=_LIMIT, **options):
        """Runs a program to its end: <Ended>."""
        return self.start(program, *arguments, **options).ended(timeout)

    def works(self, program, *arguments, **options):
        """Runs a program that must succeed: <Ended>."""
        return self.start(program, *arguments, **options).works()

    def close(self):
        """Ends the server and all programs that still run."""
        self._server.stdin.close()
        for connection in self._connections:
            connection.close()
        self._server.wait(30)


def environment(home, **changes):
    """The environment of a program: that of this process with a temporary HOME.

    Args:
      home: folder.
      **changes: name -> value, or None to remove the variable.
    """
    values = dict(os.environ, HOME=home, TF_CPP_MIN_LOG_LEVEL='2', PYTHONWARNINGS='ignore',
                  OMP_NUM_THREADS='1', OPENBLAS_NUM_THREADS='1', PYTHON=sys.executable)
    values.update(changes)
    return {name: str(value) for name, value in values.items() if value is not None}


def interpreter(folder, *command, env=None, cwd=None):
    """Starts `command` in a new process: <Running>.

    Args:
      folder: <pathlib.Path>, an existing folder for its output, which is also its HOME.
      *command: program and arguments; a .py or .sh file is run by its interpreter.
      env: as for `Programs.start`.
      cwd: working folder; None uses `folder`.
    """
    words = [str(word) for word in command]
    runner = {'.py': sys.executable, '.sh': 'bash'}.get(words[0][-3:])
    if runner:
        words = [runner, str(ROOT / words[0])] + words[1:]
    number = len(list(folder.glob('*.process.out')))
    outputs = [folder / ('%d.process.%s' % (number, end)) for end in ('out', 'err')]
    with open(str(outputs[0]), 'wb') as out, open(str(outputs[1]), 'wb') as err:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                   cwd=str(cwd or folder), env=environment(folder, **(env or {})),
                                   start_new_session=True)

    def wait(timeout):
        return process.wait(timeout), 0
    return Running(process.pid, outputs, wait)


@contextlib.contextmanager
def device(name):
    """Yields the variable that selects a device for a wrapper; removes the output folder of it."""
    try:
        yield dict(ASCEND_DEVICE_ID=name)
    finally:
        shutil.rmtree(str(ROOT / 'test' / 'output' / name), ignore_errors=True)


def complaint(ended):
    """Describes an <Ended> for failed assertions."""
    return 'status %s after %.1f s\n%s\n%s' % (
        ended.status, ended.seconds, ended.out[-1500:], ended.err[-3000:])


def assert_no_trace(ended, context=''):
    """Asserts that the program neither crashed nor printed a traceback."""
    text = ended.out + ended.err
    assert not any(trace in text for trace in _TRACES), '%s%s' % (context, complaint(ended))
    assert ended.status >= 0, '%s%s' % (context, complaint(ended))


def assert_fails_with_one_message(ended, *words):
    """Asserts status 2 and a single line `error: ...`, and that stderr contains these words."""
    assert_no_trace(ended)
    assert ended.status == USER_ERROR, complaint(ended)
    errors = [line for line in ended.err.splitlines() if line.startswith('error: ')]
    assert len(errors) == 1, complaint(ended)
    for word in words:
        assert str(word) in ended.err, '%r is not mentioned\n%s' % (word, complaint(ended))
