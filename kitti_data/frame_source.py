"""Frames to predict on, wherever they are: a KITTI folder, a list, a folder, a video."""
import collections
import os
from typing import Callable, Iterator, List, NamedTuple, Optional

import numpy as np

from common.errors import UserError
from common.files import read_lines, require_folder
from common.opencv import cv2
from common.parallel import read_ahead
from kitti_data import images
from kitti_data.odometry import IMAGE_EXTENSIONS, OdometrySequence

VIDEO_EXTENSIONS = ('.mp4', '.avi', '.mov', '.mkv', '.m4v', '.webm', '.mpg', '.mpeg')


class FrameSource(NamedTuple):
    """Frames in order.

    names: one for each frame, to say which prediction is whose.
    size: (height, width) of the first frame in its file.
    read: read(height, width) yields every frame as uint8 [height, width, 3], resized.
    read_times: gives float64 [N] seconds; None where the source has no clock.
    """
    names: List[str]
    size: tuple
    read: Callable[[int, int], Iterator[np.ndarray]]
    read_times: Optional[Callable[[], np.ndarray]] = None

    @property
    def numbers(self):
        """int64 [N], the number in each frame's name where all have one, else 0..N-1."""
        stems = [os.path.splitext(os.path.basename(name))[0] for name in self.names]
        if all(stem.isdigit() for stem in stems):
            return np.array([int(stem) for stem in stems])
        return np.arange(len(stems))


def depth_frames(dataset_dir, split, test_file_list='', sequence='', camera=2):
    """The frames of a depth test.

    In this order: the files of a list; the KITTI 2015 training images, for the split 'stereo';
    an odometry sequence, where `dataset_dir` has `sequences/`; a folder of images; a video.

    Raises:
      UserError: none of these is there.
    """
    if test_file_list:
        return from_list(test_file_list, dataset_dir)
    path = os.path.abspath(dataset_dir) if dataset_dir else ''
    if split == 'stereo' and os.path.isdir(os.path.join(path, 'training')):
        return from_kitti_2015(path)
    return sequence_frames(dataset_dir, sequence, camera)


def sequence_frames(path, sequence='', camera=2):
    """Frames that follow each other: an odometry sequence, a folder of images, or a video."""
    if not path:
        raise UserError('--dataset_dir is empty; wanted a KITTI folder, a folder of images or '
                        'a video')
    path = os.path.abspath(path)
    if os.path.isfile(path):
        return from_video(path)
    require_folder(path, '--dataset_dir')
    if os.path.isdir(os.path.join(path, 'sequences')):
        return from_odometry(path, sequence, camera)
    return from_folder(path)


def from_odometry(root, sequence, camera):
    """The frames of one odometry sequence, with its times."""
    frames = OdometrySequence(root, sequence, camera)
    return from_paths(frames.image_paths)._replace(read_times=lambda: frames.times)


def from_kitti_2015(root):
    """The reference images `training/image_2/NNNNNN_10.png` of KITTI 2015, in order."""
    folder = require_folder(os.path.join(os.path.abspath(root), 'training', 'image_2'), 'KITTI 2015 images')
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))
             if name.endswith('_10.png')]
    if not paths:
        raise UserError('no image NNNNNN_10.png in %s' % folder)
    return from_paths(paths)


def from_list(list_path, root=''):
    """The images named in a text file, the first word of each line, relative to `root`."""
    names = [line.split()[0] for line in read_lines(list_path, 'list of test images')]
    if not names:
        raise UserError('list of test images %s is empty' % list_path)
    return from_paths([os.path.join(os.path.abspath(root) if root else '', name) for name in names], names)


def from_folder(folder):
    """All images of a folder, in the order of their names."""
    names = sorted(name for name in os.listdir(folder)
                   if name.lower().endswith(IMAGE_EXTENSIONS))
    if not names:
        raise UserError('%s holds neither sequences/ nor images (%s)' % (
            folder, ', '.join(IMAGE_EXTENSIONS)))
    return from_paths([os.path.join(folder, name) for name in names])


def from_paths(paths, names=None):
    """The image files `paths`. The first is looked at now; broken ones are named when read."""
    def read(height, width):
        return read_ahead(lambda path: images.read_resized(path, height, width)[0], paths)

    return FrameSource(names or [os.path.basename(path) for path in paths],
                       images.image_size(paths[0]), read)


def from_video(path):
    """The frames of a video file, with the times its frame rate gives."""
    if not path.lower().endswith(VIDEO_EXTENSIONS):
        raise UserError('%s is neither a folder nor a video (%s)' % (
            path, ', '.join(VIDEO_EXTENSIONS)))
    frames = 0
    for image in _video_images(path):
        size = image.shape[:2]
        frames += 1
    if not frames:
        raise UserError('video %s holds no frame that can be decoded' % path)
    rate = _frame_rate(path)

    def read(height, width):
        return (images.resize(image, height, width) for image in _video_images(path))

    return FrameSource(['frame %d' % i for i in range(frames)], size, read,
                       lambda: np.arange(frames) / rate)


def _video_images(path):
    """Yields uint8 [H, W, 3] RGB frames."""
    video = cv2.VideoCapture(path)
    try:
        while True:
            found, image = video.read()
            if not found:
                return
            yield image[..., ::-1]
    finally:
        video.release()


def _frame_rate(path):
    video = cv2.VideoCapture(path)
    rate = video.get(cv2.CAP_PROP_FPS)
    video.release()
    return rate if rate > 0 else 10.0


def windows(frames, length):
    """Yields every list of `length` successive items of the iterable `frames`."""
    window = collections.deque(maxlen=length)
    for frame in frames:
        window.append(frame)
        if len(window) == length:
            yield list(window)
