"""Predictions as pictures: each frame with what was predicted for it, as PNG files or a video."""
import os

import numpy as np

from common.errors import UserError
from common.files import make_folder
from common.opencv import cv2
from kitti_data import video
from kitti_data.flow_files import flow_to_colour
from kitti_data.images import write_png

_SMALLEST_WIDTH = 400


def depth_picture(image, depth):
    """The frame with its depth under it, near bright; the colours span this picture's depths.

    Args:
      image: uint8 [H, W, 3].
      depth: float [H, W], any scale.

    Returns:
      uint8 [2H, W, 3], or a whole multiple where W is small.
    """
    from kitti_eval.plots import depth_colours  # Only here: matplotlib takes seconds to import.
    low, high = np.percentile(depth, (2, 98))
    return _stacked(image, depth_colours(np.maximum(depth, low), low, high))


def flow_picture(image, flow):
    """The frame with its flow under it in the colours of the Middlebury wheel.

    Args:
      image: uint8 [H, W, 3].
      flow: float [H, W, 2], pixels.

    Returns:
      uint8 [2H, W, 3], or a whole multiple where W is small.
    """
    return _stacked(image, flow_to_colour(flow))


def _stacked(image, colours):
    """One above the other; small pictures enlarged by a whole number, to be seen at all."""
    picture = np.concatenate([image, colours])
    times = -(-_SMALLEST_WIDTH // picture.shape[1])
    return picture.repeat(times, axis=0).repeat(times, axis=1)


class PictureWriter:
    """Writes pictures one by one, as `<folder>/<name>/%06d.png`, as `<folder>/<name>.mp4`, or both.

    Args:
      folder: exists.
      name: of the folder of PNGs and of the video.
      png: whether to write PNG files.
      as_video: whether to write a video.
      rate: frames a second of the video.
    """

    def __init__(self, folder, name, png, as_video, rate):
        self.wanted = png or as_video
        self._png_folder = make_folder(os.path.join(folder, name)) if png else ''
        self._video_path = os.path.join(folder, name + '.mp4') if as_video else ''
        self._rate = rate
        self._video, self._frames = None, 0

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self._video:
            self._video.release()
            try:
                if kind is None:
                    self._finish_video()
            finally:
                if os.path.exists(self._partial_path):
                    os.remove(self._partial_path)
        if kind is None and self.wanted:
            print('pictures: %s' % ' '.join(filter(None, [self._png_folder, self._video_path])))

    def _finish_video(self):
        # The encoder does not tell of a full disk: only reading shows whether the video is whole.
        if sum(1 for _ in video.read_frames(self._partial_path)) != self._frames:
            raise UserError('cannot write video %s: not all of its frames are on the disk (is it '
                            'full?)' % self._video_path)
        os.replace(self._partial_path, self._video_path)

    @property
    def _partial_path(self):
        return os.path.join(os.path.dirname(self._video_path),
                            '.' + os.path.basename(self._video_path))

    def write(self, number, picture):
        """Adds uint8 [H, W, 3]."""
        if self._png_folder:
            write_png(os.path.join(self._png_folder, '%06d.png' % number), picture)
        if self._video_path:
            if not self._video:
                self._video = cv2.VideoWriter(
                    self._partial_path, cv2.VideoWriter_fourcc(*'mp4v'), self._rate,
                    picture.shape[1::-1])
                if not self._video.isOpened():
                    raise UserError('cannot write video %s' % self._video_path)
            self._frames += 1
            self._video.write(np.ascontiguousarray(picture[..., ::-1]))
