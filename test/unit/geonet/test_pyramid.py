"""Area pyramids of any size and their flattened pixels."""
import numpy as np
import pytest

from geonet import pyramid
from geonet.frames import to_float, to_uint8
from published_helpers import run


def halved(height, width, num_scales):
    """[(height, width) of level s], each half the one before, rounded down."""
    return [(height >> scale, width >> scale) for scale in range(num_scales)]


def test_levels_equal_the_published_ones_for_indivisible_sizes(numbers):
    levels = run(pyramid.area_pyramid, numbers['in_sp_img'])
    for scale, level in enumerate(levels):
        np.testing.assert_allclose(level, numbers['out_scale_pyramid_%d' % scale], atol=1e-5)


@pytest.mark.parametrize('size', [(16, 24), (17, 30), (33, 21)])
def test_levels_are_integrals_over_their_areas(size):
    image = np.random.RandomState(0).standard_normal((2,) + size + (3,)).astype(np.float32)
    levels = run(pyramid.area_pyramid, image)
    # With every pixel repeated (new height, new width) times, areas are whole pixels.
    for level, (height, width) in zip(levels, halved(*size, num_scales=4)):
        fine = image.astype(np.float64).repeat(height, axis=1).repeat(width, axis=2)
        wanted = fine.reshape([2, height, size[0], width, size[1], 3]).mean(axis=(2, 4))
        np.testing.assert_allclose(level, wanted, atol=1e-5)


def test_images_convert_to_floats_and_back(numbers):
    floats = run(to_float, numbers['in_pp_uint8'])
    np.testing.assert_allclose(floats, numbers['out_preprocess_image'], atol=1e-6)
    np.testing.assert_array_equal(run(to_uint8, floats), numbers['out_deprocess_image'])


def test_half_pixel_centers_are_the_means_of_the_averaged_pixels():
    height, width = size = (16, 24)
    image = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)[np.newaxis]
    sizes = halved(*size, num_scales=4)
    means = run(lambda images: pyramid.flatten(pyramid.area_pyramid(images)),
                image.astype(np.float32))
    grid, factors = pyramid.full_image_grid(sizes, half_pixel_centers=True)
    np.testing.assert_allclose(grid, means[0], atol=1e-4)
    np.testing.assert_array_equal(factors[-1], [8, 8])


def test_half_pixel_centers_are_symmetric_for_indivisible_sizes():
    sizes = halved(17, 30, 4)
    grid, factors = pyramid.full_image_grid(sizes, half_pixel_centers=True)
    np.testing.assert_allclose(grid[-1] + grid[-(3 * 2)], [29, 16], atol=1e-5)
    np.testing.assert_allclose(factors[-1], [30 / 3, 17 / 2])
