"""Many items on all cores, and a function in another process."""
import os
import signal
import sys
import threading
import time

import pytest

from vo_common.errors import UserError
from vo_common.parallel import beside, num_cores, parallel_map, read_ahead


@pytest.mark.parametrize('processes', [False, True])
def test_parallel_map_keeps_the_order(processes):
    assert parallel_map(abs, range(-20, 0), workers=2, processes=processes) == \
        list(range(20, 0, -1))


def test_parallel_map_passes_errors_on():
    with pytest.raises(ValueError):
        parallel_map(int, ['1', 'x'], workers=2)


def test_read_ahead_keeps_the_order_and_stays_bounded():
    taken = []

    def items():
        for i in range(100):
            taken.append(i)
            yield i

    results = read_ahead(lambda i: i * i, items(), workers=2)
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    assert len(taken) < 10
    assert list(results) == [i * i for i in range(3, 100)]


def add(one, other):
    print('adding')
    print('in words', file=sys.stderr)
    return one + other, os.getpid(), num_cores()


def fail():
    raise UserError('--x=3: must be 4')


def leave_a_mark(path):
    open(path, 'w').close()
    time.sleep(600)


def return_much(path):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as training does in its last step
    open(path, 'w').close()
    return bytes(1 << 20)  # more than a pipe holds


def test_beside_returns_a_result_and_logs_the_output_of_its_process(tmp_path, capsys):
    log, all_cores = tmp_path / 'log.txt', num_cores()
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait, daemon=True)
    thread.start()
    with beside(add, 2, 3, log_path=str(log)) as result:
        own = {len(os.sched_getaffinity(int(task))) for task in os.listdir('/proc/self/task')}
        total, process, cores = result()
    ended.set()
    assert total == 5 and process != os.getpid() and cores == max(1, (all_cores + 1) // 2)
    assert own == {max(1, all_cores // 2)} and num_cores() == all_cores
    assert sorted(log.read_text().splitlines()) == ['adding', 'in words']
    assert capsys.readouterr().out.split() == log.read_text().split()


def test_an_error_beside_is_logged_and_reported_with_the_log(tmp_path):
    log = tmp_path / 'log.txt'
    with pytest.raises(UserError, match='log.txt: .* status 2 '):
        with beside(fail, log_path=str(log)) as result:
            result()
    assert log.read_text() == 'error: --x=3: must be 4\n'


@pytest.mark.parametrize('function, logged', [(leave_a_mark, 'SIGTERM: stopped\n'),
                                              (return_much, '')])
def test_the_process_beside_ends_with_its_block(function, logged, tmp_path):
    mark, log = tmp_path / 'mark', tmp_path / 'log.txt'
    begin = time.time()
    with pytest.raises(KeyboardInterrupt):
        with beside(function, str(mark), log_path=str(log)):
            while not mark.exists() and time.time() - begin < 60:
                time.sleep(0.05)
            raise KeyboardInterrupt
    assert mark.exists() and time.time() - begin < 120
    assert log.read_text() == logged
