"""npu_runtime/devices/launch_ranks.py: which rank failed first, and how."""
import pytest

from npu_runtime.devices.launch_ranks import cause_of



@pytest.mark.parametrize('ends,said', [
    ({0: (143, 11.), 1: (137, 10.)}, 'rank 1 was killed by SIGKILL, perhaps out of memory,'),
    ({0: (1, 10.), 1: (137, 10.2)}, 'rank 1 was killed by SIGKILL'),  # seen in the wrong order
    ({0: (137, 16.), 1: (2, 10.)}, 'rank 1 ended with status 2,'),  # the launcher killed rank 0
    ({0: (139, 10.), 1: (143, 10.5)}, 'rank 0 was killed by SIGSEGV,'),
    ({0: (143, 10.5), 1: (0, 9.), 2: (143, 10.)}, 'rank 2 ended on SIGTERM,'),
    ({0: (1, 12.), 1: (255, 11.)}, 'rank 1 ended with status 255,')])
def test_the_killed_rank_or_else_the_first_to_fail_is_reported(ends, said):
    sentence = cause_of(ends)
    assert said in sentence + ','
    assert 'the same command continues from the last checkpoint' in sentence


def test_without_a_failed_rank_there_is_no_cause():
    assert cause_of({0: (0, 1.), 1: (0, 2.)}) is None
    assert cause_of({}) is None
