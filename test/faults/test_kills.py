"""Programs killed at any moment and started again: nothing is lost, nothing is different."""
import glob
import os
import time

import pytest

import cases
import programs as running
from settings import pick
from toy_training import losses_of

TRAININGS = pick(list(cases.TRAININGS), ['train_toy'])
WRITERS = pick(list(cases.WRITERS), ['prepare', 'predict_pose', 'unpack'])
KILLS = pick(10, 2)


def start(programs, name, world, folder):
    command = dict(cases.WRITERS, **cases.TRAININGS)[name](world, folder)
    return programs.start(command.program, *command.arguments)


def finish(programs, name, world, folder):
    command = dict(cases.WRITERS, **cases.TRAININGS)[name](world, folder)
    return programs.works(command.program, *command.arguments)


def own_files(folder):
    """Names that a run of training has no use for once it has ended."""
    return [name for name in os.listdir(str(folder)) if name.startswith('.') and 'lock' not in name
            or 'temp' in name]


@pytest.mark.parametrize('name', TRAININGS)
def test_a_training_killed_at_random_moments_has_the_losses_of_an_undisturbed_one(
        name, programs, world, references, tmp_path, rng):
    reference, seconds = references.of(name)
    run = tmp_path / 'run'
    for _ in range(KILLS):
        program = start(programs, name, world, run)
        time.sleep(rng.uniform(0, seconds))
        program.kill()
        program.ended()
    finish(programs, name, world, run)
    assert losses_of(run) == losses_of(reference)
    assert not own_files(run)


def saves_now(folder):
    """Whether a file of a checkpoint stands there half written."""
    return glob.glob(os.path.join(glob.escape(str(folder)), '*temp*'))


@pytest.mark.parametrize('name', TRAININGS)
def test_a_training_killed_while_it_saves_has_the_losses_of_an_undisturbed_one(
        name, programs, world, references, tmp_path, rng):
    run, caught = tmp_path / 'run', 0
    for _ in range(pick(4, 1)):
        program = start(programs, name, world, run)
        caught += bool(program.wait_until(lambda: saves_now(run)))
        time.sleep(rng.uniform(0, 0.01))
        program.kill()
        if program.ended().status == 0:
            break
    finish(programs, name, world, run)
    assert losses_of(run) == losses_of(references.of(name)[0])
    assert not own_files(run)
    assert caught, 'no save was seen'


@pytest.mark.parametrize('name', WRITERS)
def test_a_program_killed_at_random_moments_writes_what_an_undisturbed_one_does(
        name, programs, world, references, tmp_path, rng):
    reference, seconds = references.of(name)
    out = tmp_path / 'out'
    for _ in range(KILLS):
        program = start(programs, name, world, out)
        time.sleep(rng.uniform(0, seconds))
        program.kill()
        program.ended()
        expected = cases.contents(reference)
        for path, digest in cases.contents(out).items():
            if not os.path.basename(path).startswith('.'):  # still in work when it was killed
                assert expected.get(path) == digest, '%s is not whole' % path
    finish(programs, name, world, out)
    assert cases.contents(out) == cases.contents(reference)


@pytest.mark.skipif(not pick(True, False), reason='only in a full run: starts interpreters')
def test_a_wrapper_killed_with_its_programs_goes_on(world, references, tmp_path, rng):
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
