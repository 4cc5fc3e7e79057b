"""Folders of frames: which files are frames, their order, and gaps between them."""
import os
import re
from typing import NamedTuple

import numpy as np

from vo_common.console import warn
from vo_common.errors import UserError
from vo_common.files import list_folder

IMAGE_EXTENSIONS = ('.png', '.jpg', '.jpeg')
KITTI_FRAME_RATE = 10.0  # frames per second, assumed for frames without times
# Range of int64; the limit on digits also avoids int(), which takes minutes for millions of them.
_MAX_DIGITS, _MAX_NUMBER = 19, 2 ** 63 - 1
_DIGITS = re.compile('([0-9]+)')
_SECONDS = re.compile(r'([0-9]{10})\.([0-9]{6}|[0-9]{9})$')  # TUM: 1305031102.175304
_BENCHMARK = re.compile(r'[0-9]{6}_[0-9]{2}')  # KITTI 2012 and 2015: scene and frame
_EPOCH_DIGITS = 10  # digits of seconds since 1970
_CLOCK_DIGITS = (13, 16, 19)  # digits of milliseconds, microseconds and nanoseconds since 1970
# Numbers are times if their median step is at least 10 and 75 % of the steps are within 25 % of it.
_LEAST_TIME_STEP, _ALIKE, _SHARE_ALIKE = 10, 0.25, 0.75
_MOST_STEPS = 1.5  # usual steps between neighbours; more is a gap
_LEAST_SECONDS, _MOST_SECONDS = 1e-3, 10.0  # between successive frames


class Frame(NamedTuple):
    """An image file: its frame number, the name of the example around it, and its path."""
    number: int
    name: str
    path: str


def frame_number(text):
    """`text` as an int, or None if it is not ASCII digits below 2^63."""
    if len(text) > _MAX_DIGITS or not _DIGITS.fullmatch(text) or int(text) > _MAX_NUMBER:
        return None
    return int(text)


def name_numbers(stems):
    """Parses the names of images, without extensions and in natural order.

    Returns (scenes, numbers, per_second):
      scenes: one str for each name, equal for frames that may be neighbours.
      numbers: list of int, or None if no number in the names orders them.
      per_second: units per second if the numbers are times since 1970, as integers or decimal
        seconds; else None.
    """
    scenes, numbers = _scenes_and_numbers([_SECONDS.sub(r'\1\2', stem) for stem in stems])
    lengths = {len('%d' % number) for number in numbers or ()}
    if len(lengths) == 1 and lengths <= set(_CLOCK_DIGITS):
        per_second = 10 ** (lengths.pop() - _EPOCH_DIGITS)
        steps = np.diff(np.sort(np.array(numbers, np.int64))) / per_second
        if len(steps) and _LEAST_SECONDS <= np.median(steps) <= _MOST_SECONDS:
            return scenes, numbers, per_second
    return scenes, numbers, None


def _scenes_and_numbers(stems):
    """`name_numbers` without times.

    The frame number is the last number that differs between names. If the part before it differs
    too and occurs in several frames, it is the scene (`000003_10`, `000003_11`, `000004_10`).
    """
    parts = [_DIGITS.split(stem) for stem in stems]
    if not all(len(part) > 1 for part in parts):
        return [''] * len(stems), None
    alike = len({tuple(part[::2]) for part in parts}) == 1
    differ = [place for place in range(1, len(parts[0]), 2)
              if len({part[place] for part in parts}) > 1] if alike else []
    last = [differ[-1] if differ else len(part) - 2 for part in parts]
    scenes = [''.join(part[:place]) for part, place in zip(parts, last)]
    if all(map(_BENCHMARK.fullmatch, stems)):
        scenes, last = [part[1] for part in parts], [3] * len(parts)
    elif len(set(scenes)) == len(stems) > 1:  # one frame each, as with a counter and a time
        scenes, last = [''] * len(stems), [differ[0]] * len(stems) if alike else []
    numbers = [frame_number(part[place]) for part, place in zip(parts, last)] or [None]
    if None in numbers or (not alike and len(set(scenes)) == 1):
        return scenes, None
    return scenes, numbers


def usual_step(numbers):
    """The difference between neighbouring frame numbers where no frame is missing.

    It is the greatest common divisor of the differences if that occurs among them (every fifth
    frame), their median if most are close to it and it is far above 1 (times), and 1 otherwise.
    """
    steps = np.diff(np.array(numbers, np.int64))
    if len(steps) < 2:
        return 1
    divisor, median = int(np.gcd.reduce(steps)), float(np.median(steps))
    if divisor == steps.min():
        return max(divisor, 1)
    alike = np.mean(np.abs(steps - median) <= _ALIKE * median)
    return int(median) if median >= _LEAST_TIME_STEP and alike >= _SHARE_ALIKE else 1


def frame_rate(numbers, times=()):
    """Frames per second of frames with these ascending numbers.

    `times` are the ascending seconds of frames 0, 1, ...; empty: a tenth of a second apart.
    """
    interval = np.median(np.diff(times)) if len(times) > 1 else 1 / KITTI_FRAME_RATE
    return float(1 / (interval * usual_step(numbers)))


def natural_order(name):
    """Sort key that places 'frame 2.png' before 'frame 10.png'."""
    parts = _DIGITS.split(name)
    return [(len(part.lstrip('0')), part.lstrip('0')) if place % 2 else (0, part)
            for place, part in enumerate(parts)], name


def image_names(folder):
    """The names of the images in `folder`, in natural order.

    Ignores hidden files, such as the `._000001.png` that macOS creates next to `000001.png`.
    """
    return sorted((name for name in list_folder(folder)
                   if name.lower().endswith(IMAGE_EXTENSIONS) and not name.startswith('.')),
                  key=natural_order)


def list_frames(folder):
    """(frame number, path) of every image in `folder` whose name is a number, ascending.

    Raises a UserError if there are none, or two files have the same number.
    """
    frames = [(frame_number(os.path.splitext(name)[0]), os.path.join(folder, name))
              for name in image_names(folder)]
    frames = _without_twins(frame for frame in frames if frame[0] is not None)
    if not frames:
        raise UserError('no image whose name is a number in %s' % folder)
    return frames


def list_images(folder, one_scene=True):
    """All images of a folder in order, under any names: (list of (number, path), per_second).

    Numbers and units are those of `name_numbers`; they are None if the names have none, or if the
    images belong to several scenes. Raises a UserError if two files have the same number, or names
    that differ only in the extension, or, with `one_scene`, the images belong to several scenes.
    """
    names = image_names(folder)
    paths = [os.path.join(folder, name) for name in names]
    stems = [os.path.splitext(name)[0] for name in names]
    scenes, numbers, per_second = name_numbers(stems)
    if len(set(scenes)) > 1:
        numbers = None
        place = next(place for place, scene in enumerate(scenes) if scene != scenes[0])
        if one_scene:
            raise UserError(
                '%s: holds frames of %d scenes (%s and %s are not neighbours), must be those of '
                'one drive (give each scene its own folder, or names that differ in one number)'
                % (folder, len(set(scenes)), names[place - 1], names[place]))
    frames = _without_twins(zip(numbers or stems, paths))
    if not numbers:
        return [(None, path) for path in paths], None
    return frames, per_second


def _without_twins(frames):
    """Sorted list of (key, path) pairs; a UserError if two keys are equal."""
    frames = sorted(frames)
    for (key, path), (next_key, next_path) in zip(frames, frames[1:]):
        if key == next_key:
            raise UserError('%s and %s are the same frame (remove one of them)' % (
                path, os.path.basename(next_path)))
    return frames


def missing_frames(frames, step=1):
    """A message for each gap in ascending (frame number, path) pairs that are `step` apart."""
    return ['frames %d to %d are missing between %s and %s%s' % (
        number + step, next_number - step, path, os.path.basename(next_path),
        ' (most numbers are %d apart)' % step if step > 1 else '')
            for (number, path), (next_number, next_path) in zip(frames, frames[1:])
            if next_number - number > _MOST_STEPS * step]


def check_gaps(frames, allowed=False):
    """Raises a UserError, or warns if `allowed`, about gaps in ascending (number, path) pairs."""
    missing = missing_frames(frames, usual_step([number for number, _ in frames]))
    if not missing:
        return
    message = missing[0] + (' (%d such gaps)' % len(missing) if len(missing) > 1 else '')
    if not allowed:
        raise UserError(message)
    warn(message)
