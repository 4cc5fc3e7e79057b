"""Frames to predict on: from a KITTI folder, a list, a folder of images or a video."""
import collections
import glob
import itertools
import os
from typing import Callable, Iterator, List, NamedTuple

import numpy as np

from kitti_data import images, video
from kitti_data.calibration import RawCalibration, typed_camera
from kitti_data.frame_files import (
    IMAGE_EXTENSIONS, KITTI_FRAME_RATE, check_gaps, frame_rate, list_frames, list_images,
    usual_step)
from kitti_data.image_lists import read_image_list
from kitti_data.kitti_2015 import DEFAULT_CAMERA, FlowScenes
from kitti_data.odometry import OdometrySequence
from kitti_data.raw import drive_of, read_timestamps
from vo_common.console import warn
from vo_common.errors import UserError
from vo_common.files import require_folder
from vo_common.parallel import read_ahead

_DEFAULT_SEQUENCE = '9'  # as of --pose_test_seq
_MOST_FACTOR = 1.5  # largest tolerated ratio between the frame rate and KITTI's


class FrameSource(NamedTuple):
    """Frames in order; read(height, width) yields them as uint8 [height, width, 3], resized."""
    names: List[str]      # one for each frame, to identify predictions
    sizes: List[tuple]    # (height, width) of each frame in its file
    read: Callable[[int, int], Iterator[np.ndarray]]
    numbers: np.ndarray   # int64 [N], ascending: the number in each frame's name, else 0..N-1
    read_times: Callable  # returns float64 [N] seconds
    folder: str           # absolute path of the folder that names are relative to, or of the video
    rate: float           # frames per second
    clocked: bool = False  # whether numbers are times
    fault: str = ''       # reason why frames are missing at the end
    read_camera: Callable = lambda: None  # returns float64 [3, 3], pixels of the files, or None

    @property
    def size(self):
        """(height, width) of the first frame in its file."""
        return self.sizes[0]

    def camera(self, intrinsics):
        """float64 [3, 3] of --intrinsics if given, else `read_camera()`."""
        typed = typed_camera(intrinsics, self.size)
        return self.read_camera() if typed is None else typed

    def every(self, step):
        """The source of every `step`-th frame, starting with the first."""
        return self._replace(
            names=self.names[::step], sizes=self.sizes[::step], numbers=self.numbers[::step],
            rate=self.rate / step,
            read=lambda *size: itertools.islice(self.read(*size), 0, None, step),
            read_times=lambda: self.read_times()[::step])


def require_whole(source):
    """Raises a UserError if frames of a source are missing. Call it after prediction."""
    if source.fault:
        raise UserError('%s; only those are predicted' % source.fault)


def warn_of_rate(rate, path, step=None):
    """Warns if `rate`, frames per second of the frames in `path`, differs much from KITTI's.

    `step` is the current --frame_step; None if the program has no such flag.
    """
    factor = rate / KITTI_FRAME_RATE
    if 1 / _MOST_FACTOR <= factor <= _MOST_FACTOR:
        return
    best = max(1, round(step * factor)) if step else step
    warn('%s: prediction uses %.4g frames per second, KITTI has %g: a model trained on KITTI '
         'expects other motions%s' % (path, rate, KITTI_FRAME_RATE,
                                      ' (--frame_step=%d fits better)' % best
                                      if best != step else ''))


def depth_frames(dataset_dir, split, test_file_list='', sequence='', camera=DEFAULT_CAMERA):
    """The frames of a depth test.

    The first of these that is given: the files of a list, relative to `dataset_dir`; with split
    'stereo', the reference images of KITTI 2015; `sequence_frames`, but gaps only cause a warning.
    Raises a UserError as `sequence_frames`, or if the folder is of another kind than the split.
    """
    if test_file_list:
        require_defaults('the images of --test_file_list', sequence, camera)
        names = [name for name, _ in read_image_list(test_file_list, dataset_dir)]
        return from_paths([os.path.join(dataset_dir, name) for name in names], names)
    if split == 'stereo' and dataset_dir:
        training = os.path.join(dataset_dir, 'training')
        if os.path.isdir(training):
            require_defaults('KITTI 2015', sequence, camera)
            scenes = FlowScenes(require_folder(os.path.join(training, 'image_2'),
                                               'KITTI 2015 images'))
            return from_paths([path for name in scenes.names
                               for path in scenes.frame_paths(name, 1)])
        if (os.path.isfile(dataset_dir) or _is_odometry(dataset_dir)
                or drive_of(dataset_dir, camera)):
            raise UserError('--depth_test_split=stereo: must not be given for %s (read for a KITTI '
                            '2015 folder, with training/)' % dataset_dir)
    return sequence_frames(dataset_dir, sequence, camera, allow_gaps=True)


def sequence_frames(path, sequence='', camera=DEFAULT_CAMERA, allow_gaps=False):
    """Successive frames: an odometry sequence, a raw drive, a folder of images, or a video.

    Raises a UserError if `path` is none of these, frames are missing, they belong to several
    scenes, or `sequence` or `camera` is not the default and not that of `path`.

    Args:
      path: folder or video file.
      sequence, camera: odometry sequence and camera, if `path` is a KITTI folder.
      allow_gaps: accept single frames: gaps only cause a warning, and the frames may belong to
        several scenes and have several sizes.
    """
    if not path:
        raise UserError('--dataset_dir is empty: must be a KITTI folder, a folder of images or a '
                        'video')
    if os.path.isfile(path):
        require_defaults('a video', sequence, camera)
        return from_video(path)
    require_folder(path, '--dataset_dir')
    if _is_odometry(path):
        return from_odometry(path, sequence, camera, allow_gaps)
    drive = drive_of(path, camera)
    require_defaults(path, sequence, DEFAULT_CAMERA if drive and drive[1] == camera else camera)
    return from_raw(*drive, allow_gaps) if drive else from_folder(path, allow_gaps)


def _is_odometry(path):
    return os.path.isdir(os.path.join(path, 'sequences'))


def require_defaults(frames, sequence='', camera=DEFAULT_CAMERA):
    """Raises a UserError if `sequence` or `camera` would select among `frames`, which are fixed."""
    for flag, value, defaults in (('pose_test_seq', str(sequence), ('', _DEFAULT_SEQUENCE)),
                                  ('camera', camera, (DEFAULT_CAMERA,))):
        if value not in defaults:
            raise UserError('--%s=%s: must not be given for %s (of one sequence and camera)' % (
                flag, value, frames))


def from_odometry(root, sequence, camera, allow_gaps=False):
    """The frames of one odometry sequence, with its times."""
    frames = OdometrySequence(root, sequence, camera, allow_gaps)
    return _from_frames(frames.frames, allow_gaps)._replace(
        rate=frames.rate, read_times=lambda: frames.times, read_camera=lambda: frames.intrinsics)


def from_raw(drive, camera, allow_gaps=False):
    """The frames of one drive of KITTI raw, with its timestamps and calibration if they exist."""
    folder, date_folder = os.path.join(drive, 'image_%02d' % camera), os.path.dirname(drive)
    source = _from_frames(list_frames(require_folder(os.path.join(folder, 'data'),
                                                     'camera folder')), allow_gaps)
    numbers, times_path = source.numbers, os.path.join(folder, 'timestamps.txt')
    if os.path.isfile(times_path):
        times = read_timestamps(times_path)

        def read_times():
            if numbers[-1] >= len(times):
                raise UserError('%s: has %d times, must have one for each frame up to %d' % (
                    times_path, len(times), numbers[-1]))
            return times[numbers]

        source = source._replace(rate=frame_rate(numbers, times), read_times=read_times)
    if os.path.isfile(os.path.join(date_folder, 'calib_cam_to_cam.txt')):
        source = source._replace(
            read_camera=lambda: RawCalibration(date_folder).intrinsics(camera, source.size))
    return source


def from_folder(folder, allow_gaps=False):
    """All images of a folder, in the natural order of their names."""
    frames, per_second = list_images(folder, one_scene=not allow_gaps)
    if not frames:
        raise UserError('%s holds neither sequences/ nor images (%s)%s' % (
            folder, ', '.join(IMAGE_EXTENSIONS), _hint(folder, allow_gaps)))
    if frames[0][0] is None:  # the names hold no numbers
        return from_paths([path for _, path in frames], one_size=not allow_gaps)
    source = _from_frames(frames, allow_gaps)
    if per_second is None:
        return source
    numbers = source.numbers
    return source._replace(
        clocked=True, rate=per_second / usual_step(numbers),
        # float64 resolves seconds since 1970 to a quarter of a microsecond, hence the rounding.
        read_times=lambda: numbers // per_second + np.round(
            numbers % per_second / per_second, 6))


def _from_frames(frames, allow_gaps):
    """The source of (number, path) pairs."""
    check_gaps(frames, allow_gaps)
    numbers, paths = zip(*frames)
    return from_paths(paths, numbers=numbers, one_size=not allow_gaps)


def from_paths(paths, names=None, numbers=None, one_size=False):
    """The image files `paths`, with ascending `numbers`, by default from 0.

    Raises a UserError if a file is not an image, or, with `one_size`, has another size than others.
    """
    def read(height, width):
        return read_ahead(lambda path: images.read_resized(path, height, width)[0], paths)

    sizes = images.check_headers(paths)
    for path, size in zip(paths, sizes if one_size else ()):
        if size != sizes[0]:
            raise UserError('%s: is %dx%d pixels, must be %dx%d like %s (frames of one drive have '
                            'one camera)' % ((path,) + size[::-1] + sizes[0][::-1] + (paths[0],)))
    names = names or [os.path.basename(path) for path in paths]
    numbers = np.array(range(len(paths)) if numbers is None else numbers, np.int64)
    return FrameSource(names, sizes, read, numbers, lambda: numbers / KITTI_FRAME_RATE,
                       os.path.abspath(paths[0][:-len(names[0])]), frame_rate(numbers))


def from_video(path):
    """The frames of a video file, with times from its frame rate."""
    found = video.probe(path)

    def read(height, width):
        return (images.resize(image, height, width) for image in video.read_frames(path))

    numbers = np.arange(found.frames)
    return FrameSource(['frame %d' % number for number in numbers], [found.size] * found.frames,
                       read, numbers, lambda: numbers / found.rate, os.path.abspath(path),
                       found.rate, fault=found.fault)


def _hint(folder, single_images):
    """Hint for a folder of KITTI raw that is not a drive."""
    drives = [path for depth in ('*_sync', os.path.join('*', '*_sync'))
              for path in sorted(glob.glob(os.path.join(glob.escape(folder), depth)))
              if drive_of(path, 0)]
    if not drives:
        return ''
    return '; must be one drive of KITTI raw, such as %s%s' % (drives[0], (
        ', or give --test_file_list=FILE (the Eigen split has lines like '
        '"2011_09_26/2011_09_26_drive_0002_sync 0000000069 l")' if single_images else ''))


def windows(frames, length):
    """Yields every list of `length` successive items of the iterable `frames`."""
    window = collections.deque(maxlen=length)
    for frame in frames:
        window.append(frame)
        if len(window) == length:
            yield list(window)


def with_ends_repeated(frames, count):
    """Yields the frames of an iterable, the first and the last of them `count` more times."""
    for place, frame in enumerate(frames):
        yield from [frame] * (1 if place else 1 + count)
    yield from [frame] * count
