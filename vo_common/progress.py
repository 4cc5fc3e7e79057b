"""Progress bars that stay silent in log files."""
import sys

import tqdm


def progress(iterable=None, total=None, desc='', unit='it', initial=0):
    """A tqdm bar on stderr, shown only where stderr is a terminal.

    Args:
      iterable: what to iterate over, or None to call `update()` by hand.
      total: number of items, where `iterable` cannot tell.
      desc: what is being done.
      unit: what an item is.
      initial: items already done (a resumed run).
    """
    return tqdm.tqdm(iterable, total=total, desc=desc, unit=unit, initial=initial,
                     disable=not sys.stderr.isatty(), dynamic_ncols=True)
