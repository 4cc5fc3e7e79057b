"""GeoNet: trains and tests depth, optical flow and camera pose.

    python geonet/main.py --mode=train_rigid --dataset_dir=... --checkpoint_dir=...
    python geonet/main.py --mode=test_pose --dataset_dir=... --init_ckpt_file=... --output_dir=...

Model flags default to those saved with the checkpoint in --init_ckpt_file.
"""
import glob
import os
import sys

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from geonet.config import ModelConfig
from geonet.run_config import MODES, RunConfig
from kitti_data.pipeline.augmentation import AugmentConfig
from npu_runtime.devices.flags import RuntimeConfig
from npu_runtime.engine import run_mode
from npu_runtime.run_folder import model_flags
from vo_common.errors import run_main
from vo_common.flags import parse_flags


def main(argv=None):
    """Runs `--mode`."""
    run, model, runtime, augment = parse_flags(
        __doc__, RunConfig, ModelConfig, RuntimeConfig, AugmentConfig, argv=argv,
        defaults=_saved_model)
    run_mode(MODES[run.mode], run, model, augment, runtime, batch_flag='batch_size')


def _saved_model(values):
    """Model flags saved with the checkpoint to start from or to predict with.

    If that checkpoint only started a run which is now resumed, those of the run.
    """
    start, folder = values['init_ckpt_file'], values['checkpoint_dir']
    is_resumed = values['mode'].startswith('train') and glob.glob(
        os.path.join(glob.escape(folder), '*.index'))
    return model_flags(folder if start and is_resumed else start, ModelConfig)


def run():
    """Entry point of the installed program."""
    run_main(main)


if __name__ == '__main__':
    run()
