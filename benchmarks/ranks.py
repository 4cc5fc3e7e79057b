"""Compares training of GeoNet in one process with several processes, connected by Horovod.

Every rank has one thread and the same batch size: with enough cores, only the exchange of gradients
keeps N ranks from N times the examples per second. Needs scripts/install_horovod.sh.
"""
import os
import subprocess
import sys
import tempfile

from kitti_data.preparation import prepare_train_data
from kitti_data.rendering.synthetic import synthetic_dataset
from npu_runtime.training.metrics import read_metrics

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def measure(config):
    """Examples per second of one rank and of `config.np` ranks, and the efficiency."""
    height, width = config.img_height or 128, config.img_width or 416
    size = ['--img_height=%d' % height, '--img_width=%d' % width]
    with tempfile.TemporaryDirectory() as folder:
        kitti, formatted = os.path.join(folder, 'kitti'), os.path.join(folder, 'formatted')
        synthetic_dataset(kitti, ['00'], 30, height, width, num_workers=0)
        prepare_train_data.main(size + ['--dataset_name=kitti_odom', '--dataset_dir=' + kitti,
                                        '--dump_root=' + formatted, '--sequences=0'])
        flags = size + [
            '--mode=train_rigid', '--dataset_dir=' + formatted, '--device=cpu',
            '--batch_size=%d' % config.batch_size, '--dispnet_encoder=' + config.encoder,
            '--max_steps=%d' % config.steps, '--intra_op_threads=1', '--inter_op_threads=1']
        program = os.path.join(ROOT, 'geonet', 'main.py')
        launch = ['bash', os.path.join(ROOT, 'scripts', 'train_multi.sh'), '--np', str(config.np)]
        one = _rate([sys.executable, program], flags, os.path.join(folder, 'one'))
        many = _rate(launch + [program], flags, os.path.join(folder, 'many'))
    return {'ranks': config.np, 'examples_per_second_of_one': one,
            'examples_per_second_of_all': many, 'efficiency': many / (config.np * one)}


def _rate(command, flags, folder):
    """Trains with `command` in `folder`; returns examples per second over all ranks."""
    subprocess.run(command + flags + ['--checkpoint_dir=' + folder], check=True,
                   env=dict(os.environ, PYTHON=sys.executable, OMP_NUM_THREADS='1'))
    return read_metrics(folder)[-1]['examples_per_second']
