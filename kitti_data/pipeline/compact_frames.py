"""Frames stored as small integers, equivalent to normalised and resized float frames.

The input of the ConvLSTM is a frame as x / max(x) minus its mean, resized bilinearly. These linear
operations commute, so a frame is resized in its own levels, rounded to 1/257 of a level, and stored
with the two numbers that normalise it. A gray file takes one channel of 16 bits, or of 8 bits
without resizing, instead of three channels of float32.
"""
import copy
import typing

import numpy as np

from kitti_data.images import read_format, read_levels
from vo_common.errors import UserError
from vo_common.opencv import cv2
from vo_common.parallel import parallel_map

# 16-bit levels per 8-bit level: 255 * 257 = 65535.
_FINE_LEVELS = 257


class CompactFrames(typing.NamedTuple):
    """N frames; `frames * scale - mean` is x / max(x) minus its mean, after resizing."""
    frames: np.ndarray  # <uint8 or uint16>[N, H, W, C], colour as BGR
    scale: np.ndarray   # <float32>[N], one level as a fraction of the maximum of the file
    mean: np.ndarray    # <float32>[N], mean of the file as a fraction of its maximum

    def at(self, places):
        """The frames at these indices, an array or a slice."""
        return CompactFrames(*(values[places] for values in self))


class FrameReader:
    """Reads frames of a list of files as `CompactFrames` of a single shape and dtype.

    Args:
      paths: image files.
      height, width: H and W of the frames, whose `frame_shape` is (H, W, C).
      formats: their `FrameFormat`s, from `check_frames`.
    """

    def __init__(self, paths, height, width, formats):
        self.paths = list(paths)
        self.frame_shape = (height, width, max(found.channels for found in formats))
        resizes = any(found[:2] != (height, width) for found in formats)
        self.dtype = np.dtype(np.uint16 if resizes else np.uint8)

    def reversed(self):
        """A reader of the same files in reverse order."""
        other = copy.copy(self)
        other.paths = self.paths[::-1]
        return other

    def read(self, indices):
        """`CompactFrames` of the files with these indices; a UserError if one cannot be decoded."""
        rows = [self._read_one(self.paths[index]) for index in indices]
        frames, scale, mean = zip(*rows)
        return CompactFrames(np.stack(frames).reshape((len(rows),) + self.frame_shape),
                             np.array(scale, np.float32), np.array(mean, np.float32))

    def _read_one(self, path):
        channels = self.frame_shape[2]
        image = read_levels(path, channels)
        # Avoids division by zero for a black frame.
        brightest = max(int(image.max()), 1)
        mean = sum(cv2.mean(image)[:channels]) / channels / brightest
        if self.dtype == np.uint8:
            return image, 1. / brightest, mean
        fine = cv2.resize(np.multiply(image, _FINE_LEVELS, dtype=np.uint16),
                          self.frame_shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return fine, 1. / (brightest * _FINE_LEVELS), mean


def check_frames(paths):
    """The common `FrameFormat` of the image files of one sequence, which are not decoded.

    Raises a UserError if a file is missing, empty or broken, or differs from the first.
    """
    formats = parallel_map(lambda path: read_format(path, verify=True), paths,
                           desc='checking frames', unit='frame')
    for path, found in zip(paths, formats):
        if found != formats[0]:
            both = ['%s is %dx%d %s' % (name, height, width, 'gray' if channels == 1 else 'colour')
                    for name, (height, width, channels) in ((path, found), (paths[0], formats[0]))]
            raise UserError('%s, %s; all frames of a sequence must have the same size and channels'
                            % tuple(both))
    return formats[0]
