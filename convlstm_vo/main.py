"""Trains, tests and exports ConvLSTM visual odometry.

    python convlstm_vo/main.py --mode=train --datapath=KITTI --outputpath=run --time_steps=5
    python convlstm_vo/main.py --mode=test --datapath=KITTI --outputpath=run --test_sequences=9
    python convlstm_vo/main.py --mode=export --outputpath=run

In test and export, model flags default to those saved with the checkpoint.
"""
import os
import sys

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from convlstm_vo.config import ModelConfig
from convlstm_vo.run_config import MODES, RunConfig
from kitti_data.pipeline.window_augmentation import WindowAugmentConfig
from npu_runtime.devices.flags import RuntimeConfig
from npu_runtime.engine import run_mode
from npu_runtime.run_folder import model_flags
from vo_common.errors import run_main
from vo_common.flags import parse_flags


def main(argv=None):
    """Runs `--mode`."""
    run, model, augment, runtime = parse_flags(
        __doc__, RunConfig, ModelConfig, WindowAugmentConfig, RuntimeConfig, argv=argv,
        defaults=_saved_model)
    run_mode(MODES[run.mode], run, model, augment, runtime, batch_flag='chunk')


def _saved_model(values):
    """Model flags saved with the checkpoint to test or export."""
    if values['mode'] == 'train':
        return {}
    return model_flags(values['init_checkpoint'] or values['outputpath'], ModelConfig)


def run():
    """Entry point of the installed program."""
    run_main(main)


if __name__ == '__main__':
    run()
