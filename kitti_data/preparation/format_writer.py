"""Writes a formatted training set from clips: each frame decoded once, all cores, restartable.

`formatted.py` reads what is written here.
"""
import collections
import hashlib
import os
import threading

import numpy as np

from kitti_data import images
from kitti_data.calibration import camera_text
from kitti_data.example_list import SUMMARY_NAME
from kitti_data.preparation.clips import examples_of, too_short
from vo_common.errors import UserError
from vo_common.files import (
    list_folder, make_folder, read_json, reading, write_json, write_text)
from vo_common.parallel import parallel_map

_JPEG_END = b'\xff\xd9'


def write_set(data, dump_root, settings, config):
    """Writes the examples of `data` that are not there yet, the lists, and a summary.

    Args:
      data: <DataSet>.
      dump_root: folder of the set.
      settings: JSON values that decide what is in the files; a folder begun with others is refused.
      config: the preparation's flags (sizes, quality, threads, split).

    Returns:
      The summary, a dict; its 'problems' name what could not be read.

    Raises:
      UserError: other settings, no example at all, or a file that cannot be written.
    """
    dump_root = make_folder(dump_root)
    summary_path = os.path.join(dump_root, SUMMARY_NAME)
    _check_settings(summary_path, settings)
    write_json(summary_path, {'settings': settings, 'complete': False})

    keys, writer = [], _ExampleWriter(dump_root, config, data.keep_rows)
    for clip in data.clips:
        finished = _finished(make_folder(os.path.join(dump_root, clip.folder)))
        for frames in examples_of(clip, config.seq_length):
            key = (clip.folder, frames[len(frames) // 2].name)
            keys.append(key)
            if key[1] not in finished:
                writer.add(key, frames, clip)
    num_found = len(keys) - writer.num_examples
    writer.run(config.num_threads)

    keys = sorted(set(keys) - writer.failed)
    problems = data.problems + writer.problems
    if not keys:
        raise UserError('no example could be made%s' % ''.join('\n  ' + text for text in problems))
    validation = split(keys, config.val_fraction, config.seed)
    for name, members in (('train', [key for key in keys if key not in validation]),
                          ('val', sorted(validation))):
        write_text(os.path.join(dump_root, name + '.txt'),
                   ''.join('%s %s\n' % key for key in members))
    summary = {'settings': settings, 'complete': True, 'val_fraction': config.val_fraction,
               'seed': config.seed, 'examples': len(keys), 'train': len(keys) - len(validation),
               'val': len(validation), 'already_there': num_found,
               'failed': len(writer.failed), 'problems': problems,
               'notes': data.notes + too_short(data.clips, config.seq_length),
               'folders': dict(sorted(collections.Counter(key[0] for key in keys).items()))}
    write_json(summary_path, summary)
    return summary


def split(keys, fraction, seed):
    """The set of those (folder, name) keys that are for validation: `fraction` of them.

    Membership follows a hash of seed and key, so it is the same on every machine and hardly
    changes when examples are added. Of two or more, one at least is left on each side.
    """
    if fraction == 0 or len(keys) < 2:
        return set()
    count = min(max(1, int(round(len(keys) * fraction))), len(keys) - 1)
    return set(sorted(keys, key=lambda key: hashlib.sha1(
        ('%d %s %s' % ((seed,) + key)).encode()).digest())[:count])


def _check_settings(summary_path, settings):
    folder = os.path.dirname(summary_path)
    if not os.path.exists(summary_path):
        if os.path.exists(os.path.join(folder, 'train.txt')):
            raise UserError('%s holds a training set that was not written by this program (no %s); '
                            'choose another --dump_root' % (folder, SUMMARY_NAME))
        return
    before = read_json(summary_path)
    before = before.get('settings') if isinstance(before, dict) else None
    if not isinstance(before, dict):
        raise UserError('%s: must hold the settings that the set was prepared with (choose another '
                        '--dump_root or remove it)' % summary_path)
    changed = ['%s was %r and is now %r' % (key, before.get(key), settings.get(key))
               for key in sorted(set(before) | set(settings))
               if before.get(key) != settings.get(key)]
    if changed:
        raise UserError('%s was prepared with other settings: %s; choose another --dump_root or '
                        'remove it' % (folder, ', '.join(changed)))


def _finished(folder):
    """Names of the whole examples in `folder`; what a killed run left half written is removed."""
    names, there = set(), set(list_folder(folder))
    for name in there:
        path = os.path.join(folder, name)
        if name.startswith('.') and ('.jpg.' in name or '_cam.txt.' in name):
            os.remove(path)
        elif name.endswith('.jpg') and name[:-len('.jpg')] + '_cam.txt' in there:
            with reading(path, 'example'), open(path, 'rb') as stream:
                stream.seek(max(os.path.getsize(path) - len(_JPEG_END), 0))
                if stream.read() == _JPEG_END:
                    names.add(name[:-len('.jpg')])
    return names


class _ExampleWriter:
    """Turns frames into examples as they come.

    Every frame is one task. Whichever task brings the last frame of an example writes it; a frame
    is dropped once its examples are written, so only a few are in memory at any time.
    """

    def __init__(self, dump_root, config, keep_rows):
        self._dump_root = dump_root
        self._config = config
        self._resized_height = int(round(config.img_height / keep_rows))
        self._examples = {}                                # key -> (paths, camera file's text)
        self._sizes = {}                                   # path -> (height, width) it must have
        self._waiting = {}                                 # path -> keys of examples to come
        self._missing = {}                                 # key -> paths not yet decoded
        self._decoded = {}                                 # path -> image
        self._lock = threading.Lock()
        self._broken = {}                                  # path -> message
        self.failed = set()

    @property
    def num_examples(self):
        return len(self._examples)

    @property
    def problems(self):
        return [self._broken[path] for path in sorted(self._broken)]

    def add(self, key, frames, clip):
        """Plans the example `key` = (folder, name) of `frames`, which are of `clip`."""
        paths = [frame.path for frame in frames]
        self._examples[key] = paths, camera_text(
            clip.intrinsics, self._config.img_width / clip.size[1],
            self._resized_height / clip.size[0], self._config.half_pixel_centers)
        self._missing[key] = set(paths)
        self._sizes.update(dict.fromkeys(paths, clip.size))
        for path in paths:
            self._waiting.setdefault(path, set()).add(key)

    def run(self, num_threads):
        """Decodes all frames and writes all examples."""
        parallel_map(self._take, list(self._waiting), num_threads, desc='preparing', unit='frame')

    def _take(self, path):
        decoded = self._read(path)
        with self._lock:
            self._decoded[path] = decoded
            complete = []
            for key in self._waiting[path]:
                self._missing[key].discard(path)
                if not self._missing[key]:
                    complete.append((key, [self._decoded[one] for one in self._examples[key][0]]))
        for key, frames in complete:
            if all(frame is not None for frame in frames):
                self._write(key, frames)
        with self._lock:
            for key, frames in complete:
                if any(frame is None for frame in frames):
                    self.failed.add(key)
                self._release(key)

    def _read(self, path):
        """uint8 [img_height, img_width, 3], or None for a broken file."""
        try:
            image, size = images.read_resized(path, self._resized_height, self._config.img_width)
            if size != self._sizes[path]:
                raise UserError('image %s: is %dx%d pixels, must be %dx%d like the first of its '
                                'camera' % ((path,) + size[::-1] + self._sizes[path][::-1]))
        except UserError as error:
            self._broken[path] = str(error)
            return None
        return image[:self._config.img_height]

    def _write(self, key, frames):
        """The camera file first: an example counts as finished when its image is there."""
        prefix = os.path.join(self._dump_root, *key)
        write_text(prefix + '_cam.txt', self._examples[key][1])
        images.write_jpeg(prefix + '.jpg', np.concatenate(frames, axis=1),
                          self._config.jpeg_quality)

    def _release(self, key):
        for path in set(self._examples[key][0]):
            self._waiting[path].discard(key)
            if not self._waiting[path]:
                self._decoded.pop(path, None)
