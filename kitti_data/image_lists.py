"""Lists of images in text files, in the forms common in the field.

A line is a path in a data set, which others may follow (`left.png right.png`), or a frame of KITTI
raw, `date/drive number l` or `drive number r`. Paths may contain spaces. If a path does not exist,
the same path with another extension is used, since data sets are distributed as PNG and as JPEG.
"""
import os
import re

from kitti_data.frame_files import IMAGE_EXTENSIONS, frame_number
from vo_common.errors import UserError
from vo_common.files import numbered_lines

_PATH = re.compile(r'(.*?(?:%s))(?:\s|$)' % '|'.join(map(re.escape, IMAGE_EXTENSIONS)), re.I)
_RAW_FRAME = re.compile(
    r'(?:\d{4}_\d\d_\d\d/)?((\d{4}_\d\d_\d\d)_drive_\d{4}_sync)\s+([0-9]+)\s+([lr])')
_CAMERA_OF_SIDE = {'l': 2, 'r': 3}
_MISSING_NAMED = 3


def read_image_list(list_path, root='', exist=True):
    """Reads a list of images: a list of (path in the data set, line number), in its order.

    Raises a UserError if it is empty, a line has none of these forms, or images do not exist.

    Args:
      list_path: text file.
      root: folder of the data set; empty for the working directory.
      exist: whether the images must exist in `root`.
    """
    listed = []
    for number, line in numbered_lines(list_path, 'list of test images'):
        name = _name(line)
        if not name:
            raise UserError('%s: line %d: found %r, must be the path of an image (%s) or "drive '
                            'frame l|r"' % (list_path, number, line[:80],
                                            ', '.join(IMAGE_EXTENSIONS)))
        listed.append((_existing(name, root), number))
    if not listed:
        raise UserError('list of test images %s is empty' % list_path)
    missing = ['%s (line %d)' % (os.path.join(root, name), line) for name, line in listed
               if not os.path.isfile(os.path.join(root, name))]
    if missing and exist:
        raise UserError('%s: %d of its %d images do not exist: %s%s' % (
            list_path, len(missing), len(listed), ', '.join(missing[:_MISSING_NAMED]),
            ', ...' if len(missing) > _MISSING_NAMED else ''))
    return listed


def _name(line):
    """The path that a line names, or None."""
    path = _PATH.match(line)
    if path:
        return path.group(1)
    frame = _RAW_FRAME.fullmatch(line)
    number = frame_number(frame.group(3)) if frame else None
    if number is None:
        return None
    return '%s/%s/image_%02d/data/%010d.png' % (
        frame.group(2), frame.group(1), _CAMERA_OF_SIDE[frame.group(4)], number)


def _existing(name, root):
    """`name`, with another extension if the image exists only with that one."""
    stem = os.path.splitext(name)[0]
    extensions = IMAGE_EXTENSIONS + tuple(extension.upper() for extension in IMAGE_EXTENSIONS)
    return next((one for one in [name] + [stem + extension for extension in extensions]
                 if os.path.isfile(os.path.join(root, one))), name)
