"""scripts/train_multi.sh: which rank failed, and how, instead of the launcher's traceback."""
import sys

import pytest

from repository import run
from stand_in_programs import horovod_that

# What Horovod prints of ranks that end: (rank, status, seconds after the one before).
ENDED = """import sys, time
print('[1]<stderr>:Traceback of a rank', file=sys.stderr)
for end in %r:
    time.sleep(end[2])
    print('Process %%d exit with status code %%d.' %% end[:2])
raise RuntimeError('Horovod detected that one or more processes exited with non-zero status. The '
                   'first process to do so was:\\nProcess name: 0\\nExit code: 1\\n')
"""


def launched(folder, launches):
    """Standard error and status of a launch by a Horovod that `launches`."""
    ended = run('scripts/train_multi.sh', '--np=2', 'geonet/main.py', PYTHON=sys.executable,
                PYTHONPATH=horovod_that(folder, launches))
    return ended.stderr, ended.returncode


@pytest.mark.parametrize('ends,said', [
    ([(1, 137, 0), (0, 143, 0)], 'rank 1 was killed by SIGKILL, perhaps out of memory'),
    ([(0, 1, 0), (1, 137, 0)], 'rank 1 was killed by SIGKILL, perhaps out of memory'),
    ([(1, 2, 0), (0, 137, 5)], 'rank 1 ended with status 2'),  # the launcher killed rank 0
    ([(0, 139, 0), (1, 143, 0)], 'rank 0 was killed by SIGSEGV'),
    ([(2, 143, 0), (0, 143, 0)], 'rank 2 was killed by SIGTERM'),
    ([(1, 255, 0), (0, 1, 0)], 'rank 1 ended with status 255')])
def test_the_killed_rank_or_else_the_first_to_fail_is_reported(ends, said, tmp_path):
    assert launched(tmp_path, ENDED % ends) == (
        '[1]<stderr>:Traceback of a rank\n'
        'error: %s, the others were stopped; the same command continues from the last '
        'checkpoint\n' % said, 1)


def test_another_failure_of_the_launcher_is_one_message(tmp_path):
    assert launched(tmp_path, 'raise ValueError("no host: a")') == ('error: no host: a\n', 1)


def test_without_a_failed_rank_there_is_no_message(tmp_path):
    assert launched(tmp_path, '') == ('', 0)
