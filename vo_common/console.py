"""Prints messages on the terminal."""
import sys

import tqdm


def log(message):
    """Prints a line to stdout immediately, above the progress bar if there is one."""
    tqdm.tqdm.write(message, file=sys.stdout)
    sys.stdout.flush()


def warn(message):
    """Prints a warning to stderr immediately, above the progress bar if there is one."""
    tqdm.tqdm.write('warning: ' + message, file=sys.stderr)
    sys.stderr.flush()
