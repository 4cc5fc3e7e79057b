"""Renders synthetic drives into KITTI's folder layouts.

    python kitti_data/rendering/synthetic.py --output_dir=/tmp/synthetic --num_frames=200

Everything that reads KITTI reads these as well: the odometry benchmark (`sequences/NN/image_2`,
`calib.txt`, `times.txt`, `poses/NN.txt`), and with `--layout` raw drives and KITTI 2015. Poses are
exact, and `rendering.scene.load_scene` gives exact depth and flow for any frame.
"""
import dataclasses
import os
import sys
from typing import List

if __package__ in (None, ''):
    sys.path[0] = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))

# Before what takes long to import: from here on Ctrl-C is one line.
from vo_common.errors import UserError, run_main

import numpy as np
from PIL import Image

from kitti_data.images import write_png
from kitti_data.odometry import sequence_name, write_poses
from kitti_data.rendering.kitti_2015 import kitti_2015_dataset
from kitti_data.rendering.kitti_raw import DRIVES, raw_dataset
from kitti_data.rendering.scene import FRAME_SECONDS, VELO_TO_CAM, Scene
from vo_common.files import make_folder, write_text
from vo_common.flags import Flags, flag, parse_flags, path_flag
from vo_common.parallel import parallel_map

FRAMES_A_JOB = 8
LAYOUTS = ('odometry', 'raw', 'kitti_2015')


@dataclasses.dataclass
class Config(Flags):
    """Synthetic drives in KITTI's layouts."""
    output_dir: str = path_flag('', 'where sequences/ and poses/, the dates, or training/ go')
    layout: str = flag('odometry', 'of the folders', choices=LAYOUTS)
    num_sequences: int = flag(0, 'number of sequences, raw drives or KITTI 2015 scenes; '
                                 '0 is 11, 4 or 20', at_least=0)
    sequences: List[str] = flag([], 'names of the sequences or raw drives, not their number')
    num_frames: int = flag(120, 'frames a sequence or drive, at 10 a second', at_least=2)
    img_height: int = flag(128, 'height of the pictures', at_least=16)
    img_width: int = flag(416, 'width of the pictures', at_least=16)
    cameras: List[int] = flag([], '0 and 1 gray, 2 and 3 colour; 1 and 3 are on the right '
                                  '(default: 2; for raw drives 2,3)')
    min_speed: float = flag(0.25, 'metres a frame where the car is slowest')
    max_speed: float = flag(1.2, 'metres a frame where it is fastest')
    seed: int = flag(8964, 'of roads, speeds, houses and textures')
    num_workers: int = flag(0, 'worker processes; 0 is one for each core')

    def __post_init__(self):
        super().__post_init__()
        self.require(output_dir='a folder')
        known = (2, 3) if self.layout == 'raw' else (0, 1, 2, 3)
        if not set(self.cameras) <= set(known):
            raise UserError('--cameras=%s: must be among %s with --layout=%s' % (
                ','.join(map(str, self.cameras)), ', '.join(map(str, known)), self.layout))
        if self.layout == 'kitti_2015' and (self.sequences or self.cameras):
            raise UserError('--sequences, --cameras: must not be given with --layout=kitti_2015')
        if self.layout == 'raw' and not self.sequences and self.num_sequences > len(DRIVES):
            raise UserError('--num_sequences=%d: must be at most %d with --layout=raw (give more '
                            'names in --sequences)' % (self.num_sequences, len(DRIVES)))


def synthetic_dataset(output_dir, sequences=('00', '01'), num_frames=10, img_height=64,
                      img_width=208, seed=8964, cameras=(2,), min_speed=0.25, max_speed=1.2,
                      num_workers=1):
    """Writes sequences in KITTI's odometry layout; pictures already there are kept.

    Args:
      output_dir: gets `sequences/` and `poses/`.
      sequences: names or numbers.
      num_frames, img_height, img_width: of every sequence.
      seed: the same seed and name give the same sequence, whatever else is written.
      cameras: 0..3; 0 and 1 are written gray.
      min_speed, max_speed: metres a frame.
      num_workers: processes; 1 renders in this one, 0 is one for each core.

    Returns:
      List of the `Scene` of each sequence, which gives exact depth and flow.

    Raises:
      UserError: bad sizes or speeds; the folder holds other synthetic sequences of these names;
        it cannot be written.
    """
    scenes = [Scene(sequence_name(name), seed, num_frames, img_height, img_width, min_speed,
                    max_speed) for name in sequences]
    jobs = []
    for scene in scenes:
        folder = _write_sequence_files(output_dir, scene, cameras)
        for camera in cameras:
            missing = [frame for frame in range(num_frames)
                       if not os.path.exists(_image_path(folder, camera, frame))]
            jobs += [(scene, folder, camera, missing[i:i + FRAMES_A_JOB])
                     for i in range(0, len(missing), FRAMES_A_JOB)]
    parallel_map(_render_job, jobs, workers=num_workers, desc='rendering',
                 unit='x%d frames' % FRAMES_A_JOB, processes=True)
    return scenes


def calibration_text(scene):
    """The text of the odometry layout's calib.txt: P0..P3 and Tr, each a 3x4 row by row."""
    matrices = [('P%d' % camera, scene.projection(camera)) for camera in range(4)]
    return ''.join('%s: %s\n' % (key, ' '.join('%.12e' % value for value in matrix.ravel()))
                   for key, matrix in matrices + [('Tr', VELO_TO_CAM)])


def _write_sequence_files(output_dir, scene, cameras):
    """All of a sequence but its pictures; returns its folder."""
    folder = make_folder(os.path.join(output_dir, 'sequences', scene.name))
    scene.save(folder)
    for camera in cameras:
        make_folder(os.path.join(folder, 'image_%d' % camera))
    write_text(os.path.join(folder, 'calib.txt'), calibration_text(scene))
    write_text(os.path.join(folder, 'times.txt'), ''.join(
        '%.6e\n' % (frame * FRAME_SECONDS) for frame in range(scene.num_frames)))
    write_poses(os.path.join(make_folder(os.path.join(output_dir, 'poses')),
                             scene.name + '.txt'), scene.poses)
    return folder


def _image_path(folder, camera, frame):
    return os.path.join(folder, 'image_%d' % camera, '%06d.png' % frame)


def _render_job(job):
    scene, folder, camera, frames = job
    for frame in frames:
        image = scene.image(frame, camera)
        if camera < 2:
            image = np.asarray(Image.fromarray(image).convert('L'))
        write_png(_image_path(folder, camera, frame), image)


def main(argv=None):
    """Reads the flags and writes the layout."""
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
