"""Folders of frames: which files are frames, their order, and what is missing among them."""
import os
import re

from common.errors import UserError
from common.files import list_folder

IMAGE_EXTENSIONS = ('.png', '.jpg', '.jpeg')
# int64 holds every number of so many digits; int() takes minutes for one of millions.
_MAX_DIGITS = 18
_DIGITS = re.compile('([0-9]+)')


def frame_number(text):
    """The int that `text` is, or None: ASCII digits alone, 18 of them at most."""
    return int(text) if len(text) <= _MAX_DIGITS and _DIGITS.fullmatch(text) else None


def natural_order(name):
    """Sort key by which 'frame 2.png' comes before 'frame 10.png'."""
    parts = _DIGITS.split(name)
    return [(len(part.lstrip('0')), part.lstrip('0')) if place % 2 else (0, part)
            for place, part in enumerate(parts)], name


def image_names(folder):
    """The names of the images in `folder`, in natural order.

    Hidden files are no frames: macOS leaves `._000001.png` beside `000001.png`.
    """
    return sorted((name for name in list_folder(folder)
                   if name.lower().endswith(IMAGE_EXTENSIONS) and not name.startswith('.')),
                  key=natural_order)


def list_frames(folder):
    """(frame number, path) of every image in `folder` whose name is a number, ascending.

    Raises:
      UserError: there is none, or two files have the same number.
    """
    frames = []
    for name in image_names(folder):
        number = frame_number(os.path.splitext(name)[0])
        if number is not None:
            frames.append((number, os.path.join(folder, name)))
    if not frames:
        raise UserError('no image with a number for a name in %s' % folder)
    frames.sort()
    _refuse_twins(frames)
    return frames


def list_images(folder):
    """(number, path) of all images of a folder in natural order, whatever their names are.

    Numbers are those in the names where the names differ by one number alone (`frame 7.png`), else
    None.

    Raises:
      UserError: two files have the same number, or the same name but for its extension.
    """
    names = image_names(folder)
    paths = [os.path.join(folder, name) for name in names]
    stems = [os.path.splitext(name)[0] for name in names]
    parts = [re.fullmatch(r'(.*?)([0-9]{1,%d})([^0-9]*)' % _MAX_DIGITS, stem) for stem in stems]
    if all(parts) and len({(part.group(1), part.group(3)) for part in parts}) == 1:
        frames = sorted((int(part.group(2)), path) for part, path in zip(parts, paths))
        _refuse_twins(frames)
        return frames
    _refuse_twins(sorted(zip(stems, paths)))
    return [(None, path) for path in paths]


def _refuse_twins(frames):
    for (key, path), (next_key, next_path) in zip(frames, frames[1:]):
        if key == next_key:
            raise UserError('%s and %s are the same frame (remove one of them)' % (
                path, os.path.basename(next_path)))


def gaps(frames):
    """[(first missing number, last missing number, path before, path after)] of ascending
    (frame number, path) pairs."""
    return [(number + 1, next_number - 1, path, next_path)
            for (number, path), (next_number, next_path) in zip(frames, frames[1:])
            if next_number != number + 1]


def missing_frames(frames):
    """A message for each jump in the numbers of ascending (frame number, path) pairs."""
    return ['%s: frames %d to %d are missing' % (os.path.dirname(path), first, last)
            for first, last, path, _ in gaps(frames)]


def require_no_gaps(frames):
    """Raises a UserError that names the first jump in the numbers of (frame number, path) pairs."""
    for first, last, path, next_path in gaps(frames):
        raise UserError('frames %d to %d are missing between %s and %s' % (
            first, last, path, os.path.basename(next_path)))
