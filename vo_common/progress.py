"""Progress bars that stay silent in log files."""
import sys

import tqdm


def progress(iterable=None, total=None, desc='', unit='it', initial=0):
    """A tqdm bar on stderr, shown only if stderr is a terminal.

    Args:
      iterable: the items, or None to call `update()` instead.
      total: number of items, if `iterable` has no length.
      desc: label.
      unit: name of an item.
      initial: number of items already done (a resumed run).
    """
    return tqdm.tqdm(iterable, total=total, desc=desc, unit=unit, initial=initial,
                     disable=not sys.stderr.isatty(), dynamic_ncols=True)
