"""Images: both models share one reader, which refuses unsuitable files by name."""
import os
import resource
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from kitti_data import depth_files, flow_files, images
from vo_common.errors import UserError


@pytest.fixture
def colour():
    return np.random.RandomState(0).randint(0, 256, (37, 61, 3)).astype(np.uint8)


@pytest.mark.parametrize('channels', [1, 3])
def test_png_files_are_read_back_as_three_channels_also_resized(colour, channels):
    images.write_png('a b.png', colour[..., 0] if channels == 1 else colour)
    found = images.read_rgb('a b.png')
    np.testing.assert_array_equal(found, colour[..., [0, 0, 0]] if channels == 1 else colour)
    assert images.image_size('a b.png') == (37, 61)
    resized, size = images.read_resized('a b.png', 16, 20)
    np.testing.assert_array_equal(resized, images.resize(found, 16, 20))
    assert size == (37, 61)


def test_resize_averages_when_it_shrinks():
    checkers = np.indices((64, 64)).sum(0) % 2 * 255
    small = images.resize(np.dstack([checkers] * 3).astype(np.uint8), 8, 8)
    assert np.abs(small[1:-1, 1:-1].astype(int) - 127).max() <= 2


def test_resize_refuses_other_shapes_and_types(colour):
    with pytest.raises(ValueError, match='float64'):
        images.resize(colour / 255.0, 8, 8)


def test_every_reader_ignores_exif_orientation_with_one_warning(colour, monkeypatch, capsys):
    monkeypatch.setattr(images, '_turned', [])
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by a quarter
    path, plain = 'phone.jpg', 'plain.jpg'
    Image.fromarray(colour).save(path, quality=95, exif=exif.tobytes())
    Image.fromarray(colour).save(plain, quality=95)
    np.testing.assert_array_equal(images.read_rgb(path), images.read_rgb(plain))
    np.testing.assert_array_equal(images.read_levels(path, 3), images.read_levels(plain, 3))
    np.testing.assert_array_equal(images.read_resized(path, 37, 61)[0], images.read_rgb(plain))
    assert images.image_size(path) == (37, 61) and images.read_format(path) == (37, 61, 3)
    said = capsys.readouterr().err
    assert said.count('warning') == 1 and 'phone.jpg: EXIF orientation 6 is not applied' in said


def png_header(width, height, depth=8, colour_type=2):
    """A PNG of a few bytes that calls itself so large."""
    chunks = []
    header = struct.pack('>IIBBBBB', width, height, depth, colour_type, 0, 0, 0)
    for kind, body in ((b'IHDR', header), (b'IDAT', zlib.compress(b'\0' * 100)),
                       (b'IEND', b'')):
        chunks.append(struct.pack('>I', len(body)) + kind + body
                      + struct.pack('>I', zlib.crc32(kind + body)))
    return b'\x89PNG\r\n\x1a\n' + b''.join(chunks)


LONG_CHUNK = png_header(8, 8).replace(struct.pack('>I', len(zlib.compress(b'\0' * 100))) + b'IDAT',
                                      b'\x7f\xff\xff\xffIDAT')


def read_levels(path):
    return images.read_levels(path, 3)


def read_flow(path):
    return images.read_16_bit(path, 3, 'flow')


@pytest.mark.parametrize('content, read, message', [
    *((png_header(60000, 60000), read, 'image.png: is 60000x60000 pixels, must be at most')
      for read in (images.read_rgb, images.read_format, read_levels, read_flow,
                   lambda path: images.read_resized(path, 8, 8))),
    # A few bytes that decode to 1.6 GB, and a chunk that is 2 GB long by its header.
    (png_header(16384, 16384, 16), read_flow, 'image.png: is 16384x16384 pixels'),
    (LONG_CHUNK, read_flow, 'cannot read .*image.png: '),
    (LONG_CHUNK, read_levels, 'cannot read .*image.png: ')])
def test_a_small_file_that_claims_much_memory_is_refused_and_takes_none(content, read, message):
    Path('image.png').write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError, match=message):
        read('image.png')
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50000


def test_sixteen_bit_files_are_refused_by_both_models():
    for pixels in (np.full((4, 5), 40000, np.uint16), np.full((4, 5, 3), 40000, np.uint16)):
        assert cv2.imwrite('deep.png', pixels)
        for read in (images.read_rgb, images.read_format, lambda one: images.read_levels(one, 1)):
            with pytest.raises(UserError, match='deep.png: has pixels of kind 16-bit'):
                read('deep.png')


@pytest.mark.parametrize('write', [images.write_png, images.write_jpeg, flow_files.write_flo,
                                   flow_files.write_kitti_flow, depth_files.write_depths])
def test_no_file_is_left_if_the_disk_is_full(write):
    """A file is written completely or not at all, whatever the free space."""
    content = np.random.RandomState(0).randint(0, 256, (40, 50, 3)).astype(np.uint8)
    if 'flow' in write.__module__:
        content = content[..., :2].astype(np.float32)
    write('whole', content)
    size = os.path.getsize('whole')
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for room in np.linspace(1, size - 1, 15).astype(int).tolist():
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
        try:
            with pytest.raises(UserError, match='cannot write .*short'):
                write('short', content)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert os.listdir() == ['whole']
