"""GeoNet: trains and tests depth, optical flow and camera pose.

    python geonet/main.py --mode=train_rigid --dataset_dir=... --checkpoint_dir=...
    python geonet/main.py --mode=test_pose --dataset_dir=... --init_ckpt_file=... --output_dir=...
"""
import os
import sys

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from common.errors import run_main
from common.flags import parse_flags
from geonet.config import ModelConfig
from geonet.run_config import RunConfig
from kitti_data.augmentation import AugmentConfig
from npu_runtime.config import RuntimeConfig


def main(argv=None):
    """Does what `--mode` says; the modules of the other modes are not even imported."""
    run, model, augment, runtime = parse_flags(
        'GeoNet on KITTI.', RunConfig, ModelConfig, AugmentConfig, RuntimeConfig, argv=argv)
    if run.mode in ('train_rigid', 'train_flow'):
        from geonet.train import train
        return train(run, model, augment, runtime).exit_status
    if run.mode == 'test_depth':
        from geonet.predict_depth import test_depth
        test_depth(run, model, runtime)
    elif run.mode == 'test_pose':
        from geonet.predict_pose import test_pose
        test_pose(run, model, runtime)
    return 0


def run():
    """Entry point of the installed program."""
    run_main(main)


if __name__ == '__main__':
    run()
