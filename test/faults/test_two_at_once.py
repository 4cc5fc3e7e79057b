"""Two trainings in one folder, and locks of processes that have ended."""
import pytest

import cases
import programs as running
from settings import pick
from toy_training import losses_of

TRAININGS = pick(list(cases.TRAININGS), ['train_toy'])


def begin(programs, world, name, folder):
    """Starts a training and waits for its first step: <Running>."""
    program = programs.start(*cases.train_slowly(name, world, folder, 20))
    assert program.wait_until(lambda: '"train"' in running.read(folder / 'metrics.jsonl'))
    return program


@pytest.mark.parametrize('name', TRAININGS)
def test_second_training_in_a_folder_fails_at_once_and_the_first_continues(
        name, programs, world, tmp_path):
    run = tmp_path / 'run'
    first = begin(programs, world, name, run)
    second = programs.run(*cases.TRAININGS[name](world, run, 20))
    assert first.runs(), 'the first training has ended'
    running.assert_fails_with_one_message(second, run, first.pid)
    first.works()
    assert [step for step, _ in losses_of(run)] == list(range(1, 21))


@pytest.mark.parametrize('name', TRAININGS)
def test_lock_is_released_when_its_owner_dies(name, programs, world, tmp_path):
    run = tmp_path / 'run'
    first = begin(programs, world, name, run)
    first.kill()
    first.ended()
    programs.works(*cases.TRAININGS[name](world, run, 20))
    assert [step for step, _ in losses_of(run)] == list(range(1, 21))
