"""A progress bar over several parts, with the time left."""
import contextlib
import threading

from experiments.stages import time_share
from npu_runtime.training.metrics import read_metrics
from vo_common.console import progress

_SECONDS_APART = 2.0  # between updates


class TimeLeft:
    """A bar over all parts, shown on a terminal.

    Args:
      parts: dict, name -> expected duration of each part, in order. Only the proportions matter:
        the time left is extrapolated from the time so far.
    """

    def __init__(self, parts):
        self._parts = parts
        self._bar = progress(total=100, desc='all', unit='%')
        self.share = 0.0

    def reach(self, name, share):
        """Moves the bar to where the fraction `share` of a part is done."""
        names = list(self._parts)
        before = sum(self._parts[earlier] for earlier in names[:names.index(name)])
        self.share = (before + share * self._parts[name]) / sum(self._parts.values())
        self._bar.update(round(100 * self.share) - self._bar.n)

    @contextlib.contextmanager
    def part(self, name, run='', last_step=1, stages=()):
        """Context manager for the work of a part.

        Args:
          name: name of the part.
          run: folder of a training run whose metrics.jsonl moves the bar.
          last_step: last step of that run.
          stages: list of <Stage> of that run, whose steps take different times; empty: all alike.
        """
        ended = threading.Event()

        def read():
            while run and not ended.wait(_SECONDS_APART):
                rows = read_metrics(run)
                if rows:
                    share = min(1.0, rows[-1]['step'] / last_step)
                    self.reach(name, time_share(stages, share) if stages else share)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            yield
        finally:
            ended.set()
            reader.join()
        self.reach(name, 1.0)

    def close(self):
        """Closes the bar."""
        self._bar.close()
