"""Writes the ground truth of pose snippets of one KITTI odometry sequence."""
import os
import sys
if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

import dataclasses

from common.errors import UserError, run_main
from common.files import require_folder
from common.flags import flag, parse_flags, path_flag
from kitti_data import odometry
from kitti_eval import snippets


@dataclasses.dataclass
class Config:
    """Ground truth snippets."""
    dataset_dir: str = path_flag('', 'KITTI odometry folder, with sequences/ and poses/')
    output_dir: str = path_flag('', 'folder of the snippet files, made where missing')
    seq_id: str = flag('09', 'the sequence')
    seq_length: int = flag(5, 'frames in a snippet', aliases=('sequence_length',))

    def __post_init__(self):
        if self.seq_length < 2:
            raise UserError('--seq_length is %d, wanted 2 or more' % self.seq_length)
        if not self.output_dir:
            raise UserError('no --output_dir given')


def main(argv=None):
    config, = parse_flags(__doc__, Config, argv=argv)
    root = require_folder(config.dataset_dir, 'KITTI odometry folder (--dataset_dir)')
    name = odometry.sequence_name(config.seq_id)
    times, poses = read_times_and_poses(
        os.path.join(root, 'poses', name + '.txt'),
        os.path.join(root, 'sequences', name, 'times.txt'))
    runs = snippets.snippets_of_trajectory(poses, config.seq_length)
    first_frames = range(len(runs))
    run_times = [times[first:first + config.seq_length] for first in first_frames]
    snippets.write_snippets(config.output_dir, first_frames, run_times, runs)
    print('%d snippets of %d frames of sequence %s written to %s' % (
        len(runs), config.seq_length, name, config.output_dir))


def read_times_and_poses(poses_path, times_path):
    """(float64 [N] seconds, float64 [N, 4, 4]) of a pose file and its times file.

    Raises:
      UserError: a file is missing or broken, or they have not as many lines.
    """
    poses = odometry.read_poses(poses_path)
    times = odometry.read_times(times_path)
    if len(times) != len(poses):
        raise UserError('%s has %d times, but %s has %d poses' % (
            times_path, len(times), poses_path, len(poses)))
    return times, poses


if __name__ == '__main__':
    run_main(main)
