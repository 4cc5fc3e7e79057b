"""Formatted training sets as tf.data pipelines.

A set is a folder of `<folder>/<frame>.jpg`, seq_length frames side by side in time order, and
`<frame>_cam.txt`, nine comma-separated numbers; `train.txt` and `val.txt` list the examples as
`folder frame` lines.
"""
import copy
import os

import numpy as np

from kitti_data import images
from kitti_data.calibration import read_camera_file
from kitti_data.canonical_camera import camera_of
from kitti_data.example_list import check_strip_size, read_example_list
from kitti_data.pipeline import augmentation
from kitti_data.pipeline.order import example_batches
from vo_common.errors import UserError
from vo_common.files import reading, require_file, require_folder
from vo_common.opencv import cv2

_WRITER = 'kitti_data/preparation/prepare_train_data.py'


class FormattedSet:
    """The examples in one list of a formatted set.

    Checks every listed file and the first example of every folder, in about a second for all of
    KITTI, so that training does not fail later. Raises a UserError if a file is missing or empty,
    the size of the first image of a folder differs from the flags, or its camera file is not nine
    numbers.

    Args:
      dataset_dir: folder that `prepare_train_data.py` wrote.
      split: 'train' or 'val'.
      seq_length: S, odd; the middle frame is the target, the others the sources.
      img_height, img_width: H and W of the formatted frames.
      half_pixel_centers: whether intrinsics follow augmentation exactly, or as published.
      canonical_camera: (fx, fy, cx, cy) as fractions of width and height, which replaces the
        camera files; empty: use the camera files.
    """

    def __init__(self, dataset_dir, split, seq_length, img_height, img_width,
                 half_pixel_centers=False, canonical_camera=()):
        dataset_dir = require_folder(dataset_dir, 'formatted data set (--dataset_dir)',
                                     _WRITER + ' writes one')
        path = require_file(os.path.join(dataset_dir, split + '.txt'), 'list of examples',
                            _WRITER + ' writes it')
        self._prefixes = [os.path.join(dataset_dir, *example)
                          for example in read_example_list(path)]
        self._seq_length, self._size = seq_length, (img_height, img_width)
        self._half_pixel_centers = half_pixel_centers
        self._camera = (camera_of(canonical_camera, img_height, img_width).astype(np.float32)
                        if len(canonical_camera) else None)
        for folder, prefixes in _by_folder(self._prefixes).items():
            _check_files(folder, prefixes)
            image = prefixes[0] + '.jpg'
            check_strip_size(image, images.image_size(image), seq_length, *self._size)
            read_camera_file(prefixes[0] + '_cam.txt', self._size)

    def __len__(self):
        return len(self._prefixes)

    @property
    def folders(self):
        """Number of folders (one per drive and camera) with examples."""
        return len(_by_folder(self._prefixes))

    def spread(self, count):
        """A <FormattedSet> of at most `count` examples, chosen deterministically.

        All folders contribute equally, as far as they have enough examples, and the examples of a
        folder are evenly spaced. With more than `count` folders, the folders are evenly spaced too.
        """
        chosen = copy.copy(self)
        chosen._prefixes = spread_over_folders(self._prefixes, count)
        return chosen

    def dataset(self, batch_size, seed=8964, augment=None, **order):
        """The endless batches of one worker, changed by an <AugmentConfig>; see `example_batches`.

        `seed` also determines the augmentation.

        Returns:
          tf.data.Dataset of dict(frames=uint8 [B, H, W, 3S], the target and then the others in
          time order, intrinsics=float32 [B, 3, 3], pixels), shapes static.
        """
        def read(index, position):
            example = self._example(self._prefixes[index])
            if not augment:
                return example
            drawn = augmentation.draw(augment, seed, position, *self._size, self._seq_length)
            return augmentation.apply(drawn, *example, self._half_pixel_centers)

        return example_batches(
            read, {'frames': (np.uint8, self._size + (3 * self._seq_length,)),
                   'intrinsics': (np.float32, [3, 3])},
            len(self), batch_size, seed, **order)

    def _example(self, prefix):
        """(frames uint8 [H, W, 3S], intrinsics float32 [3, 3]) of the example at `prefix`."""
        strip = images.read_rgb(prefix + '.jpg')
        check_strip_size(prefix + '.jpg', strip.shape[:2], self._seq_length, *self._size)
        camera = (read_camera_file(prefix + '_cam.txt', self._size) if self._camera is None
                  else self._camera)
        return unpack_strip(strip, self._seq_length), camera


def unpack_strip(strip, seq_length):
    """[H, W * S, 3], S frames in time order -> [H, W, 3S], the middle frame (the target) first."""
    frames = np.split(strip, seq_length, axis=1)
    return cv2.merge([frames.pop(seq_length // 2)] + frames)


def spread_over_folders(prefixes, count):
    """At most `count` of `prefixes`, in their order, see `FormattedSet.spread`."""
    groups, chosen = list(_by_folder(prefixes).values()), set()
    if len(groups) > count:
        groups = _evenly(groups, count)
    left = min(count, sum(map(len, groups)))
    # Smallest folders first, so that larger ones make up for them.
    for number, group in enumerate(sorted(groups, key=len)):
        share = min(len(group), left // (len(groups) - number))
        chosen.update(_evenly(group, share))
        left -= share
    return [prefix for prefix in prefixes if prefix in chosen]


def _evenly(items, count):
    """Chooses `count` evenly spaced `items`: the middles of parts of equal length."""
    return [items[(2 * number + 1) * len(items) // (2 * count)] for number in range(count)]


def _by_folder(prefixes):
    """{folder: its prefixes}, in the order of `prefixes`."""
    by_folder = {}
    for prefix in prefixes:
        by_folder.setdefault(os.path.dirname(prefix), []).append(prefix)
    return by_folder


def _check_files(folder, prefixes):
    """Raises a UserError if a file of one of the examples in `folder` is missing or empty."""
    require_folder(folder, 'folder of training images')
    with reading(folder, 'folder of training images'):
        sizes = {entry.name: entry.stat().st_size for entry in os.scandir(folder)}
    for path in (prefix + ending for prefix in prefixes for ending in ('.jpg', '_cam.txt')):
        if not sizes.get(os.path.basename(path)):
            raise UserError('%s is in the list of examples but %s' % (
                path, 'empty' if os.path.basename(path) in sizes else 'does not exist'))
