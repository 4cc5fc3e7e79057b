"""Snippets to predict flow on: a target frame, its neighbours and the camera that saw them."""
import os
from typing import Callable, Iterator, NamedTuple

import numpy as np

from common.errors import UserError
from common.files import expand, require_file
from common.parallel import read_ahead
from kitti_data import images
from kitti_data.formatted import parse_intrinsics, split_frames
from kitti_data.frame_source import sequence_frames, windows
from kitti_data.number_files import Calibration
from kitti_data.odometry import OdometrySequence

_REFERENCE = 10  # number of the reference frame in KITTI 2015


class Snippet(NamedTuple):
    """One target frame and its neighbours.

    number: of the target, names the prediction.
    frames: uint8 [L, H, W, 3] in time order, the target in the middle.
    intrinsics: float64 [3, 3], pixels of `frames`; None where no calibration is known.
    size: (height, width) of the target's image file.
    """
    number: int
    frames: np.ndarray
    intrinsics: np.ndarray
    size: tuple


class SnippetSource(NamedTuple):
    """`count` snippets, and `read()` that yields them."""
    count: int
    read: Callable[[], Iterator[Snippet]]


def snippets(path, length, height, width, sequence='', camera=2, intrinsics=()):
    """The snippets in `path`: KITTI 2015, a formatted folder, a sequence, a folder, a video.

    Args:
      path: folder or video file.
      length: odd number of frames.
      height, width: of the frames that are wanted, pixels.
      sequence, camera: which odometry sequence, where `path` is an odometry folder.
      intrinsics: (fx, fy, cx, cy) in pixels of the files, instead of a calibration.

    Raises:
      UserError: no snippet is there, or a frame of one is missing.
    """
    folder = expand(path) if path else ''
    wanted = (length, height, width)
    if os.path.isdir(os.path.join(folder, 'training', 'image_2')):
        return _kitti_2015(os.path.join(folder, 'training'), wanted, intrinsics)
    if os.path.isdir(folder) and any(name.endswith('_cam.txt') for name in os.listdir(folder)):
        return _formatted(folder, wanted)
    source = sequence_frames(path, sequence, camera)
    if len(source.names) < length:
        raise UserError('%s holds %d frames; a snippet needs %d' % (
            path, len(source.names), length))
    camera_matrix = _matrix(intrinsics)
    if camera_matrix is None and os.path.isdir(os.path.join(folder, 'sequences')):
        camera_matrix = OdometrySequence(folder, sequence, camera).intrinsics
    numbers = source.numbers[length // 2:]

    def read():
        for number, window in zip(numbers, windows(source.read(height, width), length)):
            yield Snippet(number, np.stack(window),
                          _scaled(camera_matrix, source.size, (height, width)), source.size)

    return SnippetSource(len(source.names) - length + 1, read)


def _kitti_2015(folder, wanted, intrinsics):
    """Frames 10 - k .. 10 + k around every reference frame; needs the multi-view extension."""
    length, height, width = wanted
    image_folder = os.path.join(folder, 'image_2')
    names = sorted(name[:6] for name in os.listdir(image_folder) if name.endswith('_10.png'))
    if not names:
        raise UserError('no image NNNNNN_10.png in %s' % image_folder)
    frames = range(_REFERENCE - length // 2, _REFERENCE + length // 2 + 1)

    def path(name, frame):
        return os.path.join(image_folder, '%s_%02d.png' % (name, frame))

    for name in names:
        for frame in frames:
            require_file(path(name, frame), 'frame of a KITTI 2015 snippet',
                         'snippets of %d frames need the multi-view extension' % length)

    def load(name):
        read = [images.read_resized(path(name, frame), height, width) for frame in frames]
        size = read[length // 2][1]
        camera = _matrix(intrinsics)
        calibration = os.path.join(folder, 'calib_cam_to_cam', name + '.txt')
        if camera is None and os.path.isfile(calibration):
            camera = Calibration(calibration).matrix('P_rect_02', (3, 4))[:, :3]
        return Snippet(int(name), np.stack([image for image, _ in read]),
                       _scaled(camera, size, (height, width)), size)

    return SnippetSource(len(names), lambda: read_ahead(load, names))


def _formatted(folder, wanted):
    """Strips `NNNNNN.jpg` with `NNNNNN_cam.txt`, as generate_multiview_extension.py writes them."""
    length, height, width = wanted
    names = sorted(name[:-len('_cam.txt')] for name in os.listdir(folder)
                   if name.endswith('_cam.txt'))

    def load(name):
        path = os.path.join(folder, name + '.jpg')
        strip = images.read_rgb(path)
        if strip.shape[:2] != (height, width * length):
            raise UserError('%s is %dx%d pixels; %d frames of %dx%d make %dx%d' % (
                (path, strip.shape[1], strip.shape[0], length, width, height, width * length,
                 height)))
        with open(os.path.join(folder, name + '_cam.txt'), 'rb') as stream:
            camera = parse_intrinsics(stream.read(), stream.name)
        target, *sources = split_frames(strip, length)
        ordered = sources[:length // 2] + [target] + sources[length // 2:]
        return Snippet(int(name), np.stack(ordered), camera, (height, width))

    return SnippetSource(len(names), lambda: read_ahead(load, names))


def _matrix(intrinsics):
    """float64 [3, 3] of (fx, fy, cx, cy), or None of nothing."""
    if not len(intrinsics):
        return None
    fx, fy, cx, cy = intrinsics
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])


def _scaled(camera, size, new_size):
    """Intrinsics of images of `size` (height, width) after a resize to `new_size`."""
    if camera is None:
        return None
    (height, width), (new_height, new_width) = size, new_size
    return np.diag([new_width / width, new_height / height, 1.0]) @ camera
