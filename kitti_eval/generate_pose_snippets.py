"""Writes the ground truth for pose snippets of a KITTI odometry sequence."""
import os
import sys
if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Before the slow imports, because it makes Ctrl-C exit with one line.
from vo_common.errors import UserError, run_main

import dataclasses

from kitti_data import odometry
from kitti_eval import snippets
from kitti_eval.truth import read_truth
from vo_common.console import warn
from vo_common.files import require_folder
from vo_common.flags import Flags, flag, parse_flags, path_flag


@dataclasses.dataclass
class Config(Flags):
    """Ground truth snippets."""
    dataset_dir: str = path_flag('', 'KITTI odometry folder, with sequences/ and poses/')
    output_dir: str = path_flag('', 'folder of the snippet files, created if missing')
    seq_id: str = flag('09', 'the sequence')
    seq_length: int = flag(5, 'frames in a snippet', aliases=('sequence_length',), at_least=2)

    def __post_init__(self):
        super().__post_init__()
        self.require(output_dir='the folder of the snippet files')


def main(argv=None):
    config, = parse_flags(__doc__, Config, argv=argv)
    root = require_folder(config.dataset_dir, 'KITTI odometry folder (--dataset_dir)')
    name = odometry.sequence_name(config.seq_id)
    poses_path = os.path.join(root, 'poses', name + '.txt')
    numbers, poses, times = read_truth(
        poses_path, os.path.join(root, 'sequences', name, 'times.txt'))
    if len(numbers) == numbers[-1] + 1 < len(times):
        raise UserError('%s: has %d poses, must have one for each of the %d times of sequence %s'
                        % (poses_path, len(numbers), len(times), name))
    runs = snippets.snippets_of_frames(numbers, times, poses, config.seq_length)
    if len(runs) < len(numbers) - config.seq_length + 1:
        warn('the poses of sequence %s skip frames: no snippet crosses a gap' % name)
    snippets.write_snippets(config.output_dir, list(runs), *zip(*runs.values()))
    print('%d snippets of %d frames of sequence %s written to %s' % (
        len(runs), config.seq_length, name, config.output_dir))


if __name__ == '__main__':
    run_main(main)
