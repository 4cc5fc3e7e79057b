"""A long run uses no more memory and open files than a short one."""
import os
import time

import pytest

import cases
import programs as running
from settings import FULL, pick

STEPS, SETTLED = pick((3000, 500), (1500, 150))
MOST_GROWTH = 20 << 20


def memory_of(pid):
    with open('/proc/%d/statm' % pid) as stream:
        return int(stream.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def steps_in(run):
    return running.read(run / 'metrics.jsonl').count('"train"')


@pytest.mark.parametrize('name', pick(['train_toy', 'train_rigid'], ['train_toy']))
def test_memory_and_open_files_do_not_grow_after_the_start(
        name, programs, world, tmp_path):
    run = tmp_path / 'run'
    more, steps_per_row = ('--save_every=50', '--images_every=20', '--eval_every=40'), 1
    if name == 'train_rigid':  # the last one of repeated flags applies
        more = ('--save_ckpt_freq=300', '--max_to_keep=2', '--summary_freq=100', '--log_freq=10',
                '--eval_every=200', '--eval_batches=2')
        steps_per_row = 10
    program = programs.start(*cases.TRAININGS[name](world, run, STEPS, *more))
    program.wait_until(lambda: steps_in(run) * steps_per_row >= SETTLED, 1500)
    memory, files = [], []
    while program.runs():
        try:
            # Checkpoints temporarily need more; the assertions below compare minima.
            memory.append(memory_of(program.pid))
            files.append(len(os.listdir('/proc/%d/fd' % program.pid)))
        except (OSError, IndexError):
            break
        time.sleep(pick(0.5, 0.05))
    program.works()  # which has ended
    assert len(memory) >= 8, 'the run is too short for the test'
    half = len(memory) // 2
    growth = min(memory[half:]) - min(memory[:half])
    assert max(memory[:-2]) - memory[0] < (MOST_GROWTH if FULL else 2 * MOST_GROWTH)
    assert growth < MOST_GROWTH
    assert max(files) <= files[0] + 2, 'a checkpoint and its index at most'
