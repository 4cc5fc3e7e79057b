"""Reads, unpacks, caches and augments the examples of a formatted set."""
import os
import threading
import typing

import numpy as np
import tensorflow.compat.v1 as tf

from kitti_data.calibration import read_camera_file
from kitti_data.canonical_camera import camera_of
from kitti_data.pipeline import augmentation
from vo_common.errors import UserError
from vo_common.opencv import cv2


class Cameras(typing.NamedTuple):
    """How the intrinsics of examples are derived.

    half_pixel_centers: whether they follow enlargement exactly, or as published.
    canonical: (fx, fy, cx, cy) as shares of width and height, replacing the camera of every
      example; empty: the camera files.
    """
    half_pixel_centers: bool = False
    canonical: typing.Sequence[float] = ()


class ExampleReader:
    """Turns (index, position) pairs of the training order into a batch.

    TensorFlow decodes. The rest is NumPy and OpenCV in one call per batch, which takes a third of
    the time of TensorFlow's CPU ops, and can name a bad file.

    Args:
      prefixes: paths of the examples without their extensions.
      seq_length: S, frames of an example.
      img_height, img_width: H and W of a frame.
      augment: <AugmentConfig> or None.
      seed: of the augmentation.
      cache_bytes: size of the cache of decoded examples.
      cameras: <Cameras>.
    """

    def __init__(self, prefixes, seq_length, img_height, img_width, augment, seed, cache_bytes=0,
                 cameras=Cameras()):
        self._prefixes = prefixes
        self._seq_length = seq_length
        self._shape = (img_height, img_width, 3 * seq_length)
        self._augment = augment
        self._seed = seed
        self._half_pixel_centers = cameras.half_pixel_centers
        self._camera = (camera_of(cameras.canonical, img_height, img_width).astype(np.float32)
                        if cameras.canonical else None)
        self._cache = _Cache(cache_bytes)

    def as_tensors(self, indices, positions):
        """Map function of the dataset: frames and intrinsics of a batch.

        Args:
          indices: int64 [B] tensor of examples, B static.
          positions: int64 [B] tensor, their positions in the run, see `example_order`.

        Returns:
          dict(frames=uint8 [B, H, W, 3S], the target first, intrinsics=float32 [B, 3, 3]).
        """
        batch_size = indices.shape.as_list()[0]
        # As bytes: file names need not be valid text.
        paths = tf.gather(tf.constant(list(map(os.fsencode, self._prefixes))), indices) + '.jpg'
        cached = tf.numpy_function(self._cache.holds, [indices], tf.bool)
        cached.set_shape([batch_size])

        def strip(path):
            return lambda: decode_strip(path)

        strips = [tf.cond(cached[place], lambda: tf.zeros([0, 0, 3], tf.uint8), strip(paths[place]))
                  for place in range(batch_size)]
        frames, intrinsics = tf.numpy_function(
            self._assemble, [indices, positions] + strips, (tf.uint8, tf.float32))
        frames.set_shape((batch_size,) + self._shape)
        intrinsics.set_shape([batch_size, 3, 3])
        return {'frames': frames, 'intrinsics': intrinsics}

    def _assemble(self, indices, positions, *strips):
        frames = np.empty((len(indices),) + self._shape, np.uint8)
        intrinsics = np.empty([len(indices), 3, 3], np.float32)
        for row, (index, position, strip) in enumerate(zip(indices.tolist(), positions, strips)):
            stack, camera = self._example(index, strip)
            if self._augment:
                drawn = augmentation.draw(self._augment, self._seed, position, *self._shape[:2],
                                          self._seq_length)
                camera = augmentation.apply(drawn, stack, camera, frames[row],
                                            self._half_pixel_centers)
            else:
                frames[row] = stack
            intrinsics[row] = camera
        return frames, intrinsics

    def _example(self, index, strip):
        """(frames uint8 [H, W, 3S], intrinsics float32 [3, 3]), from the cache or the files."""
        example = self._cache.get(index)
        if example is None:
            prefix = self._prefixes[index]
            check_strip_size(prefix + '.jpg', strip.shape[:2], self._seq_length, *self._shape[:2])
            camera = (read_camera_file(prefix + '_cam.txt', self._shape[:2])
                      if self._camera is None else self._camera)
            example = unpack_strip(strip, self._seq_length), camera
            self._cache.add(index, example)
        return example


def decode_strip(path):
    """uint8 [H, W * S, 3] tensor of the image at the string tensor `path`."""
    return tf.io.decode_jpeg(tf.io.read_file(path), channels=3)


class _Cache:
    """Decoded examples in memory, in order of arrival until they fill `num_bytes`; none leaves."""

    def __init__(self, num_bytes):
        self._room = num_bytes
        self._examples = {}
        self._lock = threading.Lock()

    def holds(self, indices):
        """Whether each of an array of indices is cached: bool array."""
        return np.array([index in self._examples for index in indices])

    def get(self, index):
        """The tuple of arrays of one example, to be left unchanged, or None."""
        return self._examples.get(index)

    def add(self, index, example):
        """Adds the tuple of arrays of one example if there is room."""
        size = sum(array.nbytes for array in example)
        with self._lock:
            if size <= self._room and index not in self._examples:
                self._room -= size
                self._examples[index] = example


def check_strip_size(path, found, seq_length, img_height, img_width):
    """Raises a UserError unless `found`, (height, width) of an image, is the size of a strip."""
    if tuple(found) != (img_height, img_width * seq_length):
        raise UserError(
            '%s: is %d high and %d wide, must be %d and %d (--img_height=%d, --seq_length=%d times '
            '--img_width=%d)' % ((path,) + tuple(found) + (img_height, img_width * seq_length,
                                                           img_height, seq_length, img_width)))


def unpack_strip(strip, seq_length):
    """[H, W * S, 3], S frames in time order -> [H, W, 3S], the middle one, the target, first."""
    frames = np.split(strip, seq_length, axis=1)
    return cv2.merge([frames.pop(seq_length // 2)] + frames)


