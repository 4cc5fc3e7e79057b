"""Snippets to predict flow on: a target frame, its neighbours and their camera."""
import os
from typing import Callable, Iterator, List, NamedTuple, Optional

import numpy as np

from kitti_data import images
from kitti_data.calibration import read_camera_file, resized, typed_camera
from kitti_data.example_list import check_strip_size, read_example_list, settings_of
from kitti_data.frame_files import KITTI_FRAME_RATE, frame_number, natural_order
from kitti_data.frame_source import require_defaults, sequence_frames, warn_of_rate, windows
from kitti_data.kitti_2015 import find_flow_scenes
from vo_common.errors import UserError
from vo_common.files import list_folder
from vo_common.parallel import read_ahead

_FORMATTED_LIST = 'test_flow.txt'
_CAMERA_ENDING = '_cam.txt'


class Snippet(NamedTuple):
    """One target frame and its neighbours."""
    number: int         # number of the target frame; names the prediction
    frames: np.ndarray  # uint8 [L, H, W, 3] in time order, the target in the middle
    intrinsics: Optional[np.ndarray]  # float64 [3, 3], pixels of `frames`, if needed
    size: tuple         # (height, width) of the target's image file

    @property
    def target(self):
        """uint8 [H, W, 3]."""
        return self.frames[len(self.frames) // 2]

    @property
    def sources(self):
        """uint8 [H, W, 3 (L - 1)], the other frames in time order."""
        middle = len(self.frames) // 2
        return np.concatenate([*self.frames[:middle], *self.frames[middle + 1:]], axis=-1)


class SnippetSource(NamedTuple):
    """Snippets; `read()` yields them."""
    numbers: List[int]  # frame number of each target
    read: Callable[[], Iterator[Snippet]]
    folder: str         # absolute path of the images
    names: List[str]    # image of each target, relative to `folder`
    rate: float = KITTI_FRAME_RATE  # frames per second
    fault: str = ''     # reason why snippets are missing at the end


def snippets(path, length, height, width, sequence='', camera=2, intrinsics=(),
             camera_needed=False, half_pixel_centers=False, frame_step=1):
    """The snippets in `path`: KITTI 2015 or 2012, a formatted set, a sequence, a folder, a video.

    Raises a UserError if there is no snippet, or a frame or the camera is missing.

    Args:
      path: folder or video file.
      length: odd number of frames.
      height, width: size in pixels to which frames are resized.
      sequence, camera: odometry sequence and camera, if `path` is a KITTI folder.
      intrinsics: (fx, fy, cx, cy) in pixels of the files (for a formatted set, of the frames in
        them), instead of a calibration.
      camera_needed: whether every snippet must have intrinsics.
      half_pixel_centers: whether intrinsics follow the resize exactly, or as published.
      frame_step: use every `frame_step`-th frame of a sequence, folder or video.
    """
    folder = os.path.abspath(path) if path else ''
    shape = (length, height, width)
    camera_needed = camera_needed or len(intrinsics) > 0
    scenes = find_flow_scenes(folder, camera) if folder else None
    root, prefixes = (folder, []) if scenes else _formatted_examples(folder)
    if frame_step > 1 and (scenes or prefixes):
        raise UserError('--frame_step=%d: must be 1 for %s, which holds the snippets themselves' % (
            frame_step, path))
    if scenes:
        require_defaults('the scenes of %s' % path, sequence)
        return _of_scenes(scenes, shape, half_pixel_centers, intrinsics, camera_needed)
    if prefixes:
        require_defaults('the snippets of %s' % path, sequence, camera)
        matrix = typed_camera(intrinsics, (height, width))
        if camera_needed and matrix is None:
            _require_centers(root, half_pixel_centers)
        return _formatted(root, prefixes, shape, matrix)
    source = sequence_source(path, length, sequence, camera, frame_step)
    warn_of_rate(source.rate, path, frame_step)
    matrix = None
    if camera_needed:
        matrix = source.camera(intrinsics)
        if matrix is None:
            raise UserError('residual flow needs the camera of %s: --intrinsics=fx,fy,cx,cy, in '
                            'pixels of its frames of %dx%d' % ((path,) + source.size[::-1]))
        matrix = resized(matrix, source.size, (height, width), half_pixel_centers)
    targets = slice(length // 2, len(source.names) - length // 2)
    numbers = source.numbers[targets].tolist()

    def read():
        for number, window in zip(numbers, windows(source.read(height, width), length)):
            yield Snippet(number, np.stack(window), matrix, source.size)

    return SnippetSource(numbers, read, source.folder, source.names[targets], source.rate,
                         source.fault)


def sequence_source(path, length, sequence='', camera=2, frame_step=1):
    """The <FrameSource> of every `frame_step`-th frame of `sequence_frames` at `path`.

    Raises a UserError as `sequence_frames`, or if there are fewer than the `length` of a snippet.
    """
    source = sequence_frames(path, sequence, camera).every(frame_step)
    if len(source.names) < length:
        raise UserError('%s holds %d frames%s; a snippet needs %d' % (
            path, len(source.names),
            ' with --frame_step=%d' % frame_step if frame_step > 1 else '', length))
    return source


def _of_scenes(scenes, shape, half_pixel_centers, intrinsics, camera_needed):
    """The snippet around the reference frame of each of the <FlowScenes>."""
    length = shape[0]
    paths = [path for name in scenes.names for path in scenes.frame_paths(name, length)]
    for name in scenes.names if camera_needed and not intrinsics else ():
        scenes.calibration_path(name)
    sizes = images.check_headers(paths)
    typed_camera(intrinsics, sizes[0])  # raises its error before the first prediction

    def load(name):
        return load_scene(scenes, name, shape, half_pixel_centers, intrinsics, camera_needed)

    return SnippetSource([int(name) for name in scenes.names],
                         lambda: read_ahead(load, scenes.names), scenes.folder,
                         [os.path.basename(path) for path in paths[length // 2::length]])


def load_scene(scenes, name, shape, half_pixel_centers, intrinsics=(), camera_needed=True):
    """The <Snippet> around the reference frame of a scene; for other arguments, see `snippets`.

    Args:
      scenes, name: <FlowScenes>, and the scene in it.
      shape: (frames, height, width).
    """
    length, height, width = shape
    read = [images.read_resized(path, height, width) for path in scenes.frame_paths(name, length)]
    size, camera = read[length // 2][1], None
    if camera_needed:
        camera = resized(scenes.camera(name, size, intrinsics), size, (height, width),
                         half_pixel_centers)
    return Snippet(int(name), np.stack([image for image, _ in read]), camera, size)


def _formatted_examples(folder):
    """(folder of a formatted set, path prefixes of its examples).

    Those in the list of generate_multiview_extension.py if `folder` is a set, those in `folder` if
    it is a folder of a set, and else [].
    """
    list_path = os.path.join(folder, _FORMATTED_LIST)
    if os.path.isfile(list_path):
        return folder, [os.path.join(folder, *example) for example in read_example_list(list_path)]
    names = list_folder(folder) if os.path.isdir(folder) else []
    return os.path.dirname(folder), [
        os.path.join(folder, name[:-len(_CAMERA_ENDING)])
        for name in sorted(names, key=natural_order)
        if name.endswith(_CAMERA_ENDING) and not name.startswith('.')]


def _require_centers(root, half_pixel_centers):
    """Raises a UserError if a formatted set follows the other convention for pixel centres."""
    prepared = bool(settings_of(root).get('half_pixel_centers'))
    if prepared != half_pixel_centers:
        raise UserError(
            '%s: was prepared with%s --half_pixel_centers, must be with%s it, like the model '
            '(format it again, give --intrinsics, or give KITTI 2015 itself as --dataset_dir)' % (
                root, '' if prepared else 'out', '' if half_pixel_centers else 'out'))


def _formatted(root, prefixes, shape, matrix):
    """The snippets in `<prefix>.jpg`, frames side by side, with `<prefix>_cam.txt` or `matrix`."""
    length, height, width = shape
    numbers = [frame_number(os.path.basename(prefix)) for prefix in prefixes]
    if None in numbers or len(set(numbers)) < len(numbers):
        numbers = list(range(len(prefixes)))
    cameras = [read_camera_file(prefix + _CAMERA_ENDING, (height, width)) if matrix is None
               else matrix for prefix in prefixes]
    paths = [prefix + '.jpg' for prefix in prefixes]
    for path, size in zip(paths, images.check_headers(paths)):
        check_strip_size(path, size, length, height, width)

    def load(place):
        frames = np.split(images.read_rgb(paths[place]), length, axis=1)
        return Snippet(numbers[place], np.stack(frames), cameras[place], (height, width))

    return SnippetSource(numbers, lambda: read_ahead(load, range(len(prefixes))), root,
                         [os.path.relpath(path, root) for path in paths])
