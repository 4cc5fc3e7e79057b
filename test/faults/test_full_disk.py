"""Disks that fill up at any point: one error message, and a second run completes the output."""
import os

import pytest

import cases
import programs as running
from settings import pick
from toy_training import losses_of

WRITERS = pick(list(cases.WRITERS), ['prepare'])
TRAININGS = pick(list(cases.TRAININGS), ['train_toy'])
SIZES = pick(6, 1)


@pytest.mark.parametrize('name', WRITERS)
def test_files_written_before_the_disk_is_full_are_complete_and_a_second_run_adds_the_rest(
        name, programs, world, references, disk, rng):
    reference, _ = references(name)
    expected, needed = cases.contents(reference), cases.size_of(reference)
    for _ in range(SIZES):
        small = disk(cases.too_small(needed, rng))
        out = small.folder / 'out'
        command = cases.WRITERS[name](world, out)
        ended = programs.run(*command)
        running.assert_fails_with_one_message(ended, small.folder)
        cases.assert_only_complete_files(out, expected)
        small.change('size=%dk' % (2 * needed + 1000))
        programs.works(*command)
        assert cases.contents(out) == expected


@pytest.mark.parametrize('name', TRAININGS)
def test_training_resumes_with_the_same_losses_after_a_full_disk(
        name, programs, world, references, disk, rng):
    reference, _ = references(name)
    needed = cases.size_of(reference)
    for _ in range(SIZES):
        small = disk(cases.too_small(needed, rng))
        run = small.folder / 'run'
        command = cases.TRAININGS[name](world, run)
        running.assert_fails_with_one_message(programs.run(*command), small.folder)
        left = [file for file in os.listdir(str(run)) if 'temp' in file]
        assert not left, 'leftovers take space that the next run needs'
        small.change('size=%dk' % (3 * needed + 10000))
        programs.works(*command)
        assert losses_of(run) == losses_of(reference)


@pytest.mark.parametrize('name', TRAININGS)
def test_full_disk_is_reported_before_the_first_step(name, programs, world, disk):
    small = disk(4)
    ended = programs.run(*cases.TRAININGS[name](world, small.folder / 'run'))
    running.assert_fails_with_one_message(ended, small.folder)
    assert 'Iteration' not in ended.out and 'Train_error' not in ended.out
