"""SIGTERM, SIGINT and SIGHUP, once and twice, at every stage of a program."""
import itertools
import signal
import time

import pytest

import cases
import programs as running
from npu_runtime import checkpoints
from settings import pick
from test_kills import partial_checkpoints
from toy_training import losses_of

SIGNALS = {signal.SIGTERM: 143, signal.SIGINT: 130, signal.SIGHUP: 129}
NAMES = [number.name for number in SIGNALS]
ENDS_WITHIN = 60  # seconds; compiling the first graph of a large net takes long


def while_compiling(program, run):
    """Waits until the variables have their values; no step is done yet."""
    program.wait_until(lambda: '"start"' in running.read(run / 'metrics.jsonl'))


def while_reading(program, run):
    program.wait_until(lambda: '"train"' in running.read(run / 'metrics.jsonl'))


def while_saving(program, run):
    program.wait_until(lambda: partial_checkpoints(run))


def while_starting(program, run):
    program.wait_until(run.exists)


STAGES = {stage.__name__: stage for stage in (
    while_starting, while_compiling, while_reading, while_saving)}


def assert_stopped(ended, number, times=1):
    """Asserts that the program ended with the status of the signal and named it, without traceback.

    A second signal may kill the process directly, for which a shell reports the same status.
    """
    if times > 1 and ended.status == -number:
        ended = ended._replace(status=SIGNALS[number])
    running.assert_no_trace(ended)
    assert ended.status == SIGNALS[number], running.complaint(ended)
    assert number.name in ended.out + ended.err or 'interrupted' in ended.err, (
        running.complaint(ended))


@pytest.mark.parametrize('name,stage,signal_name,times', pick(
    list(itertools.product(cases.TRAININGS, STAGES, NAMES, (1, 2))),
    [('train_toy', 'while_compiling', 'SIGTERM', 2), ('train_toy', 'while_saving', 'SIGINT', 1)]))
def test_training_stopped_at_any_stage_names_the_signal_and_resumes_with_the_same_losses(
        name, stage, signal_name, times, programs, world, references, tmp_path, rng):
    number, run = getattr(signal, signal_name), tmp_path / 'run'
    program = programs.start(*cases.train_slowly(name, world, run))
    STAGES[stage](program, run)
    for _ in range(times):
        program.signal(number)
        time.sleep(rng.uniform(0, 0.1))
    ended = program.ended(ENDS_WITHIN)
    if ended.status == 0:
        assert name != 'train_toy', 'was not stopped'
    else:
        assert_stopped(ended, number, times)
    if run.exists() and checkpoints.prefixes_in(str(run)):
        assert checkpoints.newest_in(str(run))
    programs.works(*cases.TRAININGS[name](world, run))
    assert losses_of(run) == losses_of(references(name)[0])


@pytest.mark.parametrize('signal_name', pick(NAMES, ['SIGHUP']))
def test_signal_during_training_saves_and_names_a_checkpoint_of_the_last_step(
        signal_name, programs, world, tmp_path):
    number, run = getattr(signal, signal_name), tmp_path / 'run'
    program = programs.start(*cases.train_toy(world, run, 1000, '--save_every=1000'))
    while_reading(program, run)
    program.signal(number)
    ended = program.ended(ENDS_WITHIN)
    assert_stopped(ended, number)
    last = losses_of(run)[-1][0]
    newest = checkpoints.newest_in(str(run))
    assert checkpoints.read_step(newest) == last
    assert newest in ended.out + ended.err, running.complaint(ended)


@pytest.mark.parametrize('signal_name', pick(NAMES, ['SIGTERM']))
def test_signal_before_the_first_checkpoint_promises_no_checkpoint(
        signal_name, programs, world, tmp_path):
    number, run = getattr(signal, signal_name), tmp_path / 'run'
    program = programs.start(*cases.train_toy(world, run, 100, '--slow_reading=2'))
    while_compiling(program, run)
    for _ in range(2):
        program.signal(number)
        time.sleep(0.3)
    ended = program.ended(ENDS_WITHIN)
    assert_stopped(ended, number)
    if not checkpoints.prefixes_in(str(run)):
        assert 'usable' not in ended.out + ended.err, running.complaint(ended)


@pytest.mark.parametrize('name', pick(list(cases.WRITERS), ['prepare']))
@pytest.mark.parametrize('signal_name', pick(NAMES, ['SIGTERM']))
def test_other_programs_name_the_signal_and_leave_only_complete_files(
        name, signal_name, programs, world, references, tmp_path, rng):
    number, (reference, seconds) = getattr(signal, signal_name), references(name)
    expected = cases.contents(reference)
    for attempt in range(pick(3, 1)):
        out = tmp_path / str(attempt)
        program = programs.start(*cases.WRITERS[name](world, out))
        time.sleep(rng.uniform(0.1, 0.8) * seconds)
        program.signal(number)
        ended = program.ended(ENDS_WITHIN)
        if ended.status == -number:  # the interpreter was already exiting
            assert cases.contents(out) == expected
        elif ended.status != 0:
            assert_stopped(ended, number)
        cases.assert_only_complete_files(out, expected)


@pytest.mark.parametrize('program', pick(
    ['geonet/main.py', 'convlstm_vo/main.py', 'kitti_eval/eval_depth.py', 'scripts/report_case.py'],
    ['kitti_eval/eval_depth.py']))
@pytest.mark.parametrize('signal_name', pick(NAMES, ['SIGINT']))
def test_signal_during_imports_shows_no_traceback(
        program, signal_name, tmp_path, rng):
    number = getattr(signal, signal_name)
    for _ in range(pick(5, 1)):
        started = running.interpreter(tmp_path, program, '--help')
        # After the start of Python itself, which no program controls.
        started.wait_until(lambda: _has_started(started.pid), 30)
        time.sleep(rng.uniform(0.05, 0.5))
        started.signal(number)
        ended = started.ended(ENDS_WITHIN)
        assert 'Traceback' not in ended.err, running.complaint(ended)
        assert ended.status in (0, SIGNALS[number], -number), running.complaint(ended)


def _has_started(pid):
    """Whether Python runs the program: it has mapped the libraries of NumPy."""
    return 'numpy' in running.read('/proc/%d/maps' % pid)
