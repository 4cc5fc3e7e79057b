"""A disk that fills up at any place: one sentence, what is whole stays whole, and it goes on."""
import os

import pytest

import cases
import programs as running
from settings import pick
from toy_training import losses_of

WRITERS = pick(list(cases.WRITERS), ['prepare'])
TRAININGS = pick(list(cases.TRAININGS), ['train_toy'])
SIZES = pick(6, 1)


def assert_full(ended, folder):
    """The program ended with a sentence that says where there was no room."""
    running.assert_no_trace(ended)
    assert ended.status == running.USER_ERROR, running.complaint(ended)
    assert str(folder) in ended.err, running.complaint(ended)


@pytest.mark.parametrize('name', WRITERS)
def test_what_was_written_before_the_disk_was_full_is_whole_and_the_rest_follows(
        name, programs, world, references, disk, rng):
    reference, _ = references.of(name)
    expected, needed = cases.contents(reference), cases.size_of(reference)
    for _ in range(SIZES):
        small = disk(cases.too_small(needed, rng))
        out = small.folder / 'out'
        command = cases.WRITERS[name](world, out)
        ended = programs.run(*command)
        assert_full(ended, small.folder)
        for path, digest in cases.contents(out).items():
            assert expected.get(path) == digest, '%s is not whole, or is left over' % path
        small.change('size=%dk' % (2 * needed + 1000))
        programs.works(*command)
        assert cases.contents(out) == expected


@pytest.mark.parametrize('name', TRAININGS)
def test_a_training_that_found_no_room_goes_on_with_the_same_losses(
        name, programs, world, references, disk, rng):
    reference, _ = references.of(name)
    needed = cases.size_of(reference)
    for _ in range(SIZES):
        small = disk(cases.too_small(needed, rng))
        run = small.folder / 'run'
        command = cases.TRAININGS[name](world, run)
        assert_full(programs.run(*command), small.folder)
        left = [file for file in os.listdir(str(run)) if 'temp' in file]
        assert not left, 'takes room that the next try needs'
        small.change('size=%dk' % (3 * needed + 10000))
        programs.works(*command)
        assert losses_of(run) == losses_of(reference)


@pytest.mark.parametrize('name', TRAININGS)
def test_a_disk_without_any_room_is_told_of_before_the_first_step(name, programs, world, disk):
    small = disk(4)
    ended = programs.run(*cases.TRAININGS[name](world, small.folder / 'run'))
    assert_full(ended, small.folder)
    assert 'Iteration' not in ended.out and 'Train_error' not in ended.out
