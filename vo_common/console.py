"""What a program tells the person at the terminal."""
import sys

import tqdm


def log(message):
    """Prints one line to stdout at once, above a progress bar if one is shown."""
    tqdm.tqdm.write(message, file=sys.stdout)
    sys.stdout.flush()


def warn(message):
    """Prints one line to stderr at once: something is odd, and the program goes on."""
    tqdm.tqdm.write('warning: ' + message, file=sys.stderr)
    sys.stderr.flush()
