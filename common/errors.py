"""Errors that a user can mend, and how a program ends.

Importing this module makes Ctrl-C end the process with one line also while it still imports the
other ones, which with TensorFlow takes seconds.
"""
import os
import sys

EXIT_USER_ERROR = 2
EXIT_DEVICE_ERROR = 3
EXIT_INTERRUPTED = 130


class UserError(Exception):
    """Bad input: the message names the file or flag, what was found and what it must be."""
    exit_status = EXIT_USER_ERROR


class DeviceError(UserError):
    """The device has no room or refuses: the message names it, the likely cause and the cure."""
    exit_status = EXIT_DEVICE_ERROR


def run_main(main):
    """Runs `main()` and ends the process with its exit status.

    Status: what `main` returns (None is 0), 2 after a `UserError` and 3 after a `DeviceError`
    (the message goes to stderr, without a traceback), 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        # File names may hold bytes or letters that the terminal's encoding has not.
        stream.reconfigure(errors='backslashreplace')
    try:
        status = main()
    except UserError as error:
        sys.stdout.flush()
        print('error: %s' % error, file=sys.stderr)
        status = error.exit_status
    except KeyboardInterrupt:
        sys.stdout.flush()
        print('interrupted', file=sys.stderr)
        status = EXIT_INTERRUPTED
    sys.exit(status or 0)


def _end_interrupted(kind, error, traceback):
    """As sys.excepthook: what `run_main` does not catch yet."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    sys.stdout.flush()
    print('interrupted', file=sys.stderr, flush=True)
    os._exit(EXIT_INTERRUPTED)  # else Python 3.7 ends with status 1


sys.excepthook = _end_interrupted
