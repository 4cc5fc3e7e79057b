"""Two trainings in one folder; test_kills has the locks of processes that have ended."""
import pytest

import cases
import programs as running
from settings import pick
from toy_training import losses_of

TRAININGS = pick(list(cases.TRAININGS), ['train_toy'])


@pytest.mark.parametrize('name', TRAININGS)
def test_second_training_in_a_folder_fails_at_once_and_the_first_continues(
        name, programs, world, tmp_path):
    run = tmp_path / 'run'
    first = programs.start(*cases.train_slowly(name, world, run, 20))
    assert first.wait_until(lambda: '"train"' in running.read(run / 'metrics.jsonl'))
    second = programs.run(*cases.TRAININGS[name](world, run, 20))
    assert first.runs(), 'the first training has ended'
    running.assert_fails_with_one_message(second, run, first.pid)
    first.works()
    assert [step for step, _ in losses_of(run)] == list(range(1, 21))
