"""Prepares a formatted training set from KITTI or Cityscapes.

    python kitti_data/preparation/prepare_train_data.py --dataset_name=kitti_odom \
        --dataset_dir=/data/kitti_odometry --dump_root=/data/kitti_odom_formatted

A second run continues where the first one stopped. Unreadable files are skipped and listed at the
end; the exit status is then 2.
"""
import dataclasses
import os
import sys
from typing import List

if __package__ in (None, ''):
    sys.path[0] = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))

from kitti_data.preparation import data_sets
from kitti_data.preparation.format_writer import write_set
from vo_common.errors import EXIT_USER_ERROR, UserError, run_main
from vo_common.files import require_folder
from vo_common.flags import Flags, as_typed, flag, parse_flags, path_flag

DATA_SETS = {'kitti_odom': data_sets.find_odometry,
             'kitti_raw_eigen': data_sets.find_raw,
             'kitti_raw_stereo': data_sets.find_raw,
             'cityscapes': data_sets.find_cityscapes}

# Flag -> start of the names of the data sets that read it.
_READERS = {'frame_distance': 'kitti_odom', 'remove_static': 'kitti_raw', 'camera': 'kitti'}
# Flags that affect neither the examples nor the content of their files.
_NO_SETTINGS = ('dump_root', 'num_threads', 'val_fraction', 'seed')
# Settings that are not saved at their defaults, so that they equal those of sets without the flags.
_OPTIONAL_SETTINGS = ('frame_distance', 'half_pixel_centers')


@dataclasses.dataclass
class PrepareConfig(Flags):
    """Preparation of a training set."""
    dataset_dir: str = path_flag('', 'folder of the data set as downloaded and unpacked')
    dataset_name: str = flag('kitti_odom', 'which data set', choices=sorted(DATA_SETS))
    dump_root: str = path_flag('', 'folder to write the formatted set to')
    seq_length: int = flag(3, 'frames of an example, odd', at_least=3)
    img_height: int = flag(128, 'height of the formatted frames', at_least=1)
    img_width: int = flag(416, 'width of the formatted frames', at_least=1)
    frame_distance: List[int] = flag(
        [1], 'kitti_odom: distances between the frames of an example; 1,2 adds examples with twice '
             'the motion, which helps with slow driving and turns',
        at_least=1)
    half_pixel_centers: bool = flag(
        False, 'write the exact principal point of the resized images, for training with the same '
               'flag (published preparation: up to half a pixel off)')
    num_threads: int = flag(0, 'threads; 0: one for each core', at_least=0)
    remove_static: bool = flag(False, 'kitti_raw_*: leave out frames in which the car stands still')
    static_speed: float = flag(0.5, 'speed in m/s below which the car stands still', at_least=0)
    camera: List[int] = flag(
        [], 'KITTI cameras, 0 to 3; default 2 (kitti_odom) or 2,3 (kitti_raw_*)', at_least=0,
        at_most=3)
    sequences: List[str] = flag([], 'sequences, drives or cities; default: those for training')
    jpeg_quality: int = flag(95, 'quality of the JPEG files', at_least=1, at_most=100)
    val_fraction: float = flag(0.1, 'fraction of the examples for validation',
                               at_least=0, below=1)
    seed: int = flag(8964, 'seed for choosing validation examples')

    def __post_init__(self):
        super().__post_init__()
        self.require(dump_root='the folder to write the formatted set to')
        self.dataset_dir = require_folder(self.dataset_dir, 'data set (--dataset_dir)')
        self.dump_root = os.path.abspath(self.dump_root)
        for name, start in _READERS.items():
            if not self.is_default(name) and not self.dataset_name.startswith(start):
                raise UserError('--%s=%s: must not be given with --dataset_name=%s (only %s* '
                                'reads it)' % (name, as_typed(getattr(self, name)),
                                               self.dataset_name, start))
        if not self.is_default('static_speed') and not self.remove_static:
            raise UserError('--static_speed=%g: must not be given without --remove_static, which '
                            'alone reads it' % self.static_speed)
        if self.seq_length % 2 == 0:
            raise UserError('--seq_length=%d: must be odd (the target is the middle frame)' %
                            self.seq_length)

    @property
    def settings(self):
        """dict of the flags that determine the examples and the content of their files."""
        settings = {name: value for name, value in dataclasses.asdict(self).items()
                    if name not in _NO_SETTINGS
                    and not (name in _OPTIONAL_SETTINGS and self.is_default(name))}
        # Saved as UTF-8, because the bytes of a path decode differently in each locale.
        settings['dataset_dir'] = os.fsencode(self.dataset_dir).decode('utf-8', 'backslashreplace')
        return settings


def main(argv=None):
    config, = parse_flags(__doc__, PrepareConfig, argv=argv)
    summary = write_set(DATA_SETS[config.dataset_name](config), config)
    for text in summary['notes']:
        print('note: ' + text)
    print('%s: %d examples (%d for training, %d for validation) in %s; %d already existed' % (
        config.dataset_name, summary['examples'], summary['train'], summary['val'],
        config.dump_root, summary['already_there']))
    if not summary['problems']:
        return 0
    print('%d problems, %d examples left out:' % (len(summary['problems']), summary['failed']),
          file=sys.stderr)
    for text in summary['problems']:
        print('  ' + text, file=sys.stderr)
    return EXIT_USER_ERROR


if __name__ == '__main__':
    run_main(main)
