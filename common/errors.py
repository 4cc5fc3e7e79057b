"""Errors that a user can mend, and how a program ends."""
import sys

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130


class UserError(Exception):
    """Bad input: the message names the file or flag, what was found and what was wanted."""


def run_main(main):
    """Runs `main()` and ends the process with its exit status.

    Status: what `main` returns (None is 0), 2 after a `UserError` (its message goes to stderr,
    without a traceback), 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        # File names may hold bytes or letters that the terminal's encoding has not.
        stream.reconfigure(errors='backslashreplace')
    try:
        status = main()
    except UserError as error:
        sys.stdout.flush()
        print('error: %s' % error, file=sys.stderr)
        status = EXIT_USER_ERROR
    except KeyboardInterrupt:
        sys.stdout.flush()
        print('interrupted', file=sys.stderr)
        status = EXIT_INTERRUPTED
    sys.exit(status or 0)
