"""Reading, resizing and writing images: one way for preparation, training and prediction."""
import struct
import zlib

import numpy as np
from PIL import Image

from common.errors import UserError
from common.files import atomic_write, require_file

_DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error)


def read_rgb(path):
    """The image file `path` as uint8 [H, W, 3]; gray becomes three equal channels.

    Raises:
      UserError: the file is missing, empty, truncated, broken or not 8 bits a channel.
    """
    return np.array(_open(path).convert('RGB'))


def read_resized(path, height, width):
    """`resize(read_rgb(path), height, width)`, quicker for gray files, and the size in the file.

    Returns:
      (uint8 [height, width, 3], (H, W) of the file).
    """
    image = _open(path)
    resized = image.resize((width, height), Image.BILINEAR)
    return np.array(resized.convert('RGB')), (image.height, image.width)


def resize(image, height, width):
    """Antialiased bilinear resize (Pillow's BILINEAR) of uint8 [H, W, 3] to [height, width, 3]."""
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError('wanted uint8 [H, W, 3], got %s %s' % (image.dtype, image.shape))
    return np.array(Image.fromarray(image).resize((width, height), Image.BILINEAR))


def image_size(path):
    """(height, width) in the header of the image file `path`, without decoding it."""
    path = require_file(path, 'image')
    try:
        with Image.open(path) as image:
            return image.height, image.width
    except _DECODING_ERRORS as error:
        raise _broken(path, error) from error


def write_png(path, image):
    """Writes uint8 [H, W] or [H, W, 3], or uint16 [H, W], as a PNG file, whole."""
    with atomic_write(path, 'wb') as stream:
        Image.fromarray(image).save(stream, 'PNG')


def write_jpeg(path, image, quality=95):
    """Writes uint8 [H, W, 3] as a JPEG file, whole."""
    with atomic_write(path, 'wb') as stream:
        Image.fromarray(image).save(stream, 'JPEG', quality=quality)


def _open(path):
    """A decoded Pillow image of mode L or RGB."""
    path = require_file(path, 'image')
    try:
        with Image.open(path) as image:
            image.load()
    except _DECODING_ERRORS as error:
        raise _broken(path, error) from error
    if image.mode in ('L', 'RGB'):
        return image
    if image.mode in ('P', 'LA', 'RGBA', '1'):
        return image.convert('RGB')
    raise UserError('image %s has pixels of kind %s; wanted 8-bit gray or colour' % (
        path, image.mode))


def _broken(path, error):
    reason = 'it is empty' if _is_empty(path) else str(error) or type(error).__name__
    return UserError('cannot read image %s: %s' % (path, reason.replace(repr(path), 'it')))


def _is_empty(path):
    with open(path, 'rb') as stream:
        return not stream.read(1)
