"""Writes a formatted training set from clips, on all cores; a second run completes it.

`pipeline/formatted.py` reads the set.
"""
import collections
import functools
import hashlib
import os

import numpy as np

from kitti_data import images
from kitti_data.calibration import camera_text, resized
from kitti_data.example_list import SUMMARY_NAME, settings_of
from vo_common.errors import UserError
from vo_common.files import (
    list_folder, make_folder, read_text, reading, write_json, write_text)
from vo_common.parallel import parallel_map

_EXAMPLES_A_JOB = 32
_JPEG_END = b'\xff\xd9'


def write_set(data, config):
    """Writes the missing examples of a <DataSet>, the lists, and a summary.

    Returns the summary, a dict, whose 'problems' name the files that could not be read. Raises a
    UserError if the folder has other settings than the <PrepareConfig>, there is no example, or a
    file cannot be written.
    """
    settings = config.settings
    dump_root = make_folder(config.dump_root)
    summary_path = os.path.join(dump_root, SUMMARY_NAME)
    _check_settings(dump_root, settings)
    keys, jobs, notes, num_found = [], [], list(data.notes), 0
    for clip in data.clips:
        finished = _finished(make_folder(os.path.join(dump_root, clip.folder)),
                             _camera_text(clip, config))
        examples = clip.examples(config.seq_length)
        if not examples:
            notes.append('%s has %d frames, too few for an example of %d' % (
                clip.folder, len(clip.frames), config.seq_length))
        keys += [(clip.folder, name) for name in examples]
        missing = [example for example in examples.items() if example[0] not in finished]
        num_found += len(examples) - len(missing)
        jobs += [(clip, missing[start:start + _EXAMPLES_A_JOB])
                 for start in range(0, len(missing), _EXAMPLES_A_JOB)]
    if keys:
        # Before the first example, so that a killed run is completed with the same settings.
        write_json(summary_path, {'settings': settings, 'complete': False})
    written = parallel_map(lambda job: _write_examples(*job, config), jobs, config.num_threads,
                           desc='preparing', unit='x%d examples' % _EXAMPLES_A_JOB)
    failed = set().union(*(names for names, _ in written))
    keys = sorted(set(keys) - failed)
    problems = list(dict.fromkeys(data.problems)) + sorted(
        set().union(*(messages for _, messages in written)))
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
               'failed': len(failed), 'problems': problems, 'notes': notes,
               'folders': dict(collections.Counter(folder for folder, _ in keys))}
    write_json(summary_path, summary)
    return summary


def split(keys, fraction, seed):
    """The set of (folder, name) keys for validation: `fraction` of `keys`.

    Membership depends on a hash of seed and key, so it is the same on every machine and hardly
    changes when examples are added. With at least two keys, neither side is empty.
    """
    if fraction == 0 or len(keys) < 2:
        return set()
    count = min(max(1, int(round(len(keys) * fraction))), len(keys) - 1)
    return set(sorted(keys, key=lambda key: hashlib.sha1(
        ('%d %s %s' % ((seed,) + key)).encode()).digest())[:count])


def _check_settings(folder, settings):
    if not os.path.exists(os.path.join(folder, SUMMARY_NAME)):
        if os.path.exists(os.path.join(folder, 'train.txt')):
            raise UserError('%s holds a training set that was not written by this program (no %s); '
                            'choose another --dump_root' % (folder, SUMMARY_NAME))
        return
    before = settings_of(folder)
    if not before:
        raise UserError('%s: must hold the settings that the set was prepared with (choose another '
                        '--dump_root or remove it)' % os.path.join(folder, SUMMARY_NAME))
    changed = ['%s was %r and is now %r' % (key, before.get(key), settings.get(key))
               for key in sorted(set(before) | set(settings))
               if before.get(key) != settings.get(key)]
    if changed:
        raise UserError('%s was prepared with other settings: %s; choose another --dump_root or '
                        'remove it' % (folder, ', '.join(changed)))


def _finished(folder, camera):
    """Names of the complete examples in `folder` whose camera file holds the text `camera`."""
    found = set(list_folder(folder))
    names = [name[:-len('.jpg')] for name in found if name.endswith('.jpg')]
    return {name for name in names if name + '_cam.txt' in found
            and read_text(os.path.join(folder, name + '_cam.txt')) == camera
            and _is_complete(os.path.join(folder, name + '.jpg'))}


def _is_complete(path):
    with reading(path, 'example'), open(path, 'rb') as stream:
        stream.seek(max(os.path.getsize(path) - len(_JPEG_END), 0))
        return stream.read() == _JPEG_END


def _resized(clip, config):
    """(height, width) of the resized frames of a clip, before rows are cut off."""
    return int(round(config.img_height / clip.keep_rows)), config.img_width


def _camera_text(clip, config):
    """The content of the camera files of a clip."""
    camera = resized(clip.intrinsics, clip.size, _resized(clip, config), config.half_pixel_centers)
    return camera_text(camera.astype(clip.intrinsics.dtype))


def _write_examples(clip, examples, config):
    """Writes successive examples of a clip, (name, frames), decoding each frame once.

    Returns:
      (the set of (folder, name) of the examples that were not written, the set of messages about
      frames that cannot be read).
    """
    height, width = _resized(clip, config)
    camera = _camera_text(clip, config)
    failed, broken = set(), set()

    @functools.lru_cache(maxsize=clip.step * config.seq_length)
    def read(path):
        try:
            image, size = images.read_resized(path, height, width)
            if size != clip.size:
                raise UserError('image %s: is %dx%d pixels, must be %dx%d like the first of its '
                                'camera' % ((path,) + size[::-1] + clip.size[::-1]))
        except UserError as error:
            broken.add(str(error))
            return None
        return image[:config.img_height]

    for name, frames in examples:
        strip = [read(frame.path) for frame in frames]
        if any(image is None for image in strip):
            failed.add((clip.folder, name))
            continue
        prefix = os.path.join(config.dump_root, clip.folder, name)
        # The camera file first, because `_finished` requires the image last.
        write_text(prefix + '_cam.txt', camera)
        images.write_jpeg(prefix + '.jpg', np.concatenate(strip, axis=1), config.jpeg_quality)
    return failed, broken
