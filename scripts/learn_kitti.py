"""Trains GeoNet and ConvLSTM visual odometry on real KITTI drives, and says how well they do.

    python scripts/learn_kitti.py --kitti_dir=KITTI --output_dir=learn_kitti --minutes=60

KITTI is a folder in the odometry benchmark's layout: sequences/NN/image_C, calib.txt, times.txt,
and poses/NN.txt, which the ConvLSTM learns from and figures need. `--minutes` is the time of each
part's training steps; how many steps that is, is measured in the first ones. Killed and started
again, it goes on. Writes results.json (each figure beside its baseline), pictures, videos and
report.html.
"""
import dataclasses
import os
import sys
from typing import List

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from common.errors import run_main
from common.files import make_folder, read_json, require_folder, write_json
from common.flags import Flags, flag, parse_flags, path_flag
from kitti_eval import html_report
from npu_runtime.devices.flags import DEVICES
from npu_runtime.engine import start_tensorflow

PARTS = ('geonet', 'convlstm_vo')


@dataclasses.dataclass
class Config(Flags):
    """On what, how long and where it trains."""
    kitti_dir: str = path_flag('', 'KITTI odometry folder, with sequences/ and poses/')
    output_dir: str = path_flag('learn_kitti', 'runs and results; a run found there is continued')
    train_sequences: List[str] = flag([], 'default: those of 00 to 08 that are there')
    test_sequences: List[str] = flag([], 'default: those of 09 and 10 that are there')
    camera: int = flag(2, '0, 1 gray, 2, 3 colour', choices=(0, 1, 2, 3))
    minutes: float = flag(60.0, 'time of the training steps of each part', above=0)
    geonet_steps: int = flag(0, 'steps of GeoNet instead of --minutes', at_least=0)
    convlstm_steps: int = flag(0, 'steps of the ConvLSTM instead of --minutes', at_least=0)
    device: str = flag('auto', 'where to run', choices=DEVICES)
    img_height: int = flag(64, 'height of the pictures', at_least=32)
    img_width: int = flag(208, 'width of the pictures', at_least=32)
    parts: List[str] = flag(list(PARTS), 'which models', choices=PARTS)

    def __post_init__(self):
        super().__post_init__()
        self.require(parts='among ' + ', '.join(PARTS))
        self.kitti_dir = require_folder(self.kitti_dir, 'KITTI odometry folder (--kitti_dir)')


def main(argv=None):
    """Trains and tests the parts asked for, and writes results and report."""
    argv = sys.argv[1:] if argv is None else argv
    config, = parse_flags(__doc__, Config, argv=argv)
    start_tensorflow()
    from scripts import figures, kitti_convlstm, kitti_drives, kitti_geonet
    drives = kitti_drives.open_drives(config.kitti_dir, config.camera, config.train_sequences,
                                      config.test_sequences)
    folder = make_folder(config.output_dir)
    about = figures.circumstances(argv, 'scripts/learn_kitti.py')
    learn = {'geonet': kitti_geonet.learn, 'convlstm_vo': kitti_convlstm.learn}
    blocks = [html_report.paragraph('Trained on sequences %s, tested on %s of %s.' % (
        ', '.join(drives.train), ', '.join(drives.test), drives.root)),
              html_report.paragraph('%s; %s.' % (about['machine'], about['engine'])),
              html_report.commands([about['command']])]
    path = os.path.join(folder, 'results.json')
    for part in config.parts:
        rows, shown = learn[part](config, drives, os.path.join(folder, part), about)
        # What was measured before stays, unless it was measured anew.
        results = read_json(path) if os.path.exists(path) else {}
        write_json(path, dict(results, **{part: rows}))
        blocks += shown
    html_report.write_page(os.path.join(folder, 'report.html'), 'Learning on KITTI', blocks)
    print('written: %s' % path)


if __name__ == '__main__':
    run_main(main)
