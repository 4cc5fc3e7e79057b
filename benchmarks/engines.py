"""Compares TensorFlow engines, and other programs, on the same training step.

Every interpreter builds the step in every mode. Then all take turns running one step, so that other
load on the machine affects all equally. A mode that an engine lacks (bfloat16 on most CPUs) runs in
float32, as in training.
"""
import contextlib
import functools
import json
import os
import re
import shlex
import statistics
import subprocess
import sys

from vo_common.errors import UserError

_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'benchmark.py')
# Flags that a step depends on.
_STEP_FLAGS = ('model', 'mode', 'flownet_type', 'encoder', 'batch_size', 'img_height', 'img_width',
               'time_steps', 'device')
_PEER_TIMES = (r'CPU-s/step ([\d.]+)', r's/step: median ([\d.]+)')  # as a peer prints them


def measure(config):
    """dict, contestant -> its `summary` over `config.steps` rounds."""
    peers = [(command, functools.partial(_peer_step, command)) for command in config.peers]
    for _, step in peers:  # before the engines start, which takes longer
        step()
    with contextlib.ExitStack() as stack:
        contestants = [stack.enter_context(_engine(python, mode, config))
                       for python in config.pythons or [sys.executable]
                       for mode in config.modes] + peers
        rounds = [[step() for _, step in contestants] for _ in range(config.steps)]
    return {name: summary(rounds, place) for place, (name, _) in enumerate(contestants)}


@contextlib.contextmanager
def _engine(python, mode, config):
    """Context of a process of an interpreter that runs a step on request.

    Yields, after its first steps, its name and a function that runs one step and returns its (CPU
    seconds, seconds).
    """
    command = [python, _PROGRAM, '--take_steps', '--modes=' + mode] + [
        '--%s=%s' % (name, getattr(config, name)) for name in _STEP_FLAGS]
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   universal_newlines=True)
    except OSError as error:
        raise UserError('--pythons: %s does not start: %s' % (python, error)) from None

    def answer():
        for line in process.stdout:
            if line.startswith('{'):
                return json.loads(line)
        raise UserError('%s in mode %s ended with status %d (see its message above)'
                        % (python, mode, process.wait()))

    def step():
        process.stdin.write('step\n')
        process.stdin.flush()
        times = answer()
        return times['cpu_seconds'], times['seconds']

    with process:  # closes its input at the end, which ends it
        yield 'TensorFlow %s %s' % (answer()['tensorflow'], mode), step


def _peer_step(command):
    """(CPU seconds, seconds) of one step, as printed by another program that is run for it."""
    try:
        text = subprocess.run(shlex.split(command), stdout=subprocess.PIPE, check=True,
                              universal_newlines=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise UserError('--peers: %s' % error) from None
    found = [re.search(pattern, text) for pattern in _PEER_TIMES]
    if None in found:
        raise UserError('--peers=%s: must print %s (see --help)'
                        % (command, ' and '.join(_PEER_TIMES)))
    return tuple(float(match.group(1)) for match in found)


def take_steps(config):
    """Runs one step for each line of standard input and prints its times as JSON."""
    import tensorflow.compat.v1 as tf
    from benchmarks.steps import Step
    step = Step(config)
    for _ in range(2):
        step.run()
    print(json.dumps({'tensorflow': tf.__version__}), flush=True)
    for _ in sys.stdin:
        seconds, cpu_seconds = step.run()
        print(json.dumps({'seconds': seconds, 'cpu_seconds': cpu_seconds}), flush=True)


def summary(rounds, place):
    """Medians for the contestant at index `place` of `rounds`, lists of (CPU seconds, seconds)."""
    cpu_seconds, seconds = zip(*(steps[place] for steps in rounds))
    return {'cpu_seconds_per_step': statistics.median(cpu_seconds),
            'seconds_per_step': statistics.median(seconds),
            'cpu_seconds_to_first': statistics.median(
                steps[place][0] / steps[0][0] for steps in rounds)}
