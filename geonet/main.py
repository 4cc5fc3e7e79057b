"""GeoNet: trains and tests depth, optical flow and camera pose.

    python geonet/main.py --mode=train_rigid --dataset_dir=... --checkpoint_dir=...
    python geonet/main.py --mode=test_pose --dataset_dir=... --init_ckpt_file=... --output_dir=...

Model flags default to those saved with the checkpoint.
"""
import os
import sys

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from geonet.config import ModelConfig
from geonet.run_config import RunConfig
from kitti_data.pipeline.augmentation import AugmentConfig
from npu_runtime.devices.flags import RuntimeConfig
from npu_runtime.engine import start_tensorflow
from npu_runtime.run_folder import model_flags
from vo_common.errors import run_main
from vo_common.flags import parse_flags


def main(argv=None):
    """Runs `--mode`; imports only the modules that this mode needs."""
    run, model, runtime, augment = parse_flags(
        __doc__, RunConfig, ModelConfig, RuntimeConfig, AugmentConfig, argv=argv,
        defaults=lambda values: model_flags(values['init_ckpt_file'], ModelConfig))
    start_tensorflow()
    if run.mode.startswith('train_'):
        from geonet.train import run_training
        run_training(run, model, augment, runtime)
        return
    from npu_runtime.devices.choose import choose_device
    from npu_runtime.failures import explained
    batch = ('--export_batch (now %d)' % run.export_batch if run.mode.startswith('export')
             else '--batch_size (now %d)' % run.batch_size)
    with explained(choose_device(runtime), batch):
        if run.mode == 'test_depth':
            from geonet.predict_depth import test_depth
            test_depth(run, model, runtime)
        elif run.mode == 'test_pose':
            from geonet.predict_pose import test_pose
            test_pose(run, model, runtime)
        elif run.mode == 'test_flow':
            from geonet.predict_flow import test_flow
            test_flow(run, model, runtime)
        else:
            from geonet.export import export
            export(run, model, runtime)


def run():
    """Entry point of the installed program."""
    run_main(main)


if __name__ == '__main__':
    run()
