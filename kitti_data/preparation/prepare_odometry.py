"""What `kitti_odom` consists of: the training sequences of the odometry benchmark."""
import numpy as np

from kitti_data import odometry
from kitti_data.frame_files import missing_frames
from kitti_data.images import size_of_first
from kitti_data.preparation.clips import Clip, DataSet, Frame, collect

TRAIN_SEQUENCES = ('00', '01', '02', '03', '04', '05', '06', '07', '08')
DEFAULT_CAMERAS = (2,)


def find_clips(config):
    """<DataSet> of `config.sequences`, or else of those of 00 to 08 that are there."""
    names = [odometry.sequence_name(name) for name in config.sequences]
    notes = []
    if not names:
        there = set(odometry.sequence_names(config.dataset_dir))
        names = [name for name in TRAIN_SEQUENCES if name in there]
        absent = [name for name in TRAIN_SEQUENCES if name not in there]
        if absent:
            notes.append('training sequences that are not there: %s' % ', '.join(absent))
    cameras = config.camera or DEFAULT_CAMERAS

    def clips_of(name, camera):
        sequence = odometry.OdometrySequence(config.dataset_dir, name, camera, allow_gaps=True)
        folder = name if len(cameras) == 1 else '%s_%d' % (name, camera)
        frames = [Frame(number, '%06d' % number, path) for number, path in sequence.frames]
        problems = missing_frames(sequence.frames)
        # float32 from here on, as published, for the same digits in the camera files
        intrinsics = sequence.intrinsics.astype(np.float32)
        size = size_of_first(sequence.image_paths)
        return [Clip(folder_of(folder, distance), frames, intrinsics, size, distance)
                for distance in dict.fromkeys(config.frame_distance)], problems

    clips, problems = collect([(name, camera) for name in names for camera in cameras], clips_of,
                              'camera {1} of sequence {0}'.format)
    return DataSet(clips, problems, notes)


def folder_of(name, distance):
    """The folder of a sequence's examples whose frames are `distance` apart: 03, 03_every2."""
    return name if distance == 1 else '%s_every%d' % (name, distance)
