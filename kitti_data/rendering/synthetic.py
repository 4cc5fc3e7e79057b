"""Renders synthetic drives into KITTI's folder layouts.

    python kitti_data/rendering/synthetic.py --output_dir=/tmp/synthetic --num_frames=200

Programs that read KITTI can read them too. The default is the odometry benchmark
(`sequences/NN/image_2`, `calib.txt`, `times.txt`, `poses/NN.txt`) with exact depth in
`sequences/NN/depth`; `--layout` selects raw drives or KITTI 2015. Poses and ground truth are exact.
"""
import dataclasses
import os
import sys
from typing import List

if __package__ in (None, ''):
    sys.path[0] = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))

# Imported first, because it makes Ctrl-C exit with one line.
from vo_common.errors import UserError, run_main

from kitti_data.rendering.layouts import (
    DRIVES, kitti_2015_dataset, raw_dataset, synthetic_dataset)
from vo_common.flags import Flags, as_typed, flag, parse_flags, path_flag


@dataclasses.dataclass
class Config(Flags):
    """Synthetic drives in KITTI's layouts."""
    output_dir: str = path_flag('', 'folder for sequences/ and poses/, raw dates, or training/')
    layout: str = flag('odometry', 'folder layout', choices=('odometry', 'raw', 'kitti_2015'))
    num_sequences: int = flag(0, 'number of sequences, raw drives or KITTI 2015 scenes; '
                                 '0: 11, 4 or 20', at_least=0)
    sequences: List[str] = flag([], 'names of the sequences or raw drives, instead of a number')
    num_frames: int = flag(120, 'frames in a sequence or drive, at 10 per second', at_least=2)
    img_height: int = flag(128, 'height of the images', at_least=16)
    img_width: int = flag(416, 'width of the images', at_least=16)
    cameras: List[int] = flag([], '0 and 1 gray, 2 and 3 colour; 1 and 3 are on the right '
                                  '(default: 2; for raw drives 2,3)', choices=(0, 1, 2, 3))
    min_speed: float = flag(0.25, 'lowest speed, metres per frame')
    max_speed: float = flag(1.2, 'highest speed, metres per frame')
    seed: int = flag(8964, 'seed of roads, speeds, houses and textures')
    num_workers: int = flag(0, 'worker processes; 0: one for each core')

    def __post_init__(self):
        super().__post_init__()
        self.require(output_dir='a folder')
        if self.layout == 'raw' and not {2, 3}.issuperset(self.cameras):
            raise UserError('--cameras=%s: must be among 2, 3 with --layout=raw' %
                            as_typed(self.cameras))
        if self.layout == 'kitti_2015' and not all(
                map(self.is_default, ('sequences', 'cameras', 'num_frames'))):
            raise UserError('--sequences, --cameras, --num_frames: must not be given with '
                            '--layout=kitti_2015')
        if self.layout == 'raw' and not self.sequences and self.num_sequences > len(DRIVES):
            raise UserError('--num_sequences=%d: must be at most %d with --layout=raw (give more '
                            'names in --sequences)' % (self.num_sequences, len(DRIVES)))


def main(argv=None):
    """Writes the layout that the flags describe."""
    config, = parse_flags(__doc__, Config, argv=argv)
    shared = dict(img_height=config.img_height, img_width=config.img_width, seed=config.seed,
                  min_speed=config.min_speed, max_speed=config.max_speed,
                  num_workers=config.num_workers)
    if config.layout == 'odometry':
        names = config.sequences or range(config.num_sequences or 11)
        scenes = synthetic_dataset(config.output_dir, names, config.num_frames,
                                   cameras=config.cameras or (2,), **shared)
        what = '%d sequences of %d frames' % (len(scenes), config.num_frames)
    elif config.layout == 'raw':
        names = config.sequences or DRIVES[:config.num_sequences or 4]
        scenes = raw_dataset(config.output_dir, names, config.num_frames,
                             cameras=config.cameras or (2, 3), **shared)
        what = '%d drives of %d frames' % (len(scenes), config.num_frames)
    else:
        _, frames = kitti_2015_dataset(config.output_dir, config.num_sequences or 20, **shared)
        what = '%d scenes' % len(frames)
    print('%s of %dx%d in %s' % (what, config.img_height, config.img_width, config.output_dir))


if __name__ == '__main__':
    run_main(main)
