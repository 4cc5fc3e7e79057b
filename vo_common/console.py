"""Messages and progress bars on the terminal."""
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


def progress(iterable=None, **options):
    """A tqdm bar with these options, on stderr, shown only if that is a terminal."""
    return tqdm.tqdm(iterable, disable=None, dynamic_ncols=True, **options)
