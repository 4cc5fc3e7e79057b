"""Reads videos, and writes them for browsers.

Reads with OpenCV, which returns each decoded frame once; ffmpeg would repeat frames to keep the
rate, and so hide gaps. Writes with imageio and ffmpeg.
"""
import contextlib
import math
import os
from typing import NamedTuple

import imageio.v2 as imageio
import numpy as np

from vo_common.console import warn
from vo_common.errors import UserError
from vo_common.files import writing
from vo_common.opencv import cv2

EXTENSIONS = ('.mp4', '.avi', '.mov', '.mkv', '.m4v', '.webm', '.mpg', '.mpeg')
# Tolerated miscount, as a fraction and in frames: some containers estimate it from their duration.
_MISCOUNTED_SHARE, _MISCOUNTED = 0.01, 2


class Video(NamedTuple):
    """Properties of a video file."""
    frames: int  # number of frames that can be decoded
    size: tuple  # (height, width)
    rate: float  # frames per second, from the header
    fault: str   # a message if fewer frames can be decoded than the header announces


def probe(path):
    """Decodes the whole video at `path`: its `Video`.

    Raises a UserError if it is not a video, or has no frame or no frame rate.
    """
    if not path.lower().endswith(EXTENSIONS):
        raise UserError('%s is neither a folder nor a video (%s)' % (path, ', '.join(EXTENSIONS)))
    frames = 0
    for image in read_frames(path):
        size = image.shape[:2]
        frames += 1
    if not frames:
        raise UserError('video %s holds no frame that can be decoded' % path)
    capture = _open(path)
    rate, announced = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
    capture.release()
    if not 0 < rate < math.inf:
        raise UserError('video %s: has no frame rate (encode it with one, or give a folder of its '
                        'frames)' % path)
    fault = ''
    if math.inf > announced > frames + max(_MISCOUNTED, _MISCOUNTED_SHARE * announced):
        fault = 'video %s is broken: %d of its %d frames can be decoded' % (path, frames, announced)
    return Video(frames, size, rate, fault)


def _open(path):
    """The `cv2.VideoCapture` of a file. FFmpeg takes `cam:` in a relative path for a protocol."""
    return cv2.VideoCapture(os.path.abspath(path))


def read_frames(path):
    """Yields the frames of a video as uint8 [H, W, 3], RGB."""
    capture = _open(path)
    try:
        while True:
            found, image = capture.read()
            if not found:
                return
            yield image[..., ::-1]
    finally:
        capture.release()


class VideoWriter:
    """Writes frames to `<stem>.mp4`, H.264 that browsers play, or to `<stem>.gif` without ffmpeg.

    A context manager: the file appears, complete, when the block ends without an exception.

    Args:
      stem: path without the extension.
      rate: frames per second.

    Attributes:
      path: path of the file.
    """

    def __init__(self, stem, rate):
        if _has_ffmpeg():
            self.path = stem + '.mp4'
            self._format = dict(format='FFMPEG', fps=rate, codec='libx264', pixelformat='yuv420p',
                                macro_block_size=2, ffmpeg_log_level='quiet')
        else:
            self.path = stem + '.gif'
            self._format = dict(duration=1000 / rate, loop=0)
        self._partial = os.path.join(os.path.dirname(stem), '.' + os.path.basename(self.path))
        self._frames, self._writer = 0, None

    def __enter__(self):
        return self

    def write(self, frame):
        """Adds a frame <uint8>[H, W, 3]; an odd size is cropped by a pixel, as H.264 requires."""
        with writing('video ' + self.path):
            if not self._writer:
                self._writer = imageio.get_writer(self._partial, mode='I', **self._format)
            self._writer.append_data(np.ascontiguousarray(
                frame[:frame.shape[0] // 2 * 2, :frame.shape[1] // 2 * 2]))
        self._frames += 1

    def __exit__(self, kind, *_):
        try:
            if self._writer:
                with (writing('video ' + self.path) if kind is None
                      else contextlib.suppress(Exception)):
                    self._writer.close()
                if kind is not None:
                    return
                # ffmpeg does not report a full disk; Pillow, which writes GIFs, does.
                if self.path.endswith('.mp4') and (
                        sum(1 for _ in read_frames(self._partial)) != self._frames):
                    raise UserError('cannot write video %s: not all of its frames are on the disk '
                                    '(is it full?)' % self.path)
                os.replace(self._partial, self.path)
        finally:
            if os.path.exists(self._partial):
                os.remove(self._partial)


def _has_ffmpeg():
    try:
        import imageio_ffmpeg
        return bool(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        warn('no ffmpeg: the video is written as a GIF (pip install imageio-ffmpeg)')
        return False
