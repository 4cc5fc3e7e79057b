"""What `kitti_raw_eigen` and `kitti_raw_stereo` consist of: raw drives without the test scenes."""
from kitti_data import raw, splits
from kitti_data.frame_files import missing_frames
from kitti_data.images import size_of_first
from kitti_data.preparation.clips import Clip, DataSet, Frame, collect
from vo_common.errors import UserError
from vo_common.parallel import parallel_map

DEFAULT_CAMERAS = (2, 3)


def find_clips(config):
    """<DataSet> of `config.sequences`, or else of every drive on the disk, without test scenes.

    With `config.remove_static`, frames at which the car's own inertial unit measured less than
    `config.static_speed`, or without a measurement, are left out; the examples around them fall
    away with them.
    """
    split = config.dataset_name.rpartition('_')[2]
    names = config.sequences or raw.list_drives(config.dataset_dir)
    left_out = sorted(set(names) & splits.test_scenes(split))
    notes = ['left out as test scenes of the %s split: %s' % (split, ', '.join(left_out))
             ] if left_out else []
    absent = sorted(splits.training_drives(split) - set(names)) if not config.sequences else []
    if absent:
        notes.append('%d training drives are not there: %s' % (len(absent), ', '.join(absent)))

    def clips_of(name, camera):
        drive = raw.RawDrive(config.dataset_dir, name)
        frames = drive.frames(camera)
        problems = missing_frames(frames)
        if config.remove_static:
            frames, unmeasured = _moving(frames, drive, config)
            problems += unmeasured
        size = size_of_first([path for _, path in frames]) if frames else None
        return [Clip('%s_%02d' % (name, camera),
                     [Frame(number, '%010d' % number, path) for number, path in frames],
                     drive.calibration.intrinsics(camera, size), size)], problems

    clips, problems = collect([(name, camera) for name in names if name not in left_out
                               for camera in config.camera or DEFAULT_CAMERAS], clips_of,
                              'camera {1} of drive {0}'.format)
    return DataSet(clips, problems, notes)


def _moving(frames, drive, config):
    """(the frames at which the car moves, a problem for each whose speed is not known)."""
    def speed(frame):
        try:
            return drive.speed(frame[0]), None
        except UserError as error:
            return -1.0, 'frame %d of drive %s is left out: %s' % (frame[0], drive.name, error)

    measured = parallel_map(speed, frames, config.num_threads, desc='speeds of ' + drive.name,
                            unit='frame')
    return ([frame for frame, (value, _) in zip(frames, measured) if value >= config.static_speed],
            [problem for _, problem in measured if problem])
