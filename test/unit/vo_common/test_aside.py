"""A function in a process of its own, beside what this process does."""
import os
import sys
import time

import pytest

from vo_common.aside import beside
from vo_common.errors import UserError
from vo_common.parallel import leave_half_of_the_cores, num_cores


def add(one, other):
    print('adding')
    print('in words', file=sys.stderr)
    leave_half_of_the_cores()
    return one + other, os.getpid(), num_cores()


def fail():
    raise UserError('--x=3: must be 4')


def leave_a_mark(path):
    open(path, 'w').close()
    time.sleep(600)


def test_it_returns_the_result_of_another_process_whose_words_are_in_the_log(tmp_path):
    log = tmp_path / 'log.txt'
    with beside(add, 2, 3, log_path=str(log)) as result:
        total, process, cores = result()
    assert total == 5 and process != os.getpid() and cores == max(1, (num_cores() + 1) // 2)
    assert sorted(log.read_text().splitlines()) == ['adding', 'in words']


def test_what_ends_it_is_in_the_log_and_the_error_names_the_log(tmp_path):
    log = str(tmp_path / 'log.txt')
    with pytest.raises(UserError, match='log.txt: .* status 2 '):
        with beside(fail, log_path=log) as result:
            result()
    with open(log) as stream:
        assert stream.read() == 'error: --x=3: must be 4\n'


def test_it_ends_with_the_block(tmp_path):
    mark, log = tmp_path / 'mark', tmp_path / 'log.txt'
    begin = time.time()
    with pytest.raises(KeyboardInterrupt):
        with beside(leave_a_mark, str(mark), log_path=str(log)):
            while not mark.exists() and time.time() - begin < 60:
                time.sleep(0.05)
            raise KeyboardInterrupt
    assert mark.exists() and time.time() - begin < 120
    assert log.read_text() == 'SIGTERM: stopped\n'
