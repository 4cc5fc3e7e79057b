"""Makes the programs and `helpers` importable, starts TensorFlow; reports the time of tests."""
import collections
import pathlib
import sys

import pytest
import tabulate

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1]),
                str(pathlib.Path(__file__).resolve().parent / 'helpers')]

from npu_runtime.engine import start_tensorflow  # noqa: E402
from plain_signals import stop_ignoring  # noqa: E402

_SLOW = 60  # seconds

start_tensorflow()
stop_ignoring()


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    if not hasattr(config, 'workerinput'):
        config.pluginmanager.register(_Times(config.pluginmanager.getplugin('terminalreporter')))


class _Times:
    """Reports slow tests and failures as they end, and the time of each file at the end.

    Times are summed over all workers, so they may exceed the wall time.
    """

    def __init__(self, terminal):
        self._terminal = terminal
        self._seconds, self._tests = collections.Counter(), collections.Counter()

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.split('::')[0]
        self._seconds[name] += report.duration
        self._tests[name] += report.when == 'call'
        if report.failed or report.duration > _SLOW:
            # Printed at once, because an aborted run prints no summary.
            self._terminal.write_line('\n%s (%s): %s after %.0f s' % (
                report.nodeid, report.when, report.outcome, report.duration))

    def pytest_terminal_summary(self):
        self._terminal.section('seconds by file')
        self._terminal.write_line(tabulate.tabulate(
            [(seconds, self._tests[name], name) for name, seconds in self._seconds.most_common()],
            headers=['seconds', 'tests', 'file'], floatfmt='.1f'))
