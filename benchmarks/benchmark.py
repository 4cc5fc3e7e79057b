"""Measures the speed and the size of this repository on this machine.

    python benchmarks/benchmark.py                       GeoNet: graph, input pipeline, preparation
    python benchmarks/benchmark.py --parts=step --encoder=vgg
    python benchmarks/benchmark.py --model=convlstm_vo

Each part runs in a process of its own, so that its peak memory is its own. Without `--data_path`
a small synthetic sequence is rendered, at KITTI's size, into a temporary folder.
"""
import dataclasses
import os
import subprocess
import sys
import tempfile
from typing import List

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from common.errors import UserError, run_main
from common.files import read_json, write_json
from common.flags import flag, parse_flags, path_flag
from geonet.config import ENCODERS

PARTS = {'geonet': ('step', 'input', 'prepare'), 'convlstm_vo': ('step', 'input')}


@dataclasses.dataclass
class BenchmarkConfig:
    """What to measure."""
    model: str = flag('geonet', 'which model', choices=tuple(PARTS))
    parts: List[str] = flag([], 'step, input, prepare; empty is all that the model has')
    mode: str = flag('train_rigid', 'geonet: which training graph',
                     choices=('train_rigid', 'train_flow'))
    flownet_type: str = flag('residual', 'geonet: kind of train_flow',
                             choices=('residual', 'direct'))
    encoder: str = flag('resnet50', 'geonet: encoder of depth_net', choices=tuple(ENCODERS))
    batch_size: int = flag(0, 'examples a step; 0 is the model\'s default, 4 or 32')
    img_height: int = flag(0, 'height; 0 is the model\'s default')
    img_width: int = flag(0, 'width; 0 is the model\'s default')
    time_steps: int = flag(1, 'convlstm_vo: frame pairs in a window')
    data_path: str = path_flag('', 'KITTI odometry folder; empty renders a synthetic one')
    sequence: str = flag('00', 'its sequence')
    camera: int = flag(2, 'its camera')
    output: str = path_flag('', 'JSON file for the figures; empty prints alone')
    inside: str = flag('', 'for internal use: the one part to run in this process')

    def __post_init__(self):
        unknown = set(self.parts) - set(PARTS[self.model])
        if unknown:
            raise UserError('--parts: %s has no part %s; wanted some of %s' % (
                self.model, ', '.join(sorted(unknown)), ', '.join(PARTS[self.model])))


def main(argv=None):
    config, = parse_flags(__doc__, BenchmarkConfig, argv=argv)
    argv = sys.argv[1:] if argv is None else list(argv)
    if config.inside:
        write_json(config.output, measure(config))
        return
    figures = {}
    with tempfile.TemporaryDirectory() as work:
        if not config.data_path:
            argv += ['--data_path=' + render_sequence(work)]
        for part in config.parts or PARTS[config.model]:
            path = os.path.join(work, part + '.json')
            subprocess.run([sys.executable, os.path.abspath(__file__)] + argv +
                           ['--inside=' + part, '--output=' + path], check=True)
            figures[part] = read_json(path)
            print(part)
            for name, value in figures[part].items():
                print('  %-36s %s' % (name, '%.4g' % value if isinstance(value, float) else value))
    if config.output:
        write_json(os.path.abspath(config.output), figures)


def measure(config):
    """The figures of the part `config.inside`, measured in this process."""
    if config.model == 'geonet':
        from benchmarks import geonet_step as parts
    else:
        from benchmarks import convlstm_vo_step as parts
    return getattr(parts, 'measure_' + config.inside)(config)


def render_sequence(folder):
    """Renders a short synthetic sequence at KITTI's size and returns the odometry folder."""
    from kitti_data.rendering.synthetic import synthetic_dataset
    print('rendering a sequence of 24 frames', flush=True)
    root = os.path.join(folder, 'kitti')
    synthetic_dataset(root, ('00',), num_frames=24, img_height=376, img_width=1241, num_workers=0)
    return root


if __name__ == '__main__':
    run_main(main)
