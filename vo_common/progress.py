"""Progress bars that stay silent in log files."""
import sys

import tqdm


def progress(iterable=None, total=None, desc='', unit='it', initial=0):
    """A tqdm bar on stderr, shown only if stderr is a terminal; arguments are tqdm's."""
    return tqdm.tqdm(iterable, total=total, desc=desc, unit=unit, initial=initial,
                     disable=not sys.stderr.isatty(), dynamic_ncols=True)
