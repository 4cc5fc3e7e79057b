"""Programs that are killed at any moment and run again: nothing is lost, nothing differs."""
import glob
import os
import shutil
import time

import pytest

import cases
import programs as running
from settings import pick
from toy_training import losses_of
from vo_common.files import TEMPORARY_SUFFIX

TRAININGS = pick(list(cases.TRAININGS), ['train_toy'])
WRITERS = pick(list(cases.WRITERS), ['prepare', 'unpack'])
KILLS = pick(10, 2)


def partial_checkpoints(folder):
    """The partial files of a checkpoint that is being written, or of a killed save."""
    return glob.glob(os.path.join(glob.escape(str(folder)), '*temp*'))


@pytest.mark.parametrize('name', TRAININGS)
def test_training_killed_at_random_moments_has_the_losses_of_an_undisturbed_run(
        name, programs, world, references, tmp_path, rng):
    reference, seconds = references.of(name)
    run = tmp_path / 'run'
    for _ in range(KILLS):
        program = programs.start(*cases.COMMANDS[name](world, run))
        time.sleep(rng.uniform(0, seconds))
        program.kill()
        program.ended()
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
        time.sleep(rng.uniform(0, 0.01))
        program.kill()
        if program.ended().status == 0:
            break
    programs.works(*cases.COMMANDS[name](world, run))
    assert losses_of(run) == losses_of(references.of(name)[0])
    assert not partial_checkpoints(run) and not glob.glob(str(run / '*.new*'))
    assert caught, 'no save was interrupted'


@pytest.mark.parametrize('name', WRITERS)
def test_program_killed_at_random_moments_writes_the_files_of_an_undisturbed_run(
        name, programs, world, references, tmp_path, rng):
    reference, seconds = references.of(name)
    out = tmp_path / 'out'
    for _ in range(KILLS):
        program = programs.start(*cases.COMMANDS[name](world, out))
        time.sleep(rng.uniform(0, seconds))
        program.kill()
        program.ended()
        expected = cases.contents(reference)
        for path, digest in cases.contents(out).items():
            assert expected.get(path) == digest, '%s is incomplete' % path
    programs.works(*cases.COMMANDS[name](world, out))
    assert cases.contents(out) == cases.contents(reference)


@pytest.mark.parametrize('name', pick(list(cases.WRITERS) + list(cases.TRAININGS), ['prepare']))
def test_old_leftovers_of_killed_runs_are_removed(
        name, programs, world, references, tmp_path):
    out = tmp_path / 'out'
    shutil.copytree(str(references.of(name)[0]), str(out))
    folders = [folder for folder, _, files in os.walk(str(out)) if files]
    old = [os.path.join(folder, '.file.x1y2z3' + TEMPORARY_SUFFIX) for folder in folders]
    for path in old:
        with open(path, 'w') as stream:
            stream.write('half of a fi')
        os.utime(path, (time.time() - 86400,) * 2)
    programs.works(*cases.COMMANDS[name](world, out))
    assert not [path for path in old if os.path.exists(path)]


@pytest.mark.skipif(not pick(True, False), reason='only in a full run: starts interpreters')
def test_killed_wrapper_completes_when_run_again(world, references, tmp_path, rng):
    reference, _ = references.of('prepare')
    command = ('scripts/prepare_odometry.sh', world.archives, tmp_path / 'data',
               tmp_path / 'formatted', '--sequences=0') + running.SIZE
    for _ in range(KILLS):
        program = running.interpreter(tmp_path, *command)
        time.sleep(rng.uniform(0, 6))
        program.kill()
        program.ended()
    ended = running.interpreter(tmp_path, *command).ended()
    assert ended.status == 0, running.complaint(ended)
    assert cases.contents(tmp_path / 'formatted') == cases.contents(reference)
