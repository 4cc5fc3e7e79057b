"""Lists of images in text files, in the forms in which the field passes them on.

A line is a path below a data set, alone or with others after it (`left.png right.png`), or a frame
of KITTI raw, `date/drive number l` or `drive number r`. Paths may contain spaces. Where a path does
not exist, the same with another ending is taken: data sets are passed on as PNG and as JPEG.
"""
import os
import re
from typing import NamedTuple

from kitti_data.frame_files import IMAGE_EXTENSIONS, frame_number
from vo_common.errors import UserError
from vo_common.files import numbered_lines

_PATH = re.compile(r'(.*?(?:%s))(?:\s|$)' % '|'.join(map(re.escape, IMAGE_EXTENSIONS)), re.I)
_RAW_FRAME = re.compile(
    r'(?:\d{4}_\d\d_\d\d/)?((\d{4}_\d\d_\d\d)_drive_\d{4}_sync)\s+([0-9]+)\s+([lr])')
_CAMERA_OF_SIDE = {'l': 2, 'r': 3}
_MISSING_NAMED = 3


class ListedImage(NamedTuple):
    """One line: `name`, the path below the data set, and where it stands."""
    name: str
    line: int


def read_image_list(list_path, root='', exist=True):
    """The images that a list names, in its order.

    Args:
      list_path: text file.
      root: folder of the data set; empty is the working directory.
      exist: whether the images must exist below `root`.

    Returns:
      List of N `ListedImage`s.

    Raises:
      UserError: the list is empty, a line has none of the forms, or images do not exist (with how
        many they are and the first of them).
    """
    listed = []
    for number, line in numbered_lines(list_path, 'list of test images'):
        name = _name(line, root)
        if not name:
            raise UserError('%s: line %d: found %r, must be the path of an image (%s) or "drive '
                            'frame l|r"' % (list_path, number, line[:80],
                                            ', '.join(IMAGE_EXTENSIONS)))
        listed.append(ListedImage(name, number))
    if not listed:
        raise UserError('list of test images %s is empty' % list_path)
    missing = [image for image in listed if not os.path.isfile(os.path.join(root, image.name))]
    if missing and exist:
        raise UserError('%s: %d of its %d images do not exist: %s%s' % (
            list_path, len(missing), len(listed), ', '.join(
                '%s (line %d)' % (os.path.join(root, image.name), image.line)
                for image in missing[:_MISSING_NAMED]),
            ', ...' if len(missing) > _MISSING_NAMED else ''))
    return listed


def _name(line, root):
    path = _PATH.match(line)
    if path:
        return _with_its_ending(path.group(1), root)
    frame = _RAW_FRAME.fullmatch(line)
    number = frame_number(frame.group(3)) if frame else None
    if number is None:
        return None
    stem = '%s/%s/image_%02d/data/%010d' % (
        frame.group(2), frame.group(1), _CAMERA_OF_SIDE[frame.group(4)], number)
    return _with_its_ending(stem + '.png', root)


def _with_its_ending(name, root):
    """`name`, or the same with the ending of the image that is there."""
    stem = os.path.splitext(name)[0]
    endings = IMAGE_EXTENSIONS + tuple(ending.upper() for ending in IMAGE_EXTENSIONS)
    return next((one for one in [name] + [stem + ending for ending in endings]
                 if os.path.isfile(os.path.join(root, one))), name)
