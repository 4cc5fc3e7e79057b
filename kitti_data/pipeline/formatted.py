"""Formatted training sets as tf.data pipelines.

A set is a folder of `<folder>/<frame>.jpg`, seq_length frames side by side in time order, and
`<frame>_cam.txt`, nine comma-separated numbers; `train.txt` and `val.txt` list the examples as
`folder frame` lines.
"""
import copy
import os
import threading

import numpy as np
import tensorflow.compat.v1 as tf

from kitti_data import images
from kitti_data.calibration import read_camera_file
from kitti_data.canonical_camera import camera_of
from kitti_data.example_list import read_example_list
from kitti_data.pipeline import augmentation
from kitti_data.pipeline.order import example_order
from vo_common.errors import UserError
from vo_common.files import reading, reason, require_file, require_folder
from vo_common.opencv import cv2
from vo_common.parallel import parallel_map


class FormattedSet:
    """The examples in one list of a formatted set.

    Checks every listed file and the first example of every folder, so that a training does not
    stop later.

    Args:
      dataset_dir: folder that `prepare_train_data.py` wrote.
      split: 'train' or 'val'.
      seq_length: S, odd; the middle frame is the target, the others the sources.
      img_height, img_width: H and W of the formatted frames.
      half_pixel_centers: whether intrinsics follow augmentation exactly, or as published.
      canonical_camera: (fx, fy, cx, cy) as shares of width and height, replacing the camera of
        every example; empty: the camera files.

    Raises:
      UserError: the list or a listed file is missing or empty, or the first example of a folder
        has another size than the flags.
    """

    def __init__(self, dataset_dir, split, seq_length, img_height, img_width,
                 half_pixel_centers=False, canonical_camera=()):
        self._prefixes = list_examples(dataset_dir, split)
        self._seq_length, self._size = seq_length, (img_height, img_width)
        self._half_pixel_centers = half_pixel_centers
        self._camera = (camera_of(canonical_camera, img_height, img_width).astype(np.float32)
                        if len(canonical_camera) else None)
        check_examples(self._prefixes, seq_length, img_height, img_width)

    def __len__(self):
        return len(self._prefixes)

    @property
    def folders(self):
        """Number of folders (one per drive and camera) of the examples."""
        return len({os.path.dirname(prefix) for prefix in self._prefixes})

    def spread(self, count):
        """A <FormattedSet> of at most `count` examples, always the same ones.

        All folders have equal shares, as far as they have enough examples, and the examples chosen
        from a folder are evenly spaced. With more folders than `count`, so are the folders.
        """
        chosen = copy.copy(self)
        chosen._prefixes = spread_over_folders(self._prefixes, count)
        return chosen

    def dataset(self, batch_size, shuffle=True, seed=8964, start=0, rank=0, size=1, num_threads=0,
                augment=None, cache_bytes=0):
        """The endless batches of one worker.

        Args:
          batch_size: B, examples per step of this worker.
          shuffle, seed, start, rank, size: see `example_order`; seed is also of the augmentation.
          num_threads: approximate number of examples in work; 0: tf.data chooses.
          augment: <AugmentConfig>; None: no augmentation.
          cache_bytes: size of the cache of decoded examples; those that do not fit are decoded in
            every epoch.

        Returns:
          tf.data.Dataset of dict(frames=uint8 [B, H, W, 3S], the target and then the others in
          time order, intrinsics=float32 [B, 3, 3], pixels), shapes static.
        """
        cache, shape = _Cache(cache_bytes), self._size + (3 * self._seq_length,)
        # As bytes: file names need not be valid text.
        paths = [os.fsencode(prefix + '.jpg') for prefix in self._prefixes]

        def assemble(indices, positions, *strips):
            frames = np.empty((len(indices),) + shape, np.uint8)
            intrinsics = np.empty([len(indices), 3, 3], np.float32)
            for row, (index, position, strip) in enumerate(
                    zip(indices.tolist(), positions, strips)):
                stack, camera = cache.examples.get(index) or cache.add(
                    index, self._example(self._prefixes[index], strip))
                if augment:
                    drawn = augmentation.draw(augment, seed, position, *self._size,
                                              self._seq_length)
                    camera = augmentation.apply(drawn, stack, camera, frames[row],
                                                self._half_pixel_centers)
                else:
                    frames[row] = stack
                intrinsics[row] = camera
            return frames, intrinsics

        def as_tensors(indices, positions):
            cached = tf.numpy_function(cache.holds, [indices], tf.bool)
            cached.set_shape([batch_size])
            files = tf.gather(paths, indices)
            strips = [tf.cond(cached[place], lambda: tf.zeros([0, 0, 3], tf.uint8),
                              lambda place=place: decode_strip(files[place]))
                      for place in range(batch_size)]
            frames, intrinsics = tf.numpy_function(
                assemble, [indices, positions] + strips, (tf.uint8, tf.float32))
            frames.set_shape((batch_size,) + shape)
            intrinsics.set_shape([batch_size, 3, 3])
            return {'frames': frames, 'intrinsics': intrinsics}

        dataset = example_order(len(self), seed, shuffle, rank, size, start)
        # At least two: one batch is decoded while another one is augmented.
        batches_at_once = (max(2, -(-num_threads // batch_size)) if num_threads
                           else tf.data.experimental.AUTOTUNE)
        return dataset.batch(batch_size, drop_remainder=True).map(
            as_tensors, batches_at_once).prefetch(2)

    def _example(self, prefix, strip):
        """(frames uint8 [H, W, 3S], intrinsics float32 [3, 3]) of the example at `prefix`."""
        check_strip_size(prefix + '.jpg', strip.shape[:2], self._seq_length, *self._size)
        camera = (read_camera_file(prefix + '_cam.txt', self._size) if self._camera is None
                  else self._camera)
        return unpack_strip(strip, self._seq_length), camera


class _Cache:
    """Decoded examples in memory, in order of arrival until they fill `num_bytes`; none leaves.

    examples: dict index -> tuple of arrays, to be left unchanged.
    """

    def __init__(self, num_bytes):
        self._room = num_bytes
        self.examples = {}
        self._lock = threading.Lock()

    def holds(self, indices):
        """Whether each of an array of indices is cached: bool array."""
        return np.array([index in self.examples for index in indices])

    def add(self, index, example):
        """Adds the tuple of arrays of one example if there is room, and returns it."""
        size = sum(array.nbytes for array in example)
        with self._lock:
            if size <= self._room and index not in self.examples:
                self._room -= size
                self.examples[index] = example
        return example


def decode_strip(path):
    """uint8 [H, W * S, 3] tensor of the image at the string tensor `path`."""
    return tf.io.decode_jpeg(tf.io.read_file(path), channels=3)


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


def spread_over_folders(prefixes, count):
    """At most `count` of `prefixes`, in their order, see `FormattedSet.spread`."""
    by_folder = {}
    for prefix in prefixes:
        by_folder.setdefault(os.path.dirname(prefix), []).append(prefix)
    groups, chosen = list(by_folder.values()), set()
    if len(groups) > count:
        groups = _evenly(groups, count)
    left = min(count, sum(map(len, groups)))
    # The smallest folders first: larger ones share what those lack.
    for number, group in enumerate(sorted(groups, key=len)):
        share = min(len(group), left // (len(groups) - number))
        chosen.update(_evenly(group, share))
        left -= share
    return [prefix for prefix in prefixes if prefix in chosen]


def _evenly(items, count):
    """`count` of `items`, the middles of parts of equal length."""
    return [items[(2 * number + 1) * len(items) // (2 * count)] for number in range(count)]


def list_examples(dataset_dir, split='train'):
    """Paths, without extensions, of the examples in `<dataset_dir>/<split>.txt`, in its order.

    Raises:
      UserError: the list is missing, empty, or has other lines than `folder frame`.
    """
    dataset_dir = require_folder(dataset_dir, 'formatted data set (--dataset_dir)',
                                 'kitti_data/preparation/prepare_train_data.py writes one')
    path = require_file(os.path.join(dataset_dir, split + '.txt'), 'list of examples',
                        'kitti_data/preparation/prepare_train_data.py writes it')
    return [os.path.join(dataset_dir, *example) for example in read_example_list(path)]


def check_examples(prefixes, seq_length, img_height, img_width):
    """Checks a list of examples, in about a second for all of KITTI.

    Raises:
      UserError: seq_length is even; a file is missing or empty; the first image of a folder has
        another size than the flags, or its camera file is not nine numbers.
    """
    if seq_length < 3 or seq_length % 2 == 0:
        raise UserError('--seq_length=%d: must be odd and at least 3 (the target is the middle '
                        'frame)' % seq_length)
    by_folder = {}
    for prefix in prefixes:
        by_folder.setdefault(os.path.dirname(prefix), []).append(prefix)
    for folder, members in by_folder.items():
        require_folder(folder, 'folder of training images')
        with reading(folder, 'folder of training images'):
            sizes = {entry.name: entry.stat().st_size for entry in os.scandir(folder)}
        for path in (prefix + ending for prefix in members for ending in ('.jpg', '_cam.txt')):
            if not sizes.get(os.path.basename(path)):
                raise UserError('%s is in the list of examples but %s' % (
                    path, 'empty' if os.path.basename(path) in sizes else 'does not exist'))
        image = members[0] + '.jpg'
        check_strip_size(image, images.image_size(image), seq_length, img_height, img_width)
        read_camera_file(members[0] + '_cam.txt', (img_height, img_width))


def find_broken(dataset_dir):
    """Decodes every image of a formatted set as training does, to find the first broken one.

    Returns:
      A message that names the file, or None if all can be read.
    """
    prefixes = [prefix for split in ('train', 'val')
                if os.path.exists(os.path.join(dataset_dir, split + '.txt'))
                for prefix in list_examples(dataset_dir, split)]
    with tf.Graph().as_default(), tf.Session(
            config=tf.ConfigProto(device_count={'GPU': 0})) as session:
        path = tf.placeholder(tf.string, [])
        image = decode_strip(path)

        def problem(prefix):
            try:
                images.read_format(prefix + '.jpg')
                session.run(image.op, {path: os.fsencode(prefix + '.jpg')})
            except UserError as error:
                return str(error)
            except tf.errors.OpError as error:
                return 'cannot read example %s.jpg: %s' % (prefix, reason(error))
            return None

        found = parallel_map(problem, prefixes, desc='looking for the broken file', unit='file')
    return next((message for message in found if message), None)
