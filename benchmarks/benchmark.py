"""Measures the speed and the size of this repository on this machine.

    python benchmarks/benchmark.py                       GeoNet: graph, input pipeline, preparation
    python benchmarks/benchmark.py --parts=step --encoder=vgg --modes=float32,mixed
    python benchmarks/benchmark.py --parts=step,input --device=gpu
    python benchmarks/benchmark.py --model=convlstm_vo

Each part, and each mode of a step, runs in a process of its own, so that its peak memory is its
own. Without `--data_path` a small synthetic sequence is rendered, at KITTI's size, into a temporary
folder.
"""
import dataclasses
import os
import subprocess
import sys
import tempfile
from typing import List

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from benchmarks.config import MODES, StepConfig  # noqa: E402
from npu_runtime.engine import start_tensorflow  # noqa: E402
from vo_common.errors import UserError, run_main  # noqa: E402
from vo_common.files import read_json, write_json  # noqa: E402
from vo_common.flags import flag, parse_flags, path_flag  # noqa: E402

PARTS = {'geonet': ('step', 'input', 'prepare'), 'convlstm_vo': ('step', 'input')}


@dataclasses.dataclass
class BenchmarkConfig(StepConfig):
    """What to measure."""
    parts: List[str] = flag([], 'step, input, prepare; empty is all that the model has')
    modes: List[str] = flag(
        [], 'of the step; empty is all with --device=gpu, else float32', choices=MODES)
    steps: int = flag(5, 'steps of which the medians are taken', at_least=1)
    data_path: str = path_flag('', 'KITTI odometry folder; empty renders a synthetic one')
    sequence: str = flag('00', 'its sequence')
    camera: int = flag(2, 'its camera')
    output: str = path_flag('', 'JSON file for the figures; empty prints alone')
    inside: str = flag('', 'for internal use: the one part to run in this process')
    inside_mode: str = flag('float32', 'for internal use: the mode of its step', choices=MODES)

    def __post_init__(self):
        super().__post_init__()
        unknown = sorted(set(self.parts) - set(PARTS[self.model]))
        if unknown:
            raise UserError('--parts=%s: must be among %s'
                            % (','.join(unknown), ', '.join(PARTS[self.model])))
        self.parts = self.parts or list(PARTS[self.model])
        self.modes = self.modes or (list(MODES) if self.device == 'gpu' else ['float32'])


def main(argv=None):
    config, = parse_flags(__doc__, BenchmarkConfig, argv=argv)
    if config.inside:
        write_json(config.output, measure(config))
        return
    flags = sys.argv[1:] if argv is None else list(argv)
    figures = {}
    with tempfile.TemporaryDirectory() as work:
        if needs_data(config) and not config.data_path:
            flags = flags + ['--data_path=' + render_sequence(work)]
        for part in config.parts:
            for mode in config.modes if part == 'step' else ['float32']:
                name = '%s_%s' % (part, mode) if part == 'step' else part
                figures[name] = measured(flags, part, mode, os.path.join(work, name + '.json'))
                show(name, figures[name])
    compare_with_input(figures)
    if config.output:
        write_json(os.path.abspath(config.output), figures)


def needs_data(config):
    """Whether a part reads frames: all but GeoNet's step, which takes random ones."""
    return config.model == 'convlstm_vo' or config.parts != ['step']


def measured(flags, part, mode, path):
    """The figures of one part, from a process of its own that leaves them in the file `path`."""
    command = [sys.executable, os.path.abspath(__file__)] + flags + [
        '--inside=' + part, '--inside_mode=' + mode, '--output=' + path]
    code = subprocess.run(command).returncode
    if code:
        raise UserError('part %s in mode %s ended with status %d (its message is above; --modes '
                        'and --parts choose others)' % (part, mode, code))
    return read_json(path)


def measure(config):
    """The figures of the part `config.inside`, measured in this process."""
    start_tensorflow()
    if config.model == 'geonet':
        from benchmarks import geonet_step as parts
    else:
        from benchmarks import convlstm_vo_step as parts
    return getattr(parts, 'measure_' + config.inside)(config)


def show(name, figures):
    print(name)
    for key, value in figures.items():
        print('  %-36s %s' % (key, '%.4g' % value if isinstance(value, float) else value))
    sys.stdout.flush()


def compare_with_input(figures):
    """Says whether the input pipeline keeps up with the fastest step of the same run."""
    steps = {name: part['examples_per_second'] for name, part in figures.items()
             if name.startswith('step_')}
    delivered = figures.get('input', {})
    delivered = delivered.get('kept_per_second', delivered.get('windows_per_second'))
    if steps and delivered:
        fastest = max(steps, key=steps.get)
        print('the input pipeline delivers %.4g examples/s, %s takes %.4g: %.2f times as many'
              % (delivered, fastest, steps[fastest], delivered / steps[fastest]))


def render_sequence(folder):
    """Renders a short synthetic sequence at KITTI's size and returns the odometry folder."""
    from kitti_data.rendering.synthetic import synthetic_dataset
    print('rendering a sequence of 24 frames', flush=True)
    root = os.path.join(folder, 'kitti')
    synthetic_dataset(root, ('00',), num_frames=24, img_height=376, img_width=1241, num_workers=0)
    return root


if __name__ == '__main__':
    run_main(main)
