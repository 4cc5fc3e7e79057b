"""Trains GeoNet's depth, pose and flow and ConvLSTM visual odometry, and evaluates them.

    python experiments/learn_kitti.py --kitti_dir=KITTI --output_dir=learn_kitti --minutes=60
    python experiments/learn_kitti.py --kitti_dir=KITTI --train_sequences=0,2,3 \\
        --validation_sequences=39 --test_sequences=7

KITTI is a folder in the layout of the odometry benchmark: sequences/NN/image_C, calib.txt,
times.txt, and poses/NN.txt, which the ConvLSTM and the evaluation need. Without --kitti_dir, ten
drives are rendered. `--minutes` limits the training time of each part; the speed of the first steps
determines their number. Choose recipes and flags on `--validation_sequences`, and report the test
sequences. A second run resumes a killed one. Writes results.json (each value with its baseline, for
each drive and as the mean over the test drives), pictures, videos and report.html.
"""
import dataclasses
import os
import sys
from typing import List

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from experiments.drives import RENDERED_SPEEDS, open_drives
from kitti_data.rendering.synthetic import synthetic_dataset
from kitti_eval import html_report
from npu_runtime.devices.flags import DEVICES
from npu_runtime.engine import start_tensorflow
from vo_common.errors import UserError, run_main
from vo_common.files import make_folder, read_json, require_folder, write_json
from vo_common.flags import Flags, flag, parse_flags, path_flag

NUM_FRAMES = 200
PARTS = ('geonet', 'flow', 'convlstm_vo')


@dataclasses.dataclass
class Config(Flags):
    """Experiment."""
    kitti_dir: str = path_flag('', 'KITTI odometry folder, with sequences/ and poses/; empty '
                                   'renders drives into <output_dir>/kitti')
    output_dir: str = path_flag('learn_kitti', 'runs and results; a run found there is resumed')
    train_sequences: List[str] = flag([], 'training sequences; empty: those of 00 to 08 that exist')
    validation_sequences: List[str] = flag([], 'sequences on which to choose recipes and flags; '
                                               'evaluated like the test sequences')
    test_sequences: List[str] = flag([], 'test sequences; empty: those of 09 and 10 that exist')
    camera: int = flag(2, 'camera: 0, 1 gray; 2, 3 colour', choices=(0, 1, 2, 3))
    flow_dir: str = path_flag('', 'KITTI 2015 folder to test flow on; empty: rendered images '
                                  'if the drives are rendered')
    minutes: float = flag(60.0, 'training time of each part', above=0)
    geonet_steps: int = flag(0, "steps of GeoNet's depth and pose, instead of --minutes",
                             at_least=0)
    flow_steps: int = flag(0, "steps of GeoNet's flow, instead of --minutes", at_least=0)
    convlstm_steps: int = flag(0, 'steps of the ConvLSTM, instead of --minutes', at_least=0)
    seed: int = flag(8964, 'seed of weights, examples and augmentation')
    device: str = flag('auto', 'where to run', choices=DEVICES)
    img_height: int = flag(64, 'height of the images; half of it for flow', at_least=32)
    img_width: int = flag(208, 'width of the images; half of it for flow', at_least=32)
    parts: List[str] = flag(list(PARTS), 'models to train', choices=PARTS)

    def __post_init__(self):
        super().__post_init__()
        self.require(parts='among ' + ', '.join(PARTS))
        if self.kitti_dir:
            self.kitti_dir = require_folder(self.kitti_dir, 'KITTI odometry folder (--kitti_dir)')
        if self.flow_dir:
            self.flow_dir = require_folder(self.flow_dir, 'KITTI 2015 folder (--flow_dir)')


def main(argv=None):
    """Trains and evaluates the parts, and writes results and report."""
    argv = sys.argv[1:] if argv is None else argv
    config, = parse_flags(__doc__, Config, argv=argv)
    start_tensorflow()
    from experiments import figures, learn_convlstm, learn_flow, learn_geonet
    folder = make_folder(config.output_dir)
    root = config.kitti_dir or os.path.join(folder, 'kitti')
    if not config.kitti_dir:  # renders what is missing
        synthetic_dataset(root, range(10), NUM_FRAMES, config.img_height, config.img_width,
                          cameras=(config.camera,), num_workers=0, **RENDERED_SPEEDS)
    drives = open_drives(root, config.camera, config.train_sequences, config.test_sequences,
                         config.validation_sequences)
    about = figures.circumstances(argv, 'experiments/learn_kitti.py')
    path, blocks = os.path.join(folder, 'results.json'), []
    _earlier_results(path)  # raises a UserError before the training
    learn = {'geonet': learn_geonet.learn, 'flow': learn_flow.learn,
             'convlstm_vo': learn_convlstm.learn}
    for part in config.parts:
        rows, part_blocks = learn[part](config, drives, os.path.join(folder, part), about)
        results = dict(_earlier_results(path), **{part: rows + figures.mean_rows(rows)})
        write_json(path, results)
        blocks += part_blocks
    split = 'Trained on sequences %s, validated on %s, tested on %s of %s.' % (
        *(', '.join(names) or 'none' for names in (drives.train, drives.validation, drives.test)),
        drives.root)
    head = [html_report.paragraph(split),
            html_report.paragraph('%s; %s.' % (about['machine'], about['engine'])),
            html_report.commands([about['command']])]
    head += [figures.summary(results[part], 'Results of ' + part)
             for part in config.parts if results[part]]
    html_report.write_page(os.path.join(folder, 'report.html'), 'Learning on KITTI', head + blocks)
    print('written: %s' % path)


def _earlier_results(path):
    """The results of all parts in the file `path`, {part: rows}; empty if it does not exist."""
    results = read_json(path) if os.path.exists(path) else {}
    if not isinstance(results, dict):
        raise UserError('%s: must hold the results of each part (give another --output_dir)' % path)
    return results


if __name__ == '__main__':
    run_main(main)
