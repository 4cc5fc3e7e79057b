"""Finds the clips of numbered frames in the supported data sets, and the examples in them."""
import contextlib
import itertools
import typing

import numpy as np

from kitti_data import cityscapes, odometry, raw, splits
from kitti_data.frame_files import Frame, missing_frames
from kitti_data.images import size_of_first
from vo_common.errors import UserError
from vo_common.parallel import parallel_map

TRAIN_SEQUENCES = ('00', '01', '02', '03', '04', '05', '06', '07', '08')
# Examples of Cityscapes use every second frame, which is closer to KITTI's frame rate, without the
# bottom quarter, which shows the car.
_CITYSCAPES_STEP, _CITYSCAPES_ROWS = 2, 0.75


class Clip(typing.NamedTuple):
    """Frames of one camera on one drive."""
    folder: str                     # in the formatted set
    frames: typing.List[Frame]      # ascending numbers, which may jump
    intrinsics: np.ndarray          # [3, 3], pixels of the image files
    size: tuple                     # (height, width) of each image file
    step: int = 1                   # difference between the numbers of neighbours in an example
    keep_rows: float = 1.0          # fraction of the rows, from the top, that is kept

    def examples(self, seq_length):
        """{name of the middle frame, the target: `seq_length` frames, all `step` apart}."""
        by_number = {frame.number: frame for frame in self.frames}
        reach = seq_length // 2 * self.step
        examples = {}
        for frame in self.frames:
            numbers = range(frame.number - reach, frame.number + reach + 1, self.step)
            if all(number in by_number for number in numbers):
                examples[frame.name] = [by_number[number] for number in numbers]
        return examples


class DataSet(typing.NamedTuple):
    """The clips to prepare, and messages about missing data."""
    clips: typing.List[Clip]
    problems: typing.List[str]      # requested but missing or broken data; exit status 2
    notes: typing.List[str]         # other remarks

    @contextlib.contextmanager
    def part(self, name):
        """Turns a UserError in the block into a problem: the part `name` is left out."""
        try:
            yield
        except UserError as error:
            self.problems.append('%s is left out: %s' % (name, error))


def find_odometry(config):
    """<DataSet> of `config.sequences` of KITTI odometry; by default those of 00 to 08 found."""
    data, cameras = DataSet([], [], []), config.camera or [2]
    names = [odometry.sequence_name(name) for name in config.sequences]
    if not names:
        found = odometry.sequence_names(config.dataset_dir)
        names = [name for name in TRAIN_SEQUENCES if name in found]
        absent = [name for name in TRAIN_SEQUENCES if name not in found]
        if absent:
            data.notes.append('training sequences not found: %s' % ', '.join(absent))
    for name, camera in itertools.product(names, cameras):
        with data.part('camera %d of sequence %s' % (camera, name)):
            sequence = odometry.OdometrySequence(config.dataset_dir, name, camera, allow_gaps=True)
            folder = name if len(cameras) == 1 else '%s_%d' % (name, camera)
            # float32, as published, for the same digits in the camera files.
            clip = Clip(folder, _frames(sequence.frames, '%06d'),
                        sequence.intrinsics.astype(np.float32), size_of_first(sequence.image_paths))
            for distance in dict.fromkeys(config.frame_distance):
                data.clips.append(clip if distance == 1 else clip._replace(
                    folder='%s_every%d' % (folder, distance), step=distance))
            data.problems.extend(missing_frames(sequence.frames))
    return data


def find_raw(config):
    """<DataSet> of `config.sequences` of KITTI raw, by default all drives, without test scenes.

    With `config.remove_static`, leaves out frames with a measured speed below
    `config.static_speed` or without a measurement, and all examples that contain them.
    """
    data, split = DataSet([], [], []), config.dataset_name.rpartition('_')[2]
    names = config.sequences or raw.list_drives(config.dataset_dir)
    left_out = sorted(set(names) & splits.test_scenes(split))
    if left_out:
        data.notes.append('left out as test scenes of the %s split: %s' % (
            split, ', '.join(left_out)))
    absent = sorted(splits.training_drives(split) - set(names))
    if absent and not config.sequences:
        data.notes.append('%d training drives not found: %s' % (len(absent), ', '.join(absent)))
    for name, camera in itertools.product([name for name in names if name not in left_out],
                                          config.camera or [2, 3]):
        with data.part('camera %d of drive %s' % (camera, name)):
            drive = raw.RawDrive(config.dataset_dir, name)
            frames = drive.frames(camera)
            size = size_of_first([path for _, path in frames])
            intrinsics = drive.calibration.intrinsics(camera, size)
            data.problems.extend(missing_frames(frames))
            if config.remove_static:
                frames, unmeasured = _moving(frames, drive, config)
                data.problems.extend(unmeasured)
            data.clips.append(
                Clip('%s_%02d' % (name, camera), _frames(frames, '%010d'), intrinsics, size))
    return data


def find_cityscapes(config):
    """<DataSet> of the cities in `config.sequences`, by default all cities."""
    if config.img_height == 171:
        raise UserError('--img_height=171: must be 128, the height of the formatted frames (171 is '
                        'their height before the bottom quarter is cut off)')
    data, root = DataSet([], [], []), config.dataset_dir
    for city in config.sequences or cityscapes.cities(root):
        with data.part('city ' + city):
            sequences = cityscapes.city_frames(root, city)
            cameras = cityscapes.camera_files(root, city)
            for sequence, frames in sequences.items():
                with data.part('sequence %s of %s' % (sequence, city)):
                    _add_city_sequence(data, city, sequence, frames, cameras.get(sequence, {}))
    return data


def _frames(frames, name):
    return [Frame(number, name % number, path) for number, path in frames]


def _moving(frames, drive, config):
    """(frames in which the car moves, a problem for each frame of unknown speed)."""
    def check(frame):
        try:
            return drive.speed(frame[0]) >= config.static_speed, None
        except UserError as error:
            return False, 'frame %d of drive %s is left out: %s' % (frame[0], drive.name, error)

    moves, problems = zip(*parallel_map(check, frames, config.num_threads,
                                        desc='speeds of ' + drive.name, unit='frame'))
    return list(itertools.compress(frames, moves)), list(filter(None, problems))


def _add_city_sequence(data, city, sequence, frames, cameras):
    """Splits a sequence into clips of consecutive frames with equal intrinsics.

    Each 30 frames have their own camera file. Nearly all neighbouring files are equal; their frames
    form one clip, so that examples across the border are kept.
    """
    intrinsics, size = {None: None}, size_of_first([frame.path for frame in frames])
    for label, path in sorted(cameras.items()):
        try:
            intrinsics[label] = tuple(cityscapes.read_camera(path, size).ravel())
        except UserError as error:
            intrinsics[label] = None
            data.problems.append(str(error))
    labels = [cityscapes.labelled_frame(frame.number, cameras) for frame in frames]
    for camera, run in itertools.groupby(zip(frames, labels), lambda pair: intrinsics[pair[1]]):
        if camera:
            data.clips.append(Clip(city, [frame for frame, _ in run],
                                   np.array(camera).reshape(3, 3), size, _CITYSCAPES_STEP,
                                   _CITYSCAPES_ROWS))
    without = [frame for frame, label in zip(frames, labels) if label is None]
    if without:
        data.problems.append(
            'no camera file for %d frames of sequence %s of %s, such as %s_camera.json within 30 '
            'frames of %s' % (len(without), sequence, city, without[0].name, without[0].path))
