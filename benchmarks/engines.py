"""Compares TensorFlow engines, and other programs, on the same training step.

Every interpreter builds the step in every mode. Then all take turns running one step, so that other
load on the machine affects all equally. A mode that an engine lacks (bfloat16 on most CPUs) runs in
float32, as in training.
"""
import json
import os
import re
import shlex
import statistics
import subprocess
import sys

from vo_common.errors import UserError

_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'benchmark.py')
_PEER = {'cpu_seconds': r'CPU-s/step ([\d.]+)', 'seconds': r's/step: median ([\d.]+)'}


def measure(config, flags):
    """dict, contestant -> its `summary` over `config.steps` rounds."""
    contestants = [Engine(python, mode, flags) for python in config.pythons or [sys.executable]
                   for mode in config.modes]
    contestants += [Peer(command) for command in config.peers]
    try:
        for contestant in reversed(contestants):  # peers first: they start, or fail, sooner
            contestant.start()
        rounds = [[contestant.step() for contestant in contestants] for _ in range(config.steps)]
    finally:
        for contestant in contestants:
            contestant.stop()
    return {contestant.name: summary(rounds, place)
            for place, contestant in enumerate(contestants)}


class Engine:
    """A process of an interpreter that runs a step on request."""

    def __init__(self, python, mode, flags):
        self.name = '%s %s' % (python, mode)
        self._command = [python, _PROGRAM] + flags + ['--inside=engines', '--inside_mode=' + mode]
        self._process = None

    def start(self):
        """Starts the process and waits for its first steps."""
        try:
            self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE,
                                             stdout=subprocess.PIPE, universal_newlines=True)
        except OSError as error:
            raise UserError('--pythons: %s does not start: %s'
                            % (self._command[0], error)) from None
        self.name = 'TensorFlow %s %s' % (self._read()['tensorflow'], self.name.split(' ')[-1])

    def step(self):
        """(CPU seconds, seconds) of one step."""
        self._process.stdin.write('step\n')
        self._process.stdin.flush()
        times = self._read()
        return times['cpu_seconds'], times['seconds']

    def stop(self):
        if self._process:
            self._process.stdin.close()
            self._process.wait()

    def _read(self):
        for line in self._process.stdout:
            if line.startswith('{'):
                return json.loads(line)
        raise UserError('%s ended with status %d (see its message above)'
                        % (self.name, self._process.wait()))


class Peer:
    """Another program, started for each step, whose output `_PEER` matches."""

    def __init__(self, command):
        self.name = command

    def start(self):
        """Takes a step, so that a program that prints no times fails before any engine starts."""
        self.step()

    def step(self):
        """(CPU seconds, seconds) of one step, as the program prints them."""
        try:
            text = subprocess.run(shlex.split(self.name), stdout=subprocess.PIPE, check=True,
                                  universal_newlines=True).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            raise UserError('--peers: %s' % error) from None
        found = {name: re.search(pattern, text) for name, pattern in _PEER.items()}
        missing = [name for name, match in found.items() if not match]
        if missing:
            raise UserError('--peers=%s: must print %s (see --help)'
                            % (self.name, ' and '.join(_PEER[name] for name in missing)))
        return float(found['cpu_seconds'].group(1)), float(found['seconds'].group(1))

    def stop(self):
        pass


def take_steps(config):
    """Runs one step for each line of standard input and prints its times as JSON."""
    import tensorflow.compat.v1 as tf
    from benchmarks.steps import Step
    step = Step(config, config.inside_mode)
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
