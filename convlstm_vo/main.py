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
from convlstm_vo.run_config import RunConfig
from kitti_data.pipeline.window_augmentation import WindowAugmentConfig
from npu_runtime.devices.flags import RuntimeConfig
from npu_runtime.engine import start_tensorflow
from npu_runtime.run_folder import model_flags
from vo_common.errors import run_main
from vo_common.flags import parse_flags


def main(argv=None):
    """Runs `--mode`; imports only the modules that this mode needs."""
    run, model, augment, runtime = parse_flags(
        __doc__, RunConfig, ModelConfig, WindowAugmentConfig, RuntimeConfig, argv=argv,
        defaults=_saved_model)
    start_tensorflow()
    if run.mode == 'train':
        from convlstm_vo.train import run_training
        run_training(run, model, augment, runtime)
        return
    from npu_runtime.devices.choose import choose_device
    from npu_runtime.failures import explained
    batch = ('--export_batch (now %d)' % run.export_batch if run.mode == 'export'
             else '--chunk (now %d)' % run.chunk)
    with explained(choose_device(runtime), batch):
        if run.mode == 'test':
            from convlstm_vo.predict_motion import test_motion
            test_motion(run, model, runtime)
        else:
            from convlstm_vo.export import export
            export(run, model, runtime)


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
