"""Errors that a user can correct, and the exit status of a program.

Importing this module makes Ctrl-C end the process with one line, even during later imports, which
take seconds with TensorFlow.
"""
import contextlib
import os
import signal
import sys
import threading

EXIT_USER_ERROR = 2
EXIT_DEVICE_ERROR = 3
_EXIT_SIGNAL = 128  # plus the signal's number, as in a shell
EXIT_INTERRUPTED = _EXIT_SIGNAL + signal.SIGINT


class UserError(Exception):
    """Bad input; the message names the file or flag, the value and what it must be."""
    exit_status = EXIT_USER_ERROR


class DeviceError(UserError):
    """The device fails or is out of memory; the message names it, a likely cause and a remedy."""
    exit_status = EXIT_DEVICE_ERROR


def run_main(main):
    """Runs `main()` and ends the process with its exit status.

    The status is the return value of `main` (None is 0); 2 after a `UserError` or a system error (a
    file cannot be read or written, out of memory) and 3 after a `DeviceError`, with the message on
    stderr and no traceback; 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP, and 141 if the
    reader of the output has exited.
    """
    for name in ('stdout', 'stderr'):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, 'w'))
        # File names may contain bytes or characters that the terminal cannot encode.
        getattr(sys, name).reconfigure(errors='backslashreplace')
    try:
        with _ended_by_signals():
            status = main()
        sys.stdout.flush()
    except UserError as error:
        status = _report('error: %s' % error, error.exit_status)
    except KeyboardInterrupt:
        status = _report('interrupted', EXIT_INTERRUPTED)
    except BrokenPipeError:
        # Discards what is still in the buffer.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = _EXIT_SIGNAL + signal.SIGPIPE
    except OSError as error:
        message = error.strerror or str(error) or type(error).__name__
        where = '' if error.filename is None else '%s: ' % error.filename
        status = _report('error: %s%s' % (where, message), EXIT_USER_ERROR)
    except MemoryError as error:
        status = _report('error: out of memory%s' % (': %s' % error if str(error) else ''),
                         EXIT_USER_ERROR)
    sys.exit(status or 0)


def _report(message, status):
    """Prints `message` to stderr after all earlier output; returns `status`."""
    with contextlib.suppress(OSError):  # an unwritable stdout must not hide the error
        sys.stdout.flush()
    print(message, file=sys.stderr)
    return status


@contextlib.contextmanager
def _ended_by_signals():
    """Context in which SIGTERM and SIGHUP end the program like Ctrl-C, after its clean-up.

    A second signal ends the process immediately. Signals that were already ignored (nohup) stay
    ignored.
    """
    def end(number, frame):
        del frame
        for each in taken:
            signal.signal(each, signal.SIG_DFL)
        # Written to the descriptor, since the signal may have interrupted a write to the stream.
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
    """A sys.excepthook for Ctrl-C before `run_main`.

    An extension module that is interrupted while it loads raises an ImportError instead.
    """
    cause = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        sys.__excepthook__(kind, error, traceback)
        return
    sys.stdout.flush()
    print('interrupted', file=sys.stderr, flush=True)
    os._exit(EXIT_INTERRUPTED)  # Python 3.7 would exit with status 1


sys.excepthook = _end_interrupted
