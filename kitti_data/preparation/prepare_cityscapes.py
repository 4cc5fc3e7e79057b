"""What `cityscapes` consists of: the 30-frame clips around the labelled images.

Every second frame makes up an example, as that is nearer to KITTI's frame rate, and the bottom
quarter, which shows the car, is cut off.
"""
import itertools

import numpy as np

from kitti_data import cityscapes
from kitti_data.images import size_of_first
from kitti_data.preparation.clips import Clip, DataSet, Frame, collect
from vo_common.errors import UserError

FRAME_STEP = 2
KEEP_ROWS = 0.75


def find_clips(config):
    """<DataSet> of the cities in `config.sequences`, or else of all."""
    if config.img_height == 171:
        raise UserError('--img_height=171: must be 128, the height of the formatted frames (171 is '
                        'what they are resized to before the bottom quarter is cut off)')
    cities = config.sequences or cityscapes.cities(config.dataset_dir)
    clips, problems = collect([(config.dataset_dir, city) for city in cities], _clips_of_city,
                              'city {1}'.format)
    return DataSet(clips, problems, notes=[], keep_rows=KEEP_ROWS)


def _clips_of_city(root, city):
    frames = cityscapes.city_frames(root, city)
    cameras = cityscapes.camera_files(root, city)
    return collect([(city, sequence, frames[sequence], cameras.get(sequence, {}))
                    for sequence in frames], _clips_of_sequence, 'sequence {1} of {0}'.format)


def _clips_of_sequence(city, sequence, frames, cameras):
    """A clip for each run of frames that one camera took.

    Every 30 frames have their own camera file. Where neighbouring files say the same, as nearly all
    do, their frames stay together, and so do the examples across the border.
    """
    intrinsics, problems, broken = {}, [], set()
    size = size_of_first([frame.path for frame in frames])
    for label, path in sorted(cameras.items()):
        try:
            intrinsics[label] = cityscapes.read_camera(path, size)
        except UserError as error:
            problems.append(str(error))
            broken.add(label)

    def key_of(frame):
        label = cityscapes.labelled_frame(frame.number, cameras)
        return None if label in broken | {None} else tuple(intrinsics[label].ravel())

    clips, without = [], [frame for frame in frames
                          if cityscapes.labelled_frame(frame.number, cameras) is None]
    for key, run in itertools.groupby(frames, key_of):
        if key is not None:
            clips.append(Clip(city, [Frame(*frame) for frame in run],
                              np.array(key).reshape(3, 3), size, FRAME_STEP))
    if without:
        problems.append('no camera file of %d frames of sequence %s of %s, such as %s_camera.json '
                        'within 30 frames of %s' % (len(without), sequence, city, without[0].name,
                                                    without[0].path))
    return clips, problems
