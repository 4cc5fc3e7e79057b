"""What `cityscapes` consists of: the 30-frame sequences around the labelled images.

Layout: `leftImg8bit_sequence/train/<city>/<city>_<sequence>_<frame>_leftImg8bit.png` and
`camera/train/<city>/<city>_<sequence>_<frame>_camera.json`. Every second frame makes up an example,
as that is nearer to KITTI's frame rate, and the bottom quarter, which shows the car, is cut off.
"""
import glob
import os
import re

import numpy as np

from common.errors import UserError
from common.files import read_json, require_folder
from kitti_data.preparation.clips import Clip, DataSet, Frame, collect

FRAME_STEP = 2
KEEP_ROWS = 0.75
_IMAGE_NAME = re.compile(r'(.+)_(\d+)_(\d+)_leftImg8bit\.png$')


def find_clips(config):
    """<DataSet> of the cities in `config.sequences`, or else of all."""
    if config.img_height == 171:
        raise UserError('--img_height is the height of the formatted frames; 171 is what they are '
                        'resized to before the bottom quarter is cut off, so wanted 128')
    images = require_folder(os.path.join(config.dataset_dir, 'leftImg8bit_sequence', 'train'),
                            'Cityscapes sequences')
    cities = config.sequences or sorted(
        name for name in os.listdir(images) if os.path.isdir(os.path.join(images, name)))
    clips, problems = collect([(config.dataset_dir, city) for city in cities], _clips_of)
    return DataSet(clips, problems, notes=[], keep_rows=KEEP_ROWS)


def _clips_of(dataset_dir, city):
    folder = require_folder(os.path.join(dataset_dir, 'leftImg8bit_sequence', 'train', city),
                            'Cityscapes city')
    frames = {}
    for name in sorted(os.listdir(folder)):
        match = _IMAGE_NAME.match(name)
        if match:
            frames.setdefault(match.group(2), []).append(Frame(
                int(match.group(3)), name[:-len('_leftImg8bit.png')], os.path.join(folder, name)))
    if not frames:
        raise UserError('no image *_leftImg8bit.png in %s' % folder)
    cameras = os.path.join(dataset_dir, 'camera', 'train', city)

    def clips_of(sequence):
        intrinsics = read_intrinsics(cameras, city, sequence)
        return [Clip(city, sorted(frames[sequence]), intrinsics, FRAME_STEP)], []

    return collect([(sequence,) for sequence in sorted(frames)], clips_of)


def read_intrinsics(folder, city, sequence):
    """float64 [3, 3] of the first camera file of a sequence; a UserError names what is wrong."""
    pattern = os.path.join(folder, '%s_%s_*_camera.json' % (city, sequence))
    paths = sorted(glob.glob(pattern))
    if not paths:
        raise UserError('no camera file %s' % pattern)
    content = read_json(paths[0])
    try:
        fx, fy, cx, cy = [float(content['intrinsic'][key]) for key in ('fx', 'fy', 'u0', 'v0')]
    except (KeyError, TypeError, ValueError):
        raise UserError('camera file %s: wanted numbers fx, fy, u0, v0 under "intrinsic"' %
                        paths[0])
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
