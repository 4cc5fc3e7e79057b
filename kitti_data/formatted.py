"""Formatted training sets: reading them as a tf.data pipeline.

A set is a folder of `<folder>/<frame>.jpg`, seq_length frames side by side in time order, with
`<frame>_cam.txt`, nine numbers with commas; `train.txt` and `val.txt` list `folder frame` lines.
"""
import contextlib
import os
import re

import numpy as np
import tensorflow.compat.v1 as tf

from common.errors import UserError
from common.files import read_lines, require_file, require_folder
from common.parallel import parallel_map
from kitti_data import augmentation, images
from kitti_data.order import example_order

NUM_SCALES = 4


def formatted_dataset(dataset_dir, split, batch_size, seq_length, img_height, img_width,
                      num_threads=0, augment=None, shuffle=True, seed=8964, start_step=0,
                      rank=0, size=1):
    """The endless batches of one worker.

    Args:
      dataset_dir: folder that `prepare_train_data.py` wrote.
      split: 'train' or 'val'.
      batch_size: B, examples a step of this worker.
      seq_length: odd; the middle frame is the target, the N = seq_length - 1 others the sources.
      img_height: H of the formatted frames.
      img_width: W of the formatted frames.
      num_threads: examples decoded at once; 0 lets tf.data choose.
      augment: <AugmentConfig>, or None for the examples as they are.
      shuffle: a new order every epoch, or always that of the list.
      seed: of the order and of the augmentation.
      start_step: steps already done; the data continue where an unbroken run would be.
      rank: this worker, 0..size-1.
      size: number of workers.

    Returns:
      tf.data.Dataset of dict(target=uint8 [B, H, W, 3], sources=uint8 [B, H, W, 3N] in time order,
      intrinsics=float32 [B, 4, 3, 3], level s divided by 2^s), shapes static.

    Raises:
      UserError: the list is missing or empty, a listed file is missing or empty, or the first
        example of a folder does not have the size that the flags ask for.
    """
    prefixes = list_examples(dataset_dir, split)
    check_examples(prefixes, seq_length, img_height, img_width)
    reader = _ExampleReader(prefixes, seq_length, img_height, img_width, augment, seed)
    dataset = example_order(len(prefixes), seed, shuffle, rank, size, start_step * batch_size)
    dataset = dataset.map(reader.as_tensors,
                          num_parallel_calls=num_threads or tf.data.experimental.AUTOTUNE)
    return dataset.batch(batch_size, drop_remainder=True).prefetch(2)


def list_examples(dataset_dir, split='train'):
    """Paths, without their endings, of the examples in `<dataset_dir>/<split>.txt`, in its order.

    Raises:
      UserError: the list is missing, empty or not made of `folder frame` lines.
    """
    dataset_dir = require_folder(dataset_dir, 'formatted data set (--dataset_dir)',
                                 'kitti_data/prepare_train_data.py writes one')
    path = require_file(os.path.join(dataset_dir, split + '.txt'), 'list of examples',
                        'kitti_data/prepare_train_data.py writes it')
    prefixes = []
    for number, line in enumerate(read_lines(path), 1):
        words = line.rsplit(None, 1)
        if len(words) != 2:
            raise UserError('%s, line %d: wanted "folder frame", found %r' % (path, number, line))
        prefixes.append(os.path.join(dataset_dir, *words))
    if not prefixes:
        raise UserError('%s lists no example' % path)
    return prefixes


def check_examples(prefixes, seq_length, img_height, img_width):
    """Finds, in about a second for all of KITTI, what would stop the training later.

    Raises:
      UserError: seq_length is even; a file is missing or empty; in the first example of a folder,
        the image has another size than wanted or the camera file has not nine numbers.
    """
    if seq_length < 3 or seq_length % 2 == 0:
        raise UserError('--seq_length is %d; wanted an odd number from 3 on, because the target is '
                        'the middle frame' % seq_length)
    by_folder = {}
    for prefix in prefixes:
        by_folder.setdefault(os.path.dirname(prefix), []).append(prefix)
    for folder, members in by_folder.items():
        require_folder(folder, 'folder of training images')
        sizes = {entry.name: entry.stat().st_size for entry in os.scandir(folder)}
        for path in (prefix + ending for prefix in members for ending in ('.jpg', '_cam.txt')):
            if not sizes.get(os.path.basename(path)):
                raise UserError('%s is in the list of examples but %s' % (
                    path, 'empty' if os.path.basename(path) in sizes else 'does not exist'))
        _check_size(members[0] + '.jpg', images.image_size(members[0] + '.jpg'), seq_length,
                    img_height, img_width)
        read_intrinsics(members[0] + '_cam.txt')


def _check_size(path, found, seq_length, img_height, img_width):
    if tuple(found) != (img_height, img_width * seq_length):
        raise UserError(
            '%s is %d high and %d wide; --img_height=%d --img_width=%d --seq_length=%d want %d and '
            '%d' % ((path,) + tuple(found) + (img_height, img_width, seq_length,
                                         img_height, img_width * seq_length)))


def read_intrinsics(path):
    """float32 [3, 3] of the camera file `path`; a UserError says what is wrong with it."""
    try:
        with open(path, 'rb') as stream:
            text = stream.read()
        numbers = np.array([float(word) for word in text.split(b',')], np.float32)
    except OSError as error:
        raise UserError('cannot read camera file %s: %s' % (path, error.strerror)) from error
    except ValueError:
        numbers = np.zeros(0)
    if numbers.size != 9 or not np.all(np.isfinite(numbers)):
        raise UserError('camera file %s: wanted 9 numbers with commas, found %r' % (
            path, text.decode('utf-8', 'replace').strip()[:80]))
    return numbers.reshape(3, 3)


def multi_scale_intrinsics(intrinsics):
    """[..., 3, 3] to [..., 4, 3, 3]: the first two rows of level s divided by 2^s."""
    levels = 2.0 ** -np.arange(NUM_SCALES, dtype=np.float32)
    factors = np.stack([levels, levels, np.ones_like(levels)], axis=-1)[..., None]
    return intrinsics[..., None, :, :] * factors


def split_frames(strip, seq_length):
    """[H, W * seq_length, 3] to frames of [H, W, 3]: the target, then the sources in time."""
    frames = np.split(strip, seq_length, axis=1)
    return [frames.pop(seq_length // 2)] + frames


class _ExampleReader:
    """Turns (index, position) of the training order into one example.

    TensorFlow decodes; the rest is numpy and OpenCV in one call, which takes a third of the time of
    the same in TensorFlow's CPU ops, and can say which file it was.
    """

    def __init__(self, prefixes, seq_length, img_height, img_width, augment, seed):
        self._prefixes = prefixes
        self._seq_length = seq_length
        self._height = img_height
        self._width = img_width
        self._augment = augment if augment and augment.active else None
        self._seed = seed

    def as_tensors(self, index, position):
        """The dataset's map function: image and camera of one example, read together."""
        prefix = tf.gather(tf.constant(self._prefixes), index)
        strip = tf.io.decode_jpeg(tf.io.read_file(prefix + '.jpg'), channels=3)
        target, sources, intrinsics = tf.numpy_function(
            self._assemble, [index, position, strip], (tf.uint8, tf.uint8, tf.float32))
        target.set_shape([self._height, self._width, 3])
        sources.set_shape([self._height, self._width, 3 * (self._seq_length - 1)])
        intrinsics.set_shape([NUM_SCALES, 3, 3])
        return {'target': target, 'sources': sources, 'intrinsics': intrinsics}

    def _assemble(self, index, position, strip):
        prefix = self._prefixes[index]
        _check_size(prefix + '.jpg', strip.shape[:2], self._seq_length, self._height, self._width)
        intrinsics = read_intrinsics(prefix + '_cam.txt')
        frames = split_frames(strip, self._seq_length)
        if self._augment:
            draws = augmentation.draw(self._augment, self._seed, position, self._height,
                                      self._width, self._seq_length)
            frames, intrinsics = augmentation.apply(draws, frames, intrinsics)
        return (np.ascontiguousarray(frames[0]), augmentation.stack_channels(frames[1:]),
                multi_scale_intrinsics(intrinsics))


@contextlib.contextmanager
def broken_files_named(dataset_dir, splits=('train', 'val')):
    """Turns what TensorFlow says of a broken example into a UserError that names the file.

    Wrap the training in it. Errors that have another cause pass unchanged.
    """
    try:
        yield
    except (tf.errors.InvalidArgumentError, tf.errors.NotFoundError, tf.errors.UnknownError,
            tf.errors.DataLossError) as error:
        said = re.search(r'UserError: ([^\n]*)', error.message)
        message = said.group(1) if said else find_broken(dataset_dir, splits)
        if not message:
            raise
        raise UserError(message) from error


def find_broken(dataset_dir, splits=('train', 'val')):
    """Decodes every image of a formatted set and says what is wrong with the first broken one.

    Returns:
      A message that names the file, or None where all can be read.
    """
    def problem(prefix):
        try:
            images.read_rgb(prefix + '.jpg')
        except UserError as error:
            return str(error)
        return None

    dataset_dir = require_folder(dataset_dir, 'formatted data set')
    prefixes = [prefix for split in splits
                if os.path.exists(os.path.join(dataset_dir, split + '.txt'))
                for prefix in list_examples(dataset_dir, split)]
    found = parallel_map(problem, prefixes, desc='looking for the broken file', unit='file')
    return next((message for message in found if message), None)
