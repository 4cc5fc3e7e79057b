"""What a run says to the person at the terminal."""
import sys

import tqdm


def say(message):
    """Prints one line to stdout at once, above a progress bar if one is shown."""
    tqdm.tqdm.write(message, file=sys.stdout)
    sys.stdout.flush()


def warn(message):
    """Prints one line to stderr at once: something is not as wanted, and the run goes on."""
    tqdm.tqdm.write('warning: ' + message, file=sys.stderr)
    sys.stderr.flush()
