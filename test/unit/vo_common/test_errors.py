"""The end of a program: its status, and one line instead of a traceback."""
import signal
import subprocess
import sys
import textwrap

import pytest

from repository import ROOT, run
from vo_common.errors import DeviceError, UserError, run_main


@pytest.mark.parametrize('error,status,said', [
    (UserError('a.txt is empty'), 2, 'error: a.txt is empty\n'),
    (FileNotFoundError(2, 'No such file or directory', 'a.txt'), 2,
     'error: a.txt: No such file or directory\n'),
    (DeviceError('device gpu: out of memory'), 3, 'error: device gpu: out of memory\n'),
    (OSError(28, 'No space left on device'), 2, 'error: No space left on device\n'),
    (OSError('device gone'), 2, 'error: device gone\n'),
    (MemoryError(), 2, 'error: out of memory\n'),
    (MemoryError('Unable to allocate'), 2, 'error: out of memory: Unable to allocate\n'),
    (KeyboardInterrupt(), 130, 'interrupted\n')])
def test_an_error_that_users_can_fix_is_one_line_and_a_status(capsys, error, status, said):
    def main():
        raise error
    with pytest.raises(SystemExit) as ended:
        run_main(main)
    assert (ended.value.code, capsys.readouterr().err) == (status, said)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.parametrize('body,status,said', [
    ('raise KeyboardInterrupt', 130, 'interrupted\n'),
    ('try:\n    raise KeyboardInterrupt\nexcept KeyboardInterrupt as error:\n'
     '    raise ImportError("initialization failed") from error', 130, 'interrupted\n'),
    ('raise ImportError("no module")', 1, 'ImportError: no module\n')])
def test_an_interrupted_import_is_one_line_whatever_the_module_raises(body, status, said):
    ended = run('-c', 'import vo_common.errors\n' + body, cwd=ROOT)
    assert ended.returncode == status
    assert ended.stderr == said if status == 130 else ended.stderr.endswith(said)


def test_a_programming_error_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        run_main(lambda: 1 / 0)


def source_of(body):
    """The source of a program whose `main` has this body."""
    return ('import sys, time\nsys.path.insert(0, %r)\n'
            'from vo_common.errors import UserError, run_main\n'
            'def main():\n%s\nrun_main(main)' % (str(ROOT), textwrap.indent(body, '    ')))


def program(body, **options):
    """Starts a program whose `main` has this body."""
    return subprocess.Popen([sys.executable, '-c', source_of(body)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, universal_newlines=True, **options)


WAITS = 'try:\n    print("ready", flush=True)\n    time.sleep(60)\nfinally:\n    print("cleaned")'


@pytest.mark.parametrize('number,status,said', [
    (signal.SIGTERM, 143, 'SIGTERM: stopped\n'), (signal.SIGHUP, 129, 'SIGHUP: stopped\n'),
    (signal.SIGINT, 130, 'interrupted\n')])
def test_a_signal_ends_a_program_with_its_status_after_cleaning_up(number, status, said):
    started = program(WAITS)
    assert started.stdout.readline() == 'ready\n'
    started.send_signal(number)
    out, err = started.communicate(timeout=30)
    assert (started.returncode, out, err) == (status, 'cleaned\n', said)


def test_a_second_signal_ends_a_program_at_once():
    started = program(WAITS.replace('print("cleaned")', 'time.sleep(60)'))
    assert started.stdout.readline() == 'ready\n'
    started.send_signal(signal.SIGTERM)
    assert started.stderr.readline() == 'SIGTERM: stopped\n'
    started.send_signal(signal.SIGTERM)
    started.communicate(timeout=30)
    assert started.returncode == -signal.SIGTERM


def test_a_program_under_nohup_survives_the_hangup():
    started = program('print("ready", flush=True)\nsys.stdin.read()',
                      stdin=subprocess.PIPE,
                      preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert started.stdout.readline() == 'ready\n'
    started.send_signal(signal.SIGHUP)
    started.communicate(timeout=30)
    assert started.returncode == 0


def test_a_closed_output_pipe_ends_a_program_silently():
    started = program('while True:\n    print("x" * 1000)')
    started.stdout.read(10)
    started.stdout.close()
    assert started.stderr.read() == ''
    assert started.wait(30) == 141


@pytest.mark.parametrize('closed', ['>&-', '2>&-', '>&- 2>&-'])
def test_a_closed_stream_changes_no_status(closed):
    source = source_of('print("hello", flush=True)\nraise UserError("a.txt is empty")')
    ended = run('bash', '-c', '"$0" -c "$1" ' + closed, sys.executable, source)
    assert ended.returncode == 2
    assert ended.stderr == ('' if '2>' in closed else 'error: a.txt is empty\n')
