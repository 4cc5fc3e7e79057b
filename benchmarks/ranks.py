"""How training grows with the ranks of a host: GeoNet on one process, and on several by Horovod.

    python benchmarks/ranks.py --np=2 [--output=ranks.json]

Every rank has one thread and the same batch size, so that with enough cores the shared gradients
alone keep N ranks from N times the examples a second. Needs scripts/install_horovod.sh.
"""
import dataclasses
import os
import subprocess
import sys
import tempfile

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from geonet.config import ENCODERS
from kitti_data.preparation import prepare_train_data
from kitti_data.rendering.synthetic import synthetic_dataset
from npu_runtime.training.metrics import read_metrics
from vo_common.errors import run_main
from vo_common.files import write_json
from vo_common.flags import Flags, flag, parse_flags, path_flag

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@dataclasses.dataclass
class Config(Flags):
    """What is measured."""
    np: int = flag(2, 'ranks', at_least=2)
    steps: int = flag(12, 'training steps of either run, of which the median counts', at_least=1)
    batch_size: int = flag(2, 'examples a step and rank', at_least=1)
    dispnet_encoder: str = flag('resnet50', 'encoder of depth_net',
                                choices=tuple(ENCODERS))
    img_height: int = flag(128, 'height of the pictures')
    img_width: int = flag(416, 'width of the pictures')
    output: str = path_flag('', 'JSON file for the figures; empty prints alone')


def main(argv=None):
    config, = parse_flags(__doc__, Config, argv=argv)
    size = ['--img_height=%d' % config.img_height, '--img_width=%d' % config.img_width]
    with tempfile.TemporaryDirectory() as folder:
        kitti, formatted = os.path.join(folder, 'kitti'), os.path.join(folder, 'formatted')
        synthetic_dataset(kitti, ['00'], 30, config.img_height, config.img_width, num_workers=0)
        prepare_train_data.main(size + ['--dataset_name=kitti_odom', '--dataset_dir=' + kitti,
                                        '--dump_root=' + formatted, '--sequences=0'])
        flags = size + [
            '--mode=train_rigid', '--dataset_dir=' + formatted, '--batch_size=%d' %
            config.batch_size, '--dispnet_encoder=' + config.dispnet_encoder, '--device=cpu',
            '--max_steps=%d' % config.steps, '--intra_op_threads=1', '--inter_op_threads=1']
        program = os.path.join(ROOT, 'geonet', 'main.py')
        launch = ['bash', os.path.join(ROOT, 'scripts', 'train_multi.sh'), '--np', str(config.np)]
        one = rate([sys.executable, program], flags, os.path.join(folder, 'one'))
        many = rate(launch + [program], flags, os.path.join(folder, 'many'))
    figures = {'ranks': config.np, 'examples_per_second_of_one': one,
               'examples_per_second_of_all': many, 'efficiency': many / (config.np * one)}
    for name, value in figures.items():
        print('%-30s %.4g' % (name, value))
    if config.output:
        write_json(os.path.abspath(config.output), figures)


def rate(command, flags, folder):
    """Examples a second over all ranks of the training run that `command` makes in `folder`."""
    subprocess.run(command + flags + ['--checkpoint_dir=' + folder], check=True,
                   env=dict(os.environ, PYTHON=sys.executable, OMP_NUM_THREADS='1'))
    return read_metrics(folder)[-1]['examples_per_second']


if __name__ == '__main__':
    run_main(main)
