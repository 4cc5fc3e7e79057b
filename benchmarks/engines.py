"""Compares TensorFlow engines, and other programs, on the same training step.

    python benchmarks/engines.py --pythons=.venv/bin/python,/opt/newest/bin/python
    python benchmarks/engines.py --pythons=.venv/bin/python --modes=float32,mixed \\
        --peers='python geonet_torch.py --bench --steps=3' --output=engines.json

Every Python builds the step in every mode; then all take one step each, in turn, round after round,
so that whatever else slows the machine meets all alike. The table has medians, and the median of
the ratios to the first contestant within each round. Each of the `--peers` is run once in a round
and prints `CPU-s/step 12.3` and `s/step: median 4.5`. A mode that an engine does not have (bfloat16
where the CPU has none) runs in float32, as training would.
"""
import dataclasses
import json
import os
import re
import shlex
import statistics
import subprocess
import sys
from typing import List

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from benchmarks.config import MODES, StepConfig  # noqa: E402
from npu_runtime.engine import start_tensorflow  # noqa: E402
from vo_common.errors import UserError, run_main  # noqa: E402
from vo_common.files import write_json  # noqa: E402
from vo_common.flags import flag, parse_flags, path_flag  # noqa: E402

_PEER = {'cpu_seconds': r'CPU-s/step ([\d.]+)', 'seconds': r's/step: median ([\d.]+)'}


@dataclasses.dataclass
class EnginesConfig(StepConfig):
    """What to compare."""
    pythons: List[str] = flag([], 'interpreters with an engine each; empty is this one')
    modes: List[str] = flag(['float32'], 'which precisions, with and without XLA', choices=MODES)
    peers: List[str] = flag([], 'commands of other programs that make the same step')
    rounds: int = flag(3, 'steps of each contestant', at_least=1)
    output: str = path_flag('', 'JSON file for the figures; empty prints alone')
    inside_mode: str = flag('', 'for internal use: take steps in this process, one for each line '
                            'of the input')


def main(argv=None):
    config, = parse_flags(__doc__, EnginesConfig, argv=argv)
    if config.inside_mode:
        take_steps(config)
        return
    flags = sys.argv[1:] if argv is None else list(argv)
    contestants = [Engine(python, mode, flags) for python in config.pythons or [sys.executable]
                   for mode in config.modes]
    contestants += [Peer(command) for command in config.peers]
    try:
        for contestant in contestants:
            contestant.start()
        rounds = [[contestant.step() for contestant in contestants]
                  for _ in range(config.rounds)]
    finally:
        for contestant in contestants:
            contestant.stop()
    figures = {contestant.name: summary(rounds, place)
               for place, contestant in enumerate(contestants)}
    show(figures)
    if config.output:
        write_json(os.path.abspath(config.output), figures)


class Engine:
    """A process of an interpreter, which takes a step whenever it is told to."""

    def __init__(self, python, mode, flags):
        self.name = '%s %s' % (python, mode)
        self._command = [python, os.path.abspath(__file__)] + flags + ['--inside_mode=' + mode]
        self._process = None

    def start(self):
        """Starts it, and waits until the graph is built and has made its first steps."""
        try:
            self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE,
                                             stdout=subprocess.PIPE, universal_newlines=True)
        except OSError as error:
            raise UserError('--pythons: %s does not start: %s'
                            % (self._command[0], error)) from None
        version = self._read()['tensorflow']
        self.name = 'TensorFlow %s %s' % (version, self.name.split(' ')[-1])

    def step(self):
        """(CPU seconds, seconds) of one step."""
        self._process.stdin.write('step\n')
        self._process.stdin.flush()
        figures = self._read()
        return figures['cpu_seconds'], figures['seconds']

    def stop(self):
        if self._process:
            self._process.stdin.close()
            self._process.wait()

    def _read(self):
        for line in self._process.stdout:
            if line.startswith('{'):
                return json.loads(line)
        raise UserError('%s ended with status %d (its message is above)'
                        % (self.name, self._process.wait()))


class Peer:
    """Another program, run as a whole for each step."""

    def __init__(self, command):
        self.name = command
        self._command = shlex.split(command)

    def start(self):
        pass

    def step(self):
        """(CPU seconds, seconds) of one step, as the program prints them."""
        try:
            text = subprocess.run(self._command, stdout=subprocess.PIPE, check=True,
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
    """Takes one step for each line of the standard input and prints its figures as JSON."""
    start_tensorflow()
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
    """The figures of the contestant at `place` in each of `rounds` of (CPU seconds, seconds)."""
    cpu_seconds, seconds = zip(*(steps[place] for steps in rounds))
    return {'cpu_seconds_per_step': statistics.median(cpu_seconds),
            'seconds_per_step': statistics.median(seconds),
            'cpu_seconds_to_first': statistics.median(
                steps[place][0] / steps[0][0] for steps in rounds)}


def show(figures):
    print('CPU-s a step  s a step  CPU-s to the first')
    for name, row in figures.items():
        print('%12.2f  %8.2f  %18.2f  %s' % (row['cpu_seconds_per_step'], row['seconds_per_step'],
                                             row['cpu_seconds_to_first'], name))


if __name__ == '__main__':
    run_main(main)
