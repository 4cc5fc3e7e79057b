"""Errors that a user can mend, and how a program ends.

Importing this module makes Ctrl-C end the process with one line also while it still imports the
other ones, which with TensorFlow takes seconds.
"""
import contextlib
import os
import signal
import sys
import threading

EXIT_USER_ERROR = 2
EXIT_DEVICE_ERROR = 3
_EXIT_SIGNAL = 128  # and the signal's number, as a shell tells it
EXIT_INTERRUPTED = _EXIT_SIGNAL + signal.SIGINT


class UserError(Exception):
    """Bad input: the message names the file or flag, what was found and what it must be."""
    exit_status = EXIT_USER_ERROR


class DeviceError(UserError):
    """The device has no room or refuses: the message names it, the likely cause and the cure."""
    exit_status = EXIT_DEVICE_ERROR


def run_main(main):
    """Runs `main()` and ends the process with its exit status.

    Status: what `main` returns (None is 0), 2 after a `UserError` or what the system refuses (a
    file that cannot be read or written, memory) and 3 after a `DeviceError`, the message going to
    stderr without a traceback; 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP, and 141
    where nobody reads the output any more.
    """
    for stream in (sys.stdout, sys.stderr):
        # File names may hold bytes or letters that the terminal's encoding has not.
        stream.reconfigure(errors='backslashreplace')
    try:
        with _ended_by_signals():
            status = main()
        sys.stdout.flush()
    except UserError as error:
        status = _tell('error: %s' % error, error.exit_status)
    except KeyboardInterrupt:
        status = _tell('interrupted', EXIT_INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still buffered
        status = _EXIT_SIGNAL + signal.SIGPIPE
    except OSError as error:
        status = _tell('error: ' + _of_system(error), EXIT_USER_ERROR)
    except MemoryError as error:
        status = _tell('error: out of memory%s' % (': %s' % error if str(error) else ''),
                       EXIT_USER_ERROR)
    sys.exit(status or 0)


def _tell(message, status):
    """Says `message` after all that was said before it; returns `status`."""
    with contextlib.suppress(OSError):  # a full disk under the output must not hide the error
        sys.stdout.flush()
    print(message, file=sys.stderr)
    return status


def _of_system(error):
    """An OSError in words, with the file where it names one."""
    said = error.strerror or str(error) or type(error).__name__
    return said if error.filename is None else '%s: %s' % (error.filename, said)


@contextlib.contextmanager
def _ended_by_signals():
    """In the block SIGTERM and SIGHUP end the program as Ctrl-C does, with what it cleans up.

    The second one ends the process at once. Signals that it was started to ignore (nohup) stay
    ignored.
    """
    def end(number, frame):
        del frame
        for each in taken:
            signal.signal(each, signal.SIG_DFL)
        # By the descriptor: the signal may have come while the stream was being written to.
        os.write(2, b'%s: stopped\n' % signal.Signals(number).name.encode())
        sys.exit(_EXIT_SIGNAL + number)

    taken = [number for number in (signal.SIGTERM, signal.SIGHUP)
             if threading.current_thread() is threading.main_thread()
             and signal.getsignal(number) == signal.SIG_DFL]
    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _end_interrupted(kind, error, traceback):
    """As sys.excepthook: what `run_main` does not catch yet."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    sys.stdout.flush()
    print('interrupted', file=sys.stderr, flush=True)
    os._exit(EXIT_INTERRUPTED)  # else Python 3.7 ends with status 1


sys.excepthook = _end_interrupted
