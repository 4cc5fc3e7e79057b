"""SIGINT, SIGTERM and SIGHUP during training."""
import os
import signal
import sys
import threading

from vo_common.console import log

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """In a `with` block, a signal requests a clean stop; a second one ends the process at once.

    Python runs a signal handler only when TensorFlow's call returns, after a whole step. To react
    to signals earlier, a thread reads their numbers from the wake-up pipe. An ignored SIGHUP
    (nohup) stays ignored.

    Attributes:
      received: number of the first signal, or None.
    """

    def __init__(self):
        self.received = None
        self._previous, self._previous_pipe = {}, None
        self._pipe = os.pipe()
        os.set_blocking(self._pipe[1], False)  # as `set_wakeup_fd` requires
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self._thread.start()
        self._previous_pipe = signal.set_wakeup_fd(self._pipe[1])
        for number in _NUMBERS:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._remember)
        return self

    def __exit__(self, *exception):
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._previous_pipe)
        os.close(self._pipe[1])
        self._thread.join()
        os.close(self._pipe[0])

    def _remember(self, number, frame):
        del frame
        self.received = self.received or number

    def _watch(self):
        already = False
        for number, in iter(lambda: os.read(self._pipe[0], 1), b''):
            if number not in _NUMBERS:
                continue
            name = signal.Signals(number).name
            if already:
                print('%s again: ending at once' % name, file=sys.stderr, flush=True)
                os._exit(128 + number)
            already, self.received = True, self.received or number
            log('%s: stopping after this step with a checkpoint; send it again to end at once'
                % name)
