"""Frames to predict on, wherever they are: a KITTI folder, a list, a folder, a video."""
import collections
import os
import re
from typing import Callable, Iterator, List, NamedTuple, Optional, Sequence

import numpy as np

from common.console import warn
from common.errors import UserError
from common.files import list_folder, require_folder
from common.parallel import read_ahead
from kitti_data import images, video
from kitti_data.frame_files import (
    IMAGE_EXTENSIONS, frame_number, gaps, list_images, require_no_gaps)
from kitti_data.image_lists import read_image_list
from kitti_data.kitti_2015 import REFERENCE, reference_names
from kitti_data.odometry import OdometrySequence

FRAMES_A_SECOND = 10.0  # of frames without a clock, as in KITTI
_RAW_DATE = re.compile(r'\d{4}_\d\d_\d\d')


class FrameSource(NamedTuple):
    """Frames in order.

    names: one for each frame, to say which prediction is whose.
    size: (height, width) of the first frame in its file.
    read: read(height, width) yields every frame as uint8 [height, width, 3], resized.
    read_times: gives float64 [N] seconds; None where the source has no clock.
    rate: frames a second.
    fault: why frames are missing at the end; '' where none are.
    read_camera: gives float64 [3, 3], pixels of the files; None where no calibration is known.
    folder: absolute path that the names are below; of a video its own.
    sizes: (height, width) of each frame in its file.
    """
    names: List[str]
    size: tuple
    read: Callable[[int, int], Iterator[np.ndarray]]
    read_times: Optional[Callable[[], np.ndarray]] = None
    rate: float = FRAMES_A_SECOND
    fault: str = ''
    read_camera: Optional[Callable[[], np.ndarray]] = None
    folder: str = ''
    sizes: Sequence[tuple] = ()

    @property
    def numbers(self):
        """int64 [N], the number in each frame's name where all have one, else 0..N-1."""
        numbers = [frame_number(os.path.splitext(os.path.basename(name))[0])
                   for name in self.names]
        return np.arange(len(numbers)) if None in numbers else np.array(numbers, np.int64)


def require_whole(source):
    """Raises a UserError where frames of a source are missing, once the others are predicted."""
    if source.fault:
        raise UserError('%s: what comes before is predicted' % source.fault)


def depth_frames(dataset_dir, split, test_file_list='', sequence='', camera=2):
    """The frames of a depth test.

    In this order: the files of a list; the KITTI 2015 training images, for the split 'stereo';
    an odometry sequence, where `dataset_dir` has `sequences/`; a folder of images; a video. Frames
    may be missing between others, which a warning says.

    Raises:
      UserError: none of these is there.
    """
    if test_file_list:
        return from_list(test_file_list, dataset_dir)
    if split == 'stereo' and dataset_dir and os.path.isdir(os.path.join(dataset_dir, 'training')):
        return from_kitti_2015(dataset_dir)
    return sequence_frames(dataset_dir, sequence, camera, allow_gaps=True)


def sequence_frames(path, sequence='', camera=2, allow_gaps=False):
    """Frames that follow each other: an odometry sequence, a folder of images, or a video.

    Args:
      path: folder or video file.
      sequence, camera: which odometry sequence, where `path` is an odometry folder.
      allow_gaps: whether a jump in the numbers of the frames is only warned of.
    """
    if not path:
        raise UserError('--dataset_dir is empty: must be a KITTI folder, a folder of images or a '
                        'video')
    if os.path.isfile(path):
        return from_video(path)
    require_folder(path, '--dataset_dir')
    if os.path.isdir(os.path.join(path, 'sequences')):
        return from_odometry(path, sequence, camera, allow_gaps)
    return from_folder(path, allow_gaps)


def from_odometry(root, sequence, camera, allow_gaps=False):
    """The frames of one odometry sequence, with its times."""
    frames = OdometrySequence(root, sequence, camera, allow_gaps)
    _warn_of_gaps(frames.frames)
    return from_paths(frames.image_paths, one_size=not allow_gaps)._replace(
        read_times=lambda: frames.times, read_camera=lambda: frames.intrinsics)


def from_kitti_2015(root):
    """The reference images `training/image_2/NNNNNN_10.png` of KITTI 2015, in order."""
    folder = require_folder(os.path.join(root, 'training', 'image_2'), 'KITTI 2015 images')
    return from_paths([os.path.join(folder, '%s_%02d.png' % (name, REFERENCE))
                       for name in reference_names(folder)])


def from_list(list_path, root=''):
    """The images named in a text file, relative to `root`; see `image_lists` for its forms."""
    names = [image.name for image in read_image_list(list_path, root)]
    return from_paths([os.path.join(root, name) for name in names], names)


def from_folder(folder, allow_gaps=False):
    """All images of a folder, in the natural order of their names."""
    frames = list_images(folder)
    if not frames:
        raise UserError('%s holds neither sequences/ nor images (%s)%s' % (
            folder, ', '.join(IMAGE_EXTENSIONS), _hint(folder)))
    if frames[0][0] is not None:
        if not allow_gaps:
            require_no_gaps(frames)
        _warn_of_gaps(frames)
    return from_paths([path for _, path in frames], one_size=not allow_gaps)


def from_paths(paths, names=None, one_size=False):
    """The image files `paths`, the headers of which are all looked at now.

    Raises:
      UserError: one is no image; with `one_size`, one has another size than the first.
    """
    def read(height, width):
        return read_ahead(lambda path: images.read_resized(path, height, width)[0], paths)

    sizes = images.check_headers(paths)
    for path, size in zip(paths, sizes if one_size else ()):
        if size != sizes[0]:
            raise UserError('%s: is %dx%d pixels, must be %dx%d like %s (frames of one drive have '
                            'one camera)' % ((path,) + size[::-1] + sizes[0][::-1] + (paths[0],)))
    names = names or [os.path.basename(path) for path in paths]
    return FrameSource(names, sizes[0], read, sizes=sizes,
                       folder=os.path.abspath(paths[0][:-len(names[0])]))


def from_video(path):
    """The frames of a video file, with the times its frame rate gives."""
    found = video.probe(path)

    def read(height, width):
        return (images.resize(image, height, width) for image in video.read_frames(path))

    return FrameSource(['frame %d' % i for i in range(found.frames)], found.size, read,
                       lambda: np.arange(found.frames) / found.rate, found.rate, found.fault,
                       folder=os.path.abspath(path), sizes=[found.size] * found.frames)


def _warn_of_gaps(frames):
    jumps = gaps(frames)
    if jumps:
        warn('%s: frames %d to %d are missing%s' % (
            os.path.dirname(frames[0][1]), jumps[0][0], jumps[0][1],
            ' (%d such gaps)' % len(jumps) if len(jumps) > 1 else ''))


def _hint(folder):
    if any(_RAW_DATE.fullmatch(name) for name in list_folder(folder)):
        return '; images of KITTI raw are chosen by --test_file_list=FILE (the Eigen split has ' \
               'lines like "2011_09_26/2011_09_26_drive_0002_sync 0000000069 l")'
    return ''


def windows(frames, length):
    """Yields every list of `length` successive items of the iterable `frames`."""
    window = collections.deque(maxlen=length)
    for frame in frames:
        window.append(frame)
        if len(window) == length:
            yield list(window)
