"""ConvLSTM visual odometry: trains, tests and exports.

    python convlstm_vo/main.py --mode=train --datapath=KITTI --outputpath=run --time_steps=5
    python convlstm_vo/main.py --mode=test --datapath=KITTI --outputpath=run --test_sequences=9
    python convlstm_vo/main.py --mode=export --outputpath=run

A checkpoint's own configuration stands in for the model flags that are not given.
"""
import os
import sys

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from common.errors import run_main
from common.flags import parse_flags
from convlstm_vo.config import ModelConfig, RunConfig
from kitti_data.pipeline.window_augmentation import WindowAugmentConfig
from npu_runtime.config import RuntimeConfig
from npu_runtime.saved_config import model_flags

_CONFIGS = (RunConfig, ModelConfig, WindowAugmentConfig, RuntimeConfig)


def main(argv=None):
    """Does what `--mode` says; the modules of the other modes are not even imported."""
    run, model, augment, runtime = parse_flags(__doc__, *_CONFIGS, argv=argv)
    if run.mode == 'train':
        from convlstm_vo.train import train
        train(run, model, augment, runtime)
        return
    _, model, _, _ = parse_flags(__doc__, *_CONFIGS, argv=argv,
                              defaults=model_flags(run.checkpoint, ModelConfig))
    if run.mode == 'test':
        from convlstm_vo.test import test
        test(run, model, runtime)
    else:
        from convlstm_vo.export import export
        export(run, model, runtime)


def run():
    """Entry point of the installed program."""
    run_main(main)


if __name__ == '__main__':
    run()
