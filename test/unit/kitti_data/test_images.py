import numpy as np
import pytest
from PIL import Image

from common.errors import UserError
from kitti_data import images


@pytest.fixture
def colour():
    return np.random.RandomState(0).randint(0, 256, (37, 61, 3)).astype(np.uint8)


def test_png_files_come_back_unchanged(tmp_path, colour):
    path = str(tmp_path / 'a b.png')
    images.write_png(path, colour)
    np.testing.assert_array_equal(images.read_rgb(path), colour)
    assert images.image_size(path) == (37, 61)


def test_gray_files_are_read_as_three_equal_channels(tmp_path, colour):
    path = str(tmp_path / 'gray.png')
    images.write_png(path, colour[..., 0])
    image = images.read_rgb(path)
    assert image.shape == (37, 61, 3)
    for channel in range(3):
        np.testing.assert_array_equal(image[..., channel], colour[..., 0])


@pytest.mark.parametrize('channels', [1, 3])
def test_reading_resized_equals_reading_then_resizing(tmp_path, colour, channels):
    path = str(tmp_path / 'image.png')
    images.write_png(path, colour[..., 0] if channels == 1 else colour)
    resized, size = images.read_resized(path, 16, 20)
    np.testing.assert_array_equal(resized, images.resize(images.read_rgb(path), 16, 20))
    assert size == (37, 61)


def test_resize_averages_when_it_shrinks():
    checkers = np.indices((64, 64)).sum(0) % 2 * 255
    small = images.resize(np.dstack([checkers] * 3).astype(np.uint8), 8, 8)
    assert np.abs(small[1:-1, 1:-1].astype(int) - 127).max() <= 2


def test_resize_to_the_same_size_changes_nothing(colour):
    np.testing.assert_array_equal(images.resize(colour, 37, 61), colour)


def test_resize_refuses_other_shapes_and_types(colour):
    with pytest.raises(ValueError, match='float64'):
        images.resize(colour / 255.0, 8, 8)


@pytest.mark.parametrize('extension,keep',
                         [('png', 0.5), ('jpg', 0.5), ('png', 0.0), ('png', 0.99)])
def test_truncated_files_are_named(tmp_path, colour, extension, keep):
    path = tmp_path / ('broken.' + extension)
    Image.fromarray(colour).save(str(path))
    content = path.read_bytes()
    path.write_bytes(content[:int(len(content) * keep)])
    with pytest.raises(UserError, match=r'broken\.' + extension):
        images.read_rgb(str(path))


def test_sixteen_bit_files_are_refused_not_clipped(tmp_path):
    path = str(tmp_path / 'flow.png')
    images.write_png(path, np.full((4, 5), 40000, np.uint16))
    with pytest.raises(UserError, match='flow.png.*8-bit'):
        images.read_rgb(path)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(UserError, match='none.png does not exist'):
        images.read_rgb(str(tmp_path / 'none.png'))
