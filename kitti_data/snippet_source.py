"""Snippets to predict flow on: a target frame, its neighbours and the camera that saw them."""
import os
from typing import Callable, Iterator, NamedTuple, Optional

import numpy as np

from common.errors import UserError
from common.files import list_folder, require_file
from common.parallel import read_ahead
from kitti_data import images
from kitti_data.calibration import (
    Calibration, check_camera, read_camera_file, resized, zoomed)
from kitti_data.example_list import read_example_list
from kitti_data.frame_files import frame_number, natural_order
from kitti_data.frame_source import FRAMES_A_SECOND, sequence_frames, windows
from kitti_data.kitti_2015 import REFERENCE, reference_names

_FORMATTED_LIST = 'test_flow.txt'
_CAMERA_ENDING = '_cam.txt'


class Snippet(NamedTuple):
    """One target frame and its neighbours.

    number: of the target, names the prediction.
    frames: uint8 [L, H, W, 3] in time order, the target in the middle.
    intrinsics: float64 [3, 3], pixels of `frames`; None where no calibration is known.
    size: (height, width) of the target's image file.
    """
    number: int
    frames: np.ndarray
    intrinsics: Optional[np.ndarray]
    size: tuple

    @property
    def target(self):
        """uint8 [H, W, 3]."""
        return self.frames[len(self.frames) // 2]

    @property
    def sources(self):
        """uint8 [H, W, 3 (L - 1)], the other frames in time order."""
        middle = len(self.frames) // 2
        return np.concatenate([frame for place, frame in enumerate(self.frames)
                               if place != middle], axis=-1)


class SnippetSource(NamedTuple):
    """`count` snippets, and `read()` that yields them.

    numbers: of their targets.
    rate: frames a second.
    fault: why snippets are missing at the end; '' where none are.
    """
    numbers: list
    read: Callable[[], Iterator[Snippet]]
    rate: float = FRAMES_A_SECOND
    fault: str = ''

    @property
    def count(self):
        """How many snippets there are."""
        return len(self.numbers)


def snippets(path, length, height, width, sequence='', camera=2, intrinsics=(),
             camera_needed=False, half_pixel_centers=False):
    """The snippets in `path`: KITTI 2015, a formatted set, a sequence, a folder, a video.

    Args:
      path: folder or video file.
      length: odd number of frames.
      height, width: to which frames are resized, pixels.
      sequence, camera: which odometry sequence, where `path` is an odometry folder.
      intrinsics: (fx, fy, cx, cy) in pixels of the files, instead of a calibration.
      camera_needed: whether snippets without intrinsics are of no use.
      half_pixel_centers: whether intrinsics follow the resize exactly, or as published.

    Raises:
      UserError: no snippet is there, a frame of one is missing, or the camera is.
    """
    folder = os.path.abspath(path) if path else ''
    shape = (length, height, width)
    change = resized if half_pixel_centers else zoomed
    if os.path.isdir(os.path.join(folder, 'training', 'image_2')):
        return _kitti_2015(os.path.join(folder, 'training'), shape, intrinsics,
                           camera_needed, change)
    prefixes = _formatted_examples(folder)
    if prefixes:
        return _formatted(prefixes, shape)
    source = sequence_frames(path, sequence, camera)
    if len(source.names) < length:
        raise UserError('%s holds %d frames; a snippet needs %d' % (
            path, len(source.names), length))
    matrix = typed_camera(intrinsics, source.size)
    if matrix is None and camera_needed:
        if not source.read_camera:
            raise UserError('residual flow needs the camera of %s: --intrinsics=fx,fy,cx,cy, in '
                            'pixels of its frames of %dx%d' % ((path,) + source.size[::-1]))
        matrix = source.read_camera()
    numbers = source.numbers[length // 2:len(source.names) - length // 2].tolist()

    def read():
        for number, window in zip(numbers, windows(source.read(height, width), length)):
            yield Snippet(number, np.stack(window),
                          _scaled(matrix, source.size, (height, width), change), source.size)

    return SnippetSource(numbers, read, source.rate, source.fault)


def _kitti_2015(folder, shape, intrinsics, camera_needed, change):
    """Frames 10 - k .. 10 + k around every reference frame; needs the multi-view extension."""
    length, height, width = shape
    image_folder = os.path.join(folder, 'image_2')
    names = reference_names(image_folder)
    frames = range(REFERENCE - length // 2, REFERENCE + length // 2 + 1)
    calibrated = camera_needed and not intrinsics

    def image_path(name, frame):
        return os.path.join(image_folder, '%s_%02d.png' % (name, frame))

    def calibration_path(name):
        return os.path.join(folder, 'calib_cam_to_cam', name + '.txt')

    for name in names:
        for frame in frames:
            require_file(image_path(name, frame), 'frame of a KITTI 2015 snippet',
                         'snippets of %d frames need the multi-view extension' % length)
        if calibrated:
            require_file(calibration_path(name), 'KITTI 2015 calibration',
                         'or give --intrinsics=fx,fy,cx,cy')

    sizes = images.check_headers([image_path(name, frame) for name in names for frame in frames])
    typed_camera(intrinsics, sizes[0])  # which is refused now or never: KITTI's sizes are alike

    def load(name):
        read = [images.read_resized(image_path(name, frame), height, width) for frame in frames]
        size = read[length // 2][1]
        own = (Calibration(calibration_path(name)).projection('P_rect_02', size, 'S_rect_02')[:, :3]
               if calibrated else typed_camera(intrinsics, size))
        return Snippet(int(name), np.stack([image for image, _ in read]),
                       _scaled(own, size, (height, width), change), size)

    return SnippetSource([int(name) for name in names], lambda: read_ahead(load, names))


def _formatted_examples(folder):
    """Prefixes of what generate_multiview_extension.py wrote: all that its list names, or all in
    one of its folders; an empty list where `folder` is neither."""
    list_path = os.path.join(folder, _FORMATTED_LIST)
    if os.path.isfile(list_path):
        return [os.path.join(folder, *example) for example in read_example_list(list_path)]
    names = list_folder(folder) if os.path.isdir(folder) else []
    return [os.path.join(folder, name[:-len(_CAMERA_ENDING)])
            for name in sorted(names, key=natural_order)
            if name.endswith(_CAMERA_ENDING) and not name.startswith('.')]


def _formatted(prefixes, shape):
    """Strips `<prefix>.jpg`, the frames side by side, with `<prefix>_cam.txt`."""
    length, height, width = shape
    numbers = [frame_number(os.path.basename(prefix)) for prefix in prefixes]
    if None in numbers or len(set(numbers)) < len(numbers):
        numbers = list(range(len(prefixes)))
    cameras = [read_camera_file(prefix + _CAMERA_ENDING, (height, width)) for prefix in prefixes]
    paths = [prefix + '.jpg' for prefix in prefixes]
    for path, size in zip(paths, images.check_headers(paths)):
        if size != (height, width * length):
            raise UserError('%s is %dx%d pixels; %d frames of %dx%d make %dx%d' % (
                (path, size[1], size[0], length, width, height, width * length, height)))

    def load(place):
        frames = np.split(images.read_rgb(paths[place]), length, axis=1)
        return Snippet(numbers[place], np.stack(frames), cameras[place], (height, width))

    return SnippetSource(numbers, lambda: read_ahead(load, range(len(prefixes))))


def typed_camera(intrinsics, size):
    """float64 [3, 3] of (fx, fy, cx, cy) as `--intrinsics` gives them for image files of `size`
    (height, width), or None of nothing."""
    if not len(intrinsics):
        return None
    fx, fy, cx, cy = intrinsics
    matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
    check_camera(matrix, '--intrinsics=%s' % ','.join('%g' % value for value in intrinsics), size)
    return matrix


def _scaled(camera, size, new_size, change):
    """Intrinsics of images of `size` (height, width) after a resize to `new_size`, as `change`,
    `resized` or `zoomed`, has them."""
    if camera is None:
        return None
    (height, width), (new_height, new_width) = size, new_size
    return change(camera, new_width / width, new_height / height)
