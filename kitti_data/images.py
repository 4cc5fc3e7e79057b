"""Reads, resizes and writes images, in the same way for preparation, training and prediction.

Pixels are used as stored: EXIF orientation is not applied, because calibration and ground truth
refer to the stored pixels.
"""
import contextlib
import os
import typing

import numpy as np
from PIL import Image, UnidentifiedImageError

from vo_common.console import warn
from vo_common.errors import UserError
from vo_common.files import atomic_write, reading, require_file
from vo_common.opencv import cv2
from vo_common.parallel import parallel_map

# A header of a few bytes can request any amount of memory. KITTI's images have 2^19 pixels.
MAX_PIXELS = 2 ** 26
MAX_PIXELS_OF_16_BITS = 2 ** 24
Image.MAX_IMAGE_PIXELS = None  # Pillow's own check only warns up to twice the limit.

_FORMATS = ('PNG', 'JPEG')
_ORIENTATION = 0x0112
_AS_STORED = 1
_GRAY, _COLOUR = ('L', '1'), ('RGB', 'RGBA', 'P', 'LA')
_turned = []  # The first file with an EXIF orientation, to warn only once.


class FrameFormat(typing.NamedTuple):
    """Format of an image file: height and width in pixels, channels 1 (gray) or 3."""
    height: int
    width: int
    channels: int


def read_rgb(path):
    """The image file `path` as uint8 [H, W, 3]; gray becomes three equal channels.

    Raises a UserError unless the file is an intact PNG or JPEG of 8 bits a channel, not too large.
    """
    return np.array(_load(path).convert('RGB'))


def read_resized(path, height, width):
    """(`resize(read_rgb(path), height, width)`, (H, W) of the file); faster for gray files."""
    image = _load(path)
    resized = image.resize((width, height), Image.BILINEAR)
    return np.array(resized.convert('RGB')), (image.height, image.width)


def read_levels(path, channels):
    """The image file `path` as OpenCV reads it: uint8 [H, W] for 1 channel, [H, W, 3] BGR for 3.

    Raises the errors of `read_rgb`.
    """
    read_format(path, verify=True)
    mode = cv2.IMREAD_GRAYSCALE if channels == 1 else cv2.IMREAD_COLOR
    return _decode(path, mode | cv2.IMREAD_IGNORE_ORIENTATION, 'image')


def read_16_bit(path, channels, what):
    """The 16-bit PNG file `path`: uint16 [H, W] for 1 channel, [H, W, 3] RGB for 3.

    Raises a UserError if the file is missing, broken, too large, or has other pixels.
    """
    with _opened(path, what, MAX_PIXELS_OF_16_BITS) as image:
        image.verify()  # OpenCV would allocate the length given in a chunk, up to 4 GB.
    pixels = _decode(path, cv2.IMREAD_UNCHANGED, what)
    if pixels.dtype != np.uint16 or pixels.shape[2:] != ((3,) if channels == 3 else ()):
        raise UserError('%s %s: found %s %s, must be a 16-bit %s PNG' % (
            what, path, pixels.dtype, list(pixels.shape), 'colour' if channels == 3 else 'gray'))
    return pixels[..., ::-1] if channels == 3 else pixels


def read_format(path, verify=False):
    """The `FrameFormat` in the header of an image file, which is not decoded.

    Raises the errors of `read_rgb` that the header shows; with `verify`, also those that the
    lengths and checksums of a PNG's chunks show.
    """
    with _opened(path) as image:
        found = _format(image, path)
        if verify:
            image.verify()
    return found


def image_size(path):
    """(height, width) of an image file, see `read_format`."""
    return read_format(path)[:2]


def size_of_first(paths):
    """(height, width) of the first readable image file; raises the last file's error if none is."""
    for path in paths[:-1]:
        try:
            return image_size(path)
        except UserError:
            continue
    return image_size(paths[-1])


def check_headers(paths):
    """The `image_size` of every file, in parallel: finds unsuitable files before a long run."""
    return parallel_map(image_size, paths, desc='checking images', unit='image')


def resize(image, height, width):
    """Antialiased bilinear resize (Pillow's BILINEAR) of uint8 [H, W, 3] to [height, width, 3]."""
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError('image must be uint8 [H, W, 3], got %s %s' % (image.dtype, image.shape))
    return np.array(Image.fromarray(image).resize((width, height), Image.BILINEAR))


def write_png(path, image):
    """Writes uint8 or uint16 [H, W] or [H, W, 3], RGB, as a PNG file, atomically.

    OpenCV takes a sixth of the time of Pillow, for files a fifth larger.
    """
    pixels = cv2.imencode('.png', image[..., ::-1] if image.ndim == 3 else image)[1]
    with atomic_write(path, 'wb') as stream:
        stream.write(pixels.tobytes())


def write_jpeg(path, image, quality=95):
    """Writes uint8 [H, W, 3] as a JPEG file, atomically."""
    with atomic_write(path, 'wb') as stream:
        Image.fromarray(image).save(stream, 'JPEG', quality=quality)


@contextlib.contextmanager
def _opened(path, what='image', max_pixels=MAX_PIXELS):
    """Yields the Pillow image of a file, with its header read and its size checked."""
    path = require_file(path, what)
    with reading(path, what):
        if not os.path.getsize(path):
            raise UserError('cannot read %s %s: it is empty' % (what, path))
        try:
            image = Image.open(path, formats=_FORMATS)
        except UnidentifiedImageError as error:
            raise UserError('cannot read %s %s: it is not a PNG or JPEG file' % (
                what, path)) from error
        with image:
            if image.width * image.height > max_pixels:
                raise UserError('%s %s: is %dx%d pixels, must be at most %d pixels (make it '
                                'smaller)' % (what, path, image.width, image.height, max_pixels))
            yield image


def _load(path):
    """A decoded Pillow image of mode L or RGB."""
    with _opened(path) as image:
        _format(image, path)
        image.load()
    return image if image.mode in ('L', 'RGB') else image.convert('RGB')


def _format(image, path):
    """The `FrameFormat` of an open image; a UserError unless it has 8 bits per channel."""
    stored = image.tile[0][3] if image.tile else ''
    if image.mode not in _GRAY + _COLOUR or '16' in str(stored):
        raise UserError('image %s: has pixels of kind %s, must be 8-bit gray or colour' % (
            path, '16-bit ' + image.mode if '16' in str(stored) else image.mode))
    _warn_if_turned(image, path)
    return FrameFormat(image.height, image.width, 1 if image.mode in _GRAY else 3)


def _warn_if_turned(image, path):
    if _turned or image.format == 'PNG' and 'exif' not in image.info:
        return  # Pillow would decode the whole PNG to find EXIF at its end.
    orientation = _AS_STORED
    with contextlib.suppress(Exception):  # An image with broken EXIF is still readable.
        orientation = image.getexif().get(_ORIENTATION, _AS_STORED)
    if orientation != _AS_STORED:
        _turned.append(path)
        warn('%s: EXIF orientation %s is not applied, pixels are used as stored; the same holds '
             'for all other images (rotate the files if that is wrong)' % (path, orientation))


def _decode(path, mode, what):
    with reading(path, what), open(path, 'rb') as stream:
        pixels = cv2.imdecode(np.frombuffer(stream.read(), np.uint8), mode)
    if pixels is None:
        raise UserError('cannot read %s %s: it cannot be decoded' % (what, path))
    return pixels
