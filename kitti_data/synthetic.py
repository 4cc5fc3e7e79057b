"""Renders synthetic drives into the folder layout of the KITTI odometry benchmark.

    python kitti_data/synthetic.py --output_dir=/tmp/synthetic --num_frames=200

Everything that reads KITTI reads these as well: `sequences/NN/image_2/%06d.png`, `calib.txt`,
`times.txt`, `poses/NN.txt`. Poses are exact, and `synthetic_scene.load_scene` gives exact depth
and flow for any frame.
"""
import dataclasses
import os
import sys
from typing import List

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

import numpy as np
from PIL import Image

from common.errors import UserError, run_main
from common.files import make_folder, write_text
from common.flags import flag, parse_flags
from common.parallel import parallel_map
from kitti_data.images import write_png
from kitti_data.odometry import sequence_name, write_poses
from kitti_data.synthetic_scene import Scene

FRAME_SECONDS = 0.1
FRAMES_A_JOB = 8
# Velodyne axes (x forward, y left, z up) to those of camera 0; the scanner is 8 cm above it.
VELO_TO_CAM = np.array([[0, -1, 0, 0], [0, 0, -1, -0.08], [1, 0, 0, -0.27]], np.float64)


@dataclasses.dataclass
class Config:
    """Synthetic drives in KITTI's odometry layout."""
    output_dir: str = flag('', 'where sequences/ and poses/ go')
    num_sequences: int = flag(11, 'number of sequences, named 00, 01, ...')
    sequences: List[str] = flag([], 'names of the sequences, instead of num_sequences')
    num_frames: int = flag(120, 'frames a sequence, at 10 a second')
    img_height: int = flag(128, 'height of the pictures')
    img_width: int = flag(416, 'width of the pictures')
    cameras: List[int] = flag([2], '0 and 1 gray, 2 and 3 colour; 1 and 3 are on the right')
    min_speed: float = flag(0.25, 'metres a frame where the car is slowest')
    max_speed: float = flag(1.2, 'metres a frame where it is fastest')
    seed: int = flag(8964, 'of roads, speeds, houses and textures')
    num_workers: int = flag(0, 'worker processes; 0 is one for each core')

    def __post_init__(self):
        if not self.output_dir:
            raise UserError('--output_dir wants a folder')
        if self.num_sequences < 1 and not self.sequences:
            raise UserError('--num_sequences wants at least 1, got %d' % self.num_sequences)
        if not self.cameras or not set(self.cameras) <= {0, 1, 2, 3}:
            raise UserError('--cameras wants some of 0,1,2,3, got %s' % self.cameras)


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
    """Reads the flags and writes the sequences."""
    config, = parse_flags(__doc__.split('\n')[0], Config, argv=argv)
    names = config.sequences or range(config.num_sequences)
    scenes = synthetic_dataset(
        config.output_dir, names, config.num_frames, config.img_height, config.img_width,
        config.seed, config.cameras, config.min_speed, config.max_speed, config.num_workers)
    print('%d sequences of %d frames of %dx%d in %s' % (
        len(scenes), config.num_frames, config.img_height, config.img_width, config.output_dir))


if __name__ == '__main__':
    run_main(main)
