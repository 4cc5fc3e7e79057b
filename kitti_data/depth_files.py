"""Depth files: .npy, float32 [n, H, W], for all images of a test, and KITTI's 16-bit PNGs."""
import os

import numpy as np

from kitti_data.images import read_16_bit, write_png
from vo_common.errors import UserError
from vo_common.files import atomic_stream, reading, require_file

_STEPS_PER_METRE = 256.0
_MOST_STEPS = 2 ** 16 - 1


def write_depths(path, depths):
    """Writes n depth maps <float>[H, W] of equal size as float32 [n, H, W], atomically."""
    header = {'descr': '<f4', 'fortran_order': False, 'shape': (len(depths),) + depths[0].shape}
    with atomic_stream(path) as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        # np.save writes in C code, which does not report a full disk.
        for depth in depths:
            stream.write(np.ascontiguousarray(depth, '<f4').tobytes())


def read_depths(path):
    """Memory-maps the depth <float>[n, H, W] in the .npy file `path`.

    Raises a UserError if the file is missing or broken, or has another shape or dtype.
    """
    path = require_file(path, 'predictions (--pred_file)',
                        '--mode=test_depth writes all depth maps to one .npy file')
    if not path.endswith('.npy'):
        raise UserError('--pred_file=%s: must be a .npy file of float32 [n, H, W], all images in '
                        'the order of the list (geonet/main.py --mode=test_depth writes it)' % path)
    with reading(path, '.npy file'):
        depths = np.load(path, mmap_mode='r', allow_pickle=False)
        if not 0 < depths.nbytes <= os.path.getsize(path):
            raise UserError('.npy file %s: is too short for %s, the shape in its header' % (
                path, depths.shape))
    if depths.dtype.kind != 'f' or depths.ndim not in (3, 4) or depths.shape[3:] not in ((), (1,)):
        raise UserError('.npy file %s: found %s %s, must be float32 [n, H, W]' % (
            path, depths.dtype, depths.shape))
    return depths.reshape(depths.shape[:3])


def write_kitti_depth(path, depth):
    """Writes `depth` <float>[H, W], metres, atomically as a 16-bit depth PNG of KITTI.

    The file holds 256 times the metres, 0 where the depth is unknown or outside of the format's
    range, 1/256 to 255.996 m. Returns the fraction of the pixels that are written as unknown.
    """
    with np.errstate(invalid='ignore'):
        steps = np.rint(np.asarray(depth, np.float64) * _STEPS_PER_METRE)
        known = (steps >= 1) & (steps <= _MOST_STEPS)
    write_png(path, np.where(known, steps, 0).astype(np.uint16))
    return 1 - known.mean()


def exact_depth_path(folder, number):
    """Path of the exact depth of a frame in the `folder` of a rendered odometry sequence."""
    return os.path.join(folder, 'depth', '%06d.png' % number)


def laser_depth_path(root, name):
    """Path of the laser depth of a sequence in the odometry folder `root`."""
    return os.path.join(root, 'depth', name + '.npz')


def read_laser_depth(path):
    """The laser depth in a .npz file, {frame number: <float>[H, W] metres, 0 where unknown}.

    Raises a UserError if the file is broken, a key is no frame number, or an array no depth map.
    """
    with reading(path, 'laser depth'), np.load(path) as scans:
        depths = {int(number): scans[number] for number in scans.files}
        for number, depth in depths.items():
            if depth.ndim != 2 or depth.dtype.kind != 'f':
                raise UserError('laser depth %s: frame %d: found %s %s, must be float [H, W]' % (
                    path, number, depth.dtype, depth.shape))
    return depths


def read_kitti_depth(path):
    """Reads a 16-bit depth PNG of KITTI: <float64>[H, W] metres, 0 where unknown.

    Raises a UserError if the file is missing or broken, or not a 16-bit gray PNG.
    """
    return read_16_bit(path, 1, 'depth image') / _STEPS_PER_METRE
