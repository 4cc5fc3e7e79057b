"""Formats the multi-view images of KITTI 2015 for flow prediction, each with its neighbours."""
import os
import sys
if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Before the slow imports, because it makes Ctrl-C exit with one line.
from vo_common.errors import EXIT_USER_ERROR, UserError, run_main

import dataclasses

import numpy as np

from kitti_data.calibration import camera_text
from kitti_data.example_list import SUMMARY_NAME
from kitti_data.images import write_jpeg
from kitti_data.kitti_2015 import FlowScenes
from kitti_data.snippet_source import load_scene
from vo_common.files import make_folder, require_folder, write_json, write_text
from vo_common.flags import Flags, flag, parse_flags, path_flag
from vo_common.parallel import parallel_map


@dataclasses.dataclass
class Config(Flags):
    """Formatting."""
    dataset_dir: str = path_flag('', 'KITTI 2015 multi-view folder, with training/image_2')
    calib_dir: str = path_flag('', 'folder with training/calib_cam_to_cam; empty: --dataset_dir')
    dump_root: str = path_flag('', 'folder to write to')
    cam_id: str = flag('02', 'camera', choices=('02', '03'))
    seq_length: int = flag(3, 'frames of an example, odd', at_least=3, at_most=21)
    img_height: int = flag(128, 'height of the formatted frames', at_least=1)
    img_width: int = flag(416, 'width of the formatted frames', at_least=1)
    half_pixel_centers: bool = flag(False, 'write exact principal points, for a model trained with '
                                           '--half_pixel_centers (published: up to half a pixel '
                                           'off)')
    jpeg_quality: int = flag(95, 'quality of the JPEG files', at_least=1, at_most=100)

    def __post_init__(self):
        super().__post_init__()
        self.require(dump_root='the folder to write to')
        if self.seq_length % 2 == 0:
            raise UserError('--seq_length=%d: must be odd' % self.seq_length)
        root = require_folder(self.dataset_dir, 'KITTI 2015 multi-view folder (--dataset_dir)')
        self.scenes = FlowScenes(
            require_folder(os.path.join(root, 'training', 'image_%d' % int(self.cam_id)),
                           'KITTI 2015 images'),
            os.path.join(self.calib_dir or root, 'training'))
        require_folder(self.scenes.calib_folder, 'KITTI 2015 calibration',
                       'unpack the archive data_scene_flow_calib and give --calib_dir')


def main(argv=None):
    config, = parse_flags(__doc__, Config, argv=argv)
    numbers = config.scenes.names
    name = 'sub_folder_' + config.cam_id
    root = make_folder(config.dump_root)
    if os.path.exists(os.path.join(root, 'train.txt')):
        raise UserError('--dump_root=%s: holds a training set, must be a separate folder' % root)
    write_json(os.path.join(root, SUMMARY_NAME),
               {'settings': {'half_pixel_centers': config.half_pixel_centers}})
    folder = make_folder(os.path.join(root, name))
    problems = parallel_map(lambda number: _problem_of(number, folder, config), numbers,
                            desc='formatting', unit='img')
    written = [number for number, problem in zip(numbers, problems) if not problem]
    write_text(os.path.join(root, 'test_flow.txt'),
               ''.join('%s %s\n' % (name, number) for number in written))
    print('%d of %d examples of %d frames written to %s' % (
        len(written), len(numbers), config.seq_length, folder))
    for problem in filter(None, problems):
        print('left out: %s' % problem, file=sys.stderr)
    return 0 if len(written) == len(numbers) else EXIT_USER_ERROR


def _problem_of(number, folder, config):
    """Writes `<number>.jpg` and `<number>_cam.txt` of a scene; returns its error or None."""
    try:
        snippet = load_scene(
            config.scenes, number, (config.seq_length, config.img_height, config.img_width),
            config.half_pixel_centers)
    except UserError as error:
        return str(error)
    # The image last, because it marks a complete example.
    write_text(os.path.join(folder, number + '_cam.txt'), camera_text(snippet.intrinsics))
    write_jpeg(os.path.join(folder, number + '.jpg'), np.concatenate(snippet.frames, axis=1),
               config.jpeg_quality)
    return None


if __name__ == '__main__':
    run_main(main)
