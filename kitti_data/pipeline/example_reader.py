"""Examples of a formatted set: read, unpacked, kept, changed by augmentation."""
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
    """What the intrinsics of examples are.

    half_pixel_centers: whether they are exact where images are enlarged, or as published.
    canonical: shares of a camera that stands for those of all examples; empty where none does.
    """
    half_pixel_centers: bool = False
    canonical: typing.Sequence[float] = ()


class ExampleReader:
    """Turns (index, position) pairs of the training order into a batch.

    TensorFlow decodes. The rest is numpy and OpenCV in one call a batch, which takes a third of the
    time of the same in TensorFlow's CPU ops, and can say which file it was.

    Args:
      prefixes: paths of the examples without their endings.
      seq_length: S, frames of an example.
      img_height, img_width: H and W of a frame.
      augment: <AugmentConfig> or None.
      seed: of the augmentation.
      cache_bytes: how many bytes of decoded examples to keep, so that they are decoded once.
      cameras: <Cameras>, how their intrinsics are told.
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
        self._kept = _KeptExamples(cache_bytes)

    def as_tensors(self, indices, positions):
        """The dataset's map function: images and cameras of a batch, read together.

        Args:
          indices: int64 [B] tensor, B static: which examples.
          positions: int64 [B] tensor, how many-th ones they are in the whole run.

        Returns:
          dict(frames=uint8 [B, H, W, 3S], the target first, intrinsics=float32 [B, 3, 3]).
        """
        batch_size = indices.shape.as_list()[0]
        # As bytes: names of files need not be text.
        paths = tf.gather(tf.constant(list(map(os.fsencode, self._prefixes))), indices) + '.jpg'
        kept = tf.numpy_function(self._kept.hold, [indices], tf.bool)
        kept.set_shape([batch_size])

        def strip(path):
            return lambda: decode_strip(path)

        strips = [tf.cond(kept[place], lambda: tf.zeros([0, 0, 3], tf.uint8), strip(paths[place]))
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
        """(frames uint8 [H, W, 3S], intrinsics float32 [3, 3]), kept or out of the files."""
        example = self._kept.get(index)
        if example is None:
            prefix = self._prefixes[index]
            check_strip_size(prefix + '.jpg', strip.shape[:2], self._seq_length, *self._shape[:2])
            camera = (read_camera_file(prefix + '_cam.txt', self._shape[:2])
                      if self._camera is None else self._camera)
            example = unpack_strip(strip, self._seq_length), camera
            self._kept.keep(index, example)
        return example


def decode_strip(path):
    """uint8 [H, W * S, 3] tensor of the image at the string tensor `path`."""
    return tf.io.decode_jpeg(tf.io.read_file(path), channels=3)


class _KeptExamples:
    """Decoded examples in memory, the first ones that come, until they fill `num_bytes`."""

    def __init__(self, num_bytes):
        self._room = num_bytes
        self._examples = {}
        self._lock = threading.Lock()

    def hold(self, indices):
        """bool array, for each of an array of indices; what is held once is held for good."""
        return np.array([index in self._examples for index in indices])

    def get(self, index):
        """The tuple of arrays of one example, which nobody may change, or None."""
        return self._examples.get(index)

    def keep(self, index, example):
        """Keeps the tuple of arrays of one example if there is room."""
        size = sum(array.nbytes for array in example)
        with self._lock:
            if size <= self._room and index not in self._examples:
                self._room -= size
                self._examples[index] = example


def check_strip_size(path, found, seq_length, img_height, img_width):
    """Raises a UserError where `found`, (height, width) of an image, is not that of a strip."""
    if tuple(found) != (img_height, img_width * seq_length):
        raise UserError(
            '%s: is %d high and %d wide, must be %d and %d (--img_height=%d, --seq_length=%d times '
            '--img_width=%d)' % ((path,) + tuple(found) + (img_height, img_width * seq_length,
                                                           img_height, seq_length, img_width)))


def unpack_strip(strip, seq_length):
    """[H, W * S, 3], S frames in time order, to [H, W, 3S], the target (the middle one) first."""
    frames = np.split(strip, seq_length, axis=1)
    return cv2.merge([frames.pop(seq_length // 2)] + frames)


