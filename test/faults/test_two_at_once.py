"""Two trainings on one folder, and locks whose owner is no more."""
import pytest

import cases
import programs as running
from settings import pick
from toy_training import losses_of

TRAININGS = pick(list(cases.TRAININGS), ['train_toy'])


def begin(programs, world, name, folder):
    """A training that has begun its steps: <Running>."""
    more = ('--slow_reading=0.2',) if name == 'train_toy' else ()
    program = programs.start(*cases.TRAININGS[name](world, folder, 20, *more))
    assert program.wait_until(lambda: '"train"' in running.read(folder / 'metrics.jsonl'))
    return program


@pytest.mark.parametrize('name', TRAININGS)
def test_the_second_training_on_a_folder_ends_at_once_and_the_first_goes_on(
        name, programs, world, tmp_path):
    run = tmp_path / 'run'
    first = begin(programs, world, name, run)
    second = programs.run(*cases.TRAININGS[name](world, run, 20))
    assert first.runs(), 'the first was not there any more'
    running.assert_sentence(second, run, first.pid)
    ended = first.ended()
    assert ended.status == 0, running.complaint(ended)
    assert [step for step, _ in losses_of(run)] == list(range(1, 21))


@pytest.mark.parametrize('name', TRAININGS)
def test_a_lock_whose_owner_died_is_no_lock(name, programs, world, tmp_path):
    run = tmp_path / 'run'
    first = begin(programs, world, name, run)
    first.kill()
    first.ended()
    programs.works(*cases.TRAININGS[name](world, run, 20))
    assert [step for step, _ in losses_of(run)] == list(range(1, 21))
