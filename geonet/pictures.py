"""Pictures of predictions: each frame above its prediction, as PNG files or a video."""
import os

import numpy as np

from kitti_data.images import write_png
from kitti_data.video import VideoWriter
from vo_common.files import make_folder, remove_others
from vo_common.opencv import cv2

_SMALLEST_WIDTH = 400  # pixels
_MARGIN = 16  # pixels around a trajectory
_PATH_COLOUR, _CAR_COLOUR = (31, 119, 180), (214, 39, 40)


def depth_picture(image, depth):
    """The frame uint8 [H, W, 3] above its depth [H, W], of any scale, as `stacked`.

    Near is bright, and the colours span the depths of this frame.
    """
    from kitti_eval.plots import depth_colours  # Imports matplotlib, which is slow.
    low, high = np.percentile(depth, (2, 98))
    return stacked(image, depth_colours(np.maximum(depth, low), low, high))


def trajectory_picture(image, positions, reached):
    """The frame uint8 [H, W, 3] above the path so far: uint8 [3H, W, 3], enlarged as `stacked`.

    Args:
      positions: float [N, 2], the whole path in bird's-eye view, x to the right and z forward, in
        any unit; its extent determines the scale.
      reached: index of the frame's position.
    """
    shown = _enlarged(image)
    height, width = 2 * shown.shape[0], shown.shape[1]
    low, high = positions.min(axis=0), positions.max(axis=0)
    extent = np.maximum(high - low, 1e-6)
    scale = min((width - 2 * _MARGIN) / extent[0], (height - 2 * _MARGIN) / extent[1])
    centred = (positions - (low + high) / 2) * scale * [1, -1] + [width / 2, height / 2]
    points = np.rint(centred).astype(np.int32)
    panel = np.full((height, width, 3), 255, np.uint8)
    cv2.polylines(panel, [points[:reached + 1]], False, _PATH_COLOUR, 2, cv2.LINE_AA)
    cv2.circle(panel, tuple(map(int, points[reached])), 5, _CAR_COLOUR, -1, cv2.LINE_AA)
    return np.concatenate([shown, panel])


def stacked(image, colours):
    """The frame above its prediction, both uint8 [H, W, 3]: uint8 [2H, W, 3].

    Enlarged by an integer factor if W is small.
    """
    return _enlarged(np.concatenate([image, colours]))


def _enlarged(picture):
    times = -(-_SMALLEST_WIDTH // picture.shape[1])
    return picture.repeat(times, axis=0).repeat(times, axis=1)


class PictureWriter:
    """Writes pictures one by one, as `<folder>/<name>/%06d.png`, as a video, or both.

    Args:
      folder, name: existing folder, and the name of the folder of PNGs and of the video in it.
      png, as_video: which of the two to write, see `kitti_data.video.VideoWriter`.
      rate: frames per second of the video.
    """

    def __init__(self, folder, name, png, as_video, rate):
        self.wanted = png or as_video
        self._png_folder = make_folder(os.path.join(folder, name)) if png else ''
        self._video = VideoWriter(os.path.join(folder, name), rate) if as_video else None
        self._names = set()

    def __enter__(self):
        return self

    def __exit__(self, kind, *error):
        if self._video:
            self._video.__exit__(kind, *error)
        if kind is None and self._png_folder:
            remove_others(self._png_folder, r'[0-9]{6,}\.png', self._names)
        if kind is None and self.wanted:
            print('pictures: %s' % ' '.join(filter(None, [
                self._png_folder, self._video and self._video.path])))

    def write(self, number, picture):
        """Adds <uint8>[H, W, 3]."""
        if self._png_folder:
            name = '%06d.png' % number
            write_png(os.path.join(self._png_folder, name), picture)
            self._names.add(name)
        if self._video:
            self._video.write(picture)
