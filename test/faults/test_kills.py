"""Programs that are killed at any moment and run again: nothing is lost, nothing differs."""
import glob
import os
import shutil
import time

import pytest

import cases
import programs as running
from settings import FULL, pick
from toy_training import losses_of
from vo_common.files import TEMPORARY_SUFFIX

TRAININGS = pick(list(cases.TRAININGS), ['train_toy'])
WRITERS = pick(list(cases.WRITERS), ['prepare', 'unpack'])
KILLS = pick(10, 2)


def partial_checkpoints(folder):
    """The partial files of a checkpoint that is being written, or of a killed save."""
    return glob.glob(os.path.join(glob.escape(str(folder)), '*temp*'))


def kill_within(seconds, rng, program):
    """Kills a program at a random moment: <Ended>."""
    time.sleep(rng.uniform(0, seconds))
    program.kill()
    return program.ended()


@pytest.mark.parametrize('name', TRAININGS)
def test_training_killed_at_random_moments_has_the_losses_of_an_undisturbed_run(
        name, programs, world, references, tmp_path, rng):
    reference, seconds = references(name)
    run = tmp_path / 'run'
    for _ in range(KILLS):
        kill_within(seconds, rng, programs.start(*cases.COMMANDS[name](world, run)))
    programs.works(*cases.COMMANDS[name](world, run))
    assert losses_of(run) == losses_of(reference)
    assert not partial_checkpoints(run)


@pytest.mark.parametrize('name', TRAININGS)
def test_training_killed_while_saving_has_the_losses_of_an_undisturbed_run(
        name, programs, world, references, tmp_path, rng):
    """The toy saves at every step, to a `model-latest` that replaces the previous one."""
    run, caught = tmp_path / 'run', 0
    more = ('--save_minutes=1e-9',) if name == 'train_toy' else ()
    for _ in range(pick(4, 1)):
        program = programs.start(*cases.COMMANDS[name](world, run), *more)
        caught += bool(program.wait_until(lambda: partial_checkpoints(run)))
        if kill_within(0.01, rng, program).status == 0:
            break
    programs.works(*cases.COMMANDS[name](world, run))
    assert losses_of(run) == losses_of(references(name)[0])
    assert not partial_checkpoints(run) and not glob.glob(str(run / '*.new*'))
    assert caught, 'no save was interrupted'


@pytest.mark.parametrize('name', WRITERS)
def test_program_killed_at_random_moments_writes_the_files_of_an_undisturbed_run(
        name, programs, world, references, tmp_path, rng):
    reference, seconds = references(name)
    out, expected = tmp_path / 'out', cases.contents(reference)
    for _ in range(KILLS):
        kill_within(seconds, rng, programs.start(*cases.COMMANDS[name](world, out)))
        cases.assert_only_complete_files(out, expected)
    programs.works(*cases.COMMANDS[name](world, out))
    assert cases.contents(out) == expected


@pytest.mark.parametrize('name', pick(list(cases.COMMANDS), ['prepare']))
def test_old_leftovers_of_killed_runs_are_removed(
        name, programs, world, references, tmp_path):
    out = tmp_path / 'out'
    shutil.copytree(str(references(name)[0]), str(out))
    folders = [folder for folder, _, files in os.walk(str(out)) if files]
    old = [os.path.join(folder, '.file.x1y2z3' + TEMPORARY_SUFFIX) for folder in folders]
    for path in old:
        with open(path, 'w') as stream:
            stream.write('half of a fi')
        os.utime(path, (time.time() - 86400,) * 2)
    programs.works(*cases.COMMANDS[name](world, out))
    assert not [path for path in old if os.path.exists(path)]


@pytest.mark.skipif(not FULL, reason='only in a full run: starts interpreters')
def test_killed_wrapper_completes_when_run_again(world, references, tmp_path, rng):
    reference, _ = references('prepare')
    command = cases.prepare_from_archives(world, tmp_path)
    for _ in range(KILLS):
        kill_within(6, rng, running.interpreter(tmp_path, *command))
    running.interpreter(tmp_path, *command).works()
    assert cases.contents(tmp_path / 'formatted') == cases.contents(reference)
