"""Tests GeoNet's motions with other cameras than in training, on rendered drives.

    python experiments/other_cameras.py --run=demo/geonet/run --output_dir=other_cameras

Renders one drive with other focal lengths, camera heights and speeds (half the speed is equivalent
to twice the frame rate), predicts its motions with and without refinement, and writes results.json.
The baseline is the mean motion of the drive itself.
"""
import dataclasses
import os
import sys

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from experiments.drives import RENDERED_SPEEDS, Drives
from geonet.config import ModelConfig
from kitti_data.rendering.street import CAMERA_HEIGHT
from kitti_data.rendering.synthetic import synthetic_dataset
from npu_runtime.devices.flags import DEVICES
from npu_runtime.engine import start_tensorflow
from npu_runtime.run_folder import model_flags
from vo_common.errors import run_main
from vo_common.files import make_folder, write_json
from vo_common.flags import Flags, flag, parse_flags, path_flag

SEQUENCE, CAMERA = '09', 2


def _speeds(factor):
    return {name: factor * speed for name, speed in RENDERED_SPEEDS.items()}


# Difference from the drives of the demo -> arguments of `synthetic_dataset`.
CAMERAS = {
    'as trained': {},
    'focal length 1.4 times': {'zoom': 1.4},
    'focal length 0.8 times': {'zoom': 0.8},
    'camera 0.5 m lower': {'camera_height': CAMERA_HEIGHT - 0.5},
    '20 frames a second': _speeds(0.5),
    '5 frames a second': _speeds(2.0)}
VARIANTS = {'predicted': (), 'refined': ('--refine_steps=10',)}


@dataclasses.dataclass
class Config(Flags):
    """Test."""
    run: str = path_flag('demo/geonet/run', 'run of GeoNet, trained on rendered drives')
    output_dir: str = path_flag('other_cameras', 'drives, predictions and results')
    num_frames: int = flag(150, 'frames of each drive', at_least=20)
    device: str = flag('auto', 'where to run', choices=DEVICES)


def main(argv=None):
    """Renders, predicts, evaluates; prints one table and writes results.json."""
    argv = sys.argv[1:] if argv is None else argv
    config, = parse_flags(__doc__, Config, argv=argv)
    start_tensorflow()
    from experiments import figures
    from experiments.learn_geonet import prediction_flags
    from geonet import main as geonet
    from npu_runtime import checkpoints
    checkpoint = checkpoints.latest(config.run)
    size = ModelConfig(**model_flags(checkpoint, ModelConfig))
    about = dict(figures.circumstances(argv, 'experiments/other_cameras.py'), split='test',
                 trained_on=False)
    rows = []
    for number, (name, camera) in enumerate(CAMERAS.items()):
        folder = os.path.join(config.output_dir, 'camera_%d' % number)
        synthetic_dataset(folder, [SEQUENCE], config.num_frames, size.img_height,
                          size.img_width, num_workers=0, **dict(RENDERED_SPEEDS, **camera))
        drive = Drives(folder, CAMERA, [SEQUENCE], [], [])
        for variant, flags in VARIANTS.items():
            poses = make_folder(os.path.join(folder, variant))
            geonet.main(['--mode=test_pose', '--output_dir=' + poses, *flags,
                         *prediction_flags(drive, SEQUENCE, checkpoint, config.device)])
            scores = figures.snippet_figures(poses, drive, SEQUENCE)
            rows += figures.rows_of(scores.found, scores.baseline, **about, sequence=name,
                                    model='GeoNet, ' + variant)
    path = os.path.join(config.output_dir, 'results.json')
    write_json(path, {'geonet': rows})
    figures.summary(rows, 'Other cameras')
    print('written: %s' % path)


if __name__ == '__main__':
    run_main(main)
