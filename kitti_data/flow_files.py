"""Optical flow files: Middlebury .flo, KITTI's 16-bit PNG, colour pictures.

A flow is <float32>[H, W, 2] in pixels, u (right) first, then v (down): the pixel (x, y) of the
first image is seen at (x + u, y + v) in the second.
"""
import os

import numpy as np

from kitti_data.images import MAX_PIXELS_OF_16_BITS, read_16_bit, write_png
from vo_common.errors import UserError
from vo_common.files import atomic_write, reading, require_file
from vo_common.opencv import cv2

FLOW_FILE = 'flow.json'  # Names the images of the predictions in its folder.
_FLO_MAGIC = np.float32(202021.25)
_FLO_HEADER = 12  # bytes: magic, width, height
_KITTI_ZERO = 2 ** 15
_KITTI_STEPS_PER_PIXEL = 64.0
_UNKNOWN = 1e7  # pixels; Middlebury marks unknown flow by larger values
# Transitions of the colour wheel, (number of steps, first colour), as in the Middlebury flow code:
# red -> yellow -> green -> cyan -> blue -> magenta -> red.
_WHEEL = ((15, (255, 0, 0)), (6, (255, 255, 0)), (4, (0, 255, 0)), (11, (0, 255, 255)),
          (13, (0, 0, 255)), (6, (255, 0, 255)))


def write_flo(path, flow):
    """Writes `flow` [H, W, 2] to `path` atomically in Middlebury's format, as float32."""
    flow = _checked_flow(flow)
    with atomic_write(path, 'wb') as stream:
        stream.write(_FLO_MAGIC.astype('<f4').tobytes())
        stream.write(np.array([flow.shape[1], flow.shape[0]], '<i4').tobytes())
        stream.write(np.ascontiguousarray(flow, '<f4').tobytes())


def read_flo(path):
    """Reads a flow <float32>[H, W, 2] from the .flo file `path`.

    Raises a UserError if the file is missing, not a .flo file, or not as long as its header says.
    """
    path = require_file(path, 'flow file')
    with reading(path, 'flow file'), open(path, 'rb') as stream:
        header = stream.read(_FLO_HEADER)
        if len(header) < _FLO_HEADER or np.frombuffer(header, '<f4', 1)[0] != _FLO_MAGIC:
            raise UserError('flow file %s: does not begin with %s, must be a .flo file' % (
                path, _FLO_MAGIC))
        width, height = (int(size) for size in np.frombuffer(header, '<i4', 2, offset=4))
        announced, found = _FLO_HEADER + 8 * width * height, os.path.getsize(path)
        if min(width, height) < 1 or found != announced:
            raise UserError('flow file %s: has %d bytes, must have %d for the %d x %d pixels in '
                            'its header' % (path, found, announced, width, height))
        if width * height > MAX_PIXELS_OF_16_BITS:
            raise UserError('flow file %s: is %dx%d pixels, must be at most %d pixels' % (
                path, width, height, MAX_PIXELS_OF_16_BITS))
        flow = np.frombuffer(stream.read(), '<f4').reshape(height, width, 2)
    return flow.astype(np.float32)


def write_kitti_flow(path, flow, valid=None):
    """Writes `flow` [H, W, 2] atomically as a 16-bit PNG of KITTI.

    Red is u * 64 + 2^15, green v * 64 + 2^15, blue the valid mask. Values are rounded down to 1/64
    pixel, as by KITTI's own writer. Not valid are pixels where `valid` <bool or number>[H, W] is
    false, and those whose flow is not finite or exceeds +-512 pixels, the range of the format.
    """
    with np.errstate(invalid='ignore'):
        levels = np.floor(_planes(flow) * _KITTI_STEPS_PER_PIXEL + _KITTI_ZERO)
        fits = ((levels >= 0) & (levels <= 2 ** 16 - 1)).all(axis=0)
    known = fits if valid is None else fits & (np.asarray(valid) > 0)
    u, v = np.where(fits, levels, 0).astype(np.uint16)
    write_png(path, np.dstack([u, v, known.astype(np.uint16)]))


def read_kitti_flow(path):
    """Reads KITTI's 16-bit flow PNG: (<float32>[H, W, 2], 0 where not valid; valid <bool>[H, W]).

    Raises a UserError unless it is an intact 16-bit colour PNG, without red and blue exchanged.
    """
    image = read_16_bit(path, 3, 'flow image')
    if image[..., 0].max() <= 1 < image[..., 2].max():
        raise UserError('flow image %s: red, which holds u, is 0 or 1 everywhere, and blue, the '
                        'mask of 0 and 1, is up to %d: red and blue are exchanged (OpenCV writes '
                        'channels in the order blue, green, red: valid, v, u)' % (
                            path, image[..., 2].max()))
    valid = image[..., 2] > 0
    flow = (image[..., :2].astype(np.float32) - _KITTI_ZERO) / _KITTI_STEPS_PER_PIXEL
    return flow * valid[..., None], valid


def resize_flow(flow, height, width, bilinear=False):
    """Resizes `flow` [H, W, 2] to <float32>[height, width, 2], in new pixels.

    The default, nearest-neighbour, keeps motion boundaries sharp, as in the published evaluation.
    """
    flow = np.asarray(_checked_flow(flow), np.float32)
    ratio = np.array([width / flow.shape[1], height / flow.shape[0]], np.float32)
    method = cv2.INTER_LINEAR if bilinear else cv2.INTER_NEAREST
    return cv2.resize(flow, (width, height), interpolation=method) * ratio


def colour_wheel():
    """The 55 colours <float64>[55, 3] of the Middlebury flow wheel, RGB 0..255, from red."""
    colours = []
    for index, (steps, start) in enumerate(_WHEEL):
        end = np.array(_WHEEL[(index + 1) % len(_WHEEL)][1], np.float64)
        share = np.floor(255 * np.arange(steps) / steps)[:, None]
        colours.append(np.where(end > start, share, np.where(end < start, 255 - share, start)))
    return np.concatenate(colours)


def flow_to_colour(flow, max_length=None):
    """Colours a flow <uint8>[H, W, 3], RGB: hue is direction, saturation is length.

    Args:
      flow: <float>[H, W, 2], pixels; NaN or huge values (Middlebury's unknown) become black.
      max_length: length in pixels at full saturation, the same for flows to be compared; None: the
        maximum of this flow.
    """
    planes = _planes(flow)
    with np.errstate(invalid='ignore'):
        known = (np.abs(planes) <= _UNKNOWN).all(axis=0)
    planes[:, ~known] = 0
    if max_length is None:
        max_length = np.sqrt((planes ** 2).sum(axis=0)).max()
    planes /= max_length + np.finfo(np.float64).eps
    length = np.sqrt((planes ** 2).sum(axis=0))
    wheel = colour_wheel() / 255
    place = (np.arctan2(-planes[1], -planes[0]) / np.pi + 1) / 2 * (len(wheel) - 1)
    before = place.astype(int)
    share, after = place - before, (before + 1) % len(wheel)
    channels = []
    for levels in wheel.T:
        hue = (1 - share) * levels[before] + share * levels[after]
        # With rounding, the longest flow may slightly exceed 1.
        channels.append(255 * known * np.where(
            length <= 1 + 1e-6, 1 - np.minimum(length, 1) * (1 - hue), 0.75 * hue))
    return np.dstack([channel.astype(np.uint8) for channel in channels])


def _planes(flow):
    """<float64>[2, H, W], u and v of a flow [H, W, 2]; faster to compute with."""
    return np.array(np.moveaxis(_checked_flow(flow), 2, 0), np.float64, order='C')


def _checked_flow(flow):
    flow = np.asarray(flow)
    if flow.ndim != 3 or flow.shape[2] != 2 or 0 in flow.shape:
        raise ValueError('a flow has shape [H, W, 2], found %s' % (flow.shape,))
    return flow
