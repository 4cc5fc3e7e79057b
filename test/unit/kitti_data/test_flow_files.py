"""Flow files keep what was written, in the published bytes; broken ones are reported."""
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

import published
from kitti_data import flow_files
from vo_common.errors import UserError

ARRAYS = published.arrays('numpy_flow')


def test_flo_files_have_the_published_bytes_and_are_read_back():
    flow_files.write_flo('a.flo', ARRAYS['flow_pred'])
    crc = '%08x' % zlib.crc32(Path('a.flo').read_bytes())
    assert crc == published.scalars('numpy_flow')['flow']['flo_bytes_crc']
    np.testing.assert_array_equal(flow_files.read_flo('a.flo'), ARRAYS['flo_read'])


def test_kitti_png_files_have_the_published_pixels_and_are_read_back():
    flow_files.write_kitti_flow('a.png', ARRAYS['flow_pred'], ARRAYS['flow_mask'])
    np.testing.assert_array_equal(cv2.imread('a.png', cv2.IMREAD_UNCHANGED),
                                  ARRAYS['kitti_png_raw_bgr'])
    flow, valid = flow_files.read_kitti_flow('a.png')
    mask = ARRAYS['flow_mask'] > 0
    np.testing.assert_array_equal(valid, mask)
    np.testing.assert_array_equal(flow[mask], ARRAYS['kitti_png_read'][mask][:, :2])
    assert not flow[~mask].any()


def test_kitti_png_marks_values_out_of_range_as_invalid():
    flow = np.zeros((1, 4, 2))
    flow[0, :, 0] = (1, np.nan, 512, -512.1)
    flow_files.write_kitti_flow('a.png', flow)
    read, valid = flow_files.read_kitti_flow('a.png')
    assert valid[0].tolist() == [True, False, False, False]
    assert read[0, :, 0].tolist() == [1, 0, 0, 0]


def test_colours_are_the_published_ones():
    np.testing.assert_array_equal(flow_files.colour_wheel(), ARRAYS['color_wheel'])
    np.testing.assert_array_equal(flow_files.flow_to_colour(ARRAYS['flow_pred']),
                                  ARRAYS['flow_to_image'])


def test_unknown_flow_is_black_and_still_is_white():
    flow = np.zeros((1, 4, 2))
    flow[0, :, 0] = (2, np.nan, 1e9, 0)
    colour = flow_files.flow_to_colour(flow)
    assert colour[0, 1:].tolist() == [[0, 0, 0], [0, 0, 0], [255, 255, 255]]
    assert colour[0, 0].max() == 255 and colour[0, 0].min() == 0


def test_resize_is_the_published_one():
    for width, height in ((50, 25), (13, 7)):
        np.testing.assert_allclose(
            flow_files.resize_flow(ARRAYS['flow_pred'], height, width),
            ARRAYS['resize_flow_%dx%d' % (width, height)], atol=1e-5)


@pytest.mark.parametrize('bilinear', [False, True])
def test_resize_turns_a_constant_flow_into_new_pixels(bilinear):
    resized = flow_files.resize_flow(np.full((4, 6, 2), 3.0), 8, 18, bilinear)
    assert resized.shape == (8, 18, 2)
    np.testing.assert_allclose(resized[..., 0], 9)
    np.testing.assert_allclose(resized[..., 1], 6)


def test_a_picture_is_no_flow():
    cv2.imwrite('a.png', np.zeros((3, 4, 3), np.uint8))
    with pytest.raises(UserError, match='a.png: .*16-bit'):
        flow_files.read_kitti_flow('a.png')


def test_exchanged_red_and_blue_are_an_error():
    """What OpenCV writes of an array u, v, valid."""
    image = np.full((4, 5, 3), 2 ** 15 + 64, np.uint16)
    image[..., 2] = 1
    cv2.imwrite('right.png', image[..., ::-1])
    np.testing.assert_array_equal(flow_files.read_kitti_flow('right.png')[0], 1)
    cv2.imwrite('wrong.png', image)
    with pytest.raises(UserError, match='wrong.png: red, .* is 0 or 1 everywhere, and blue, .*, is '
                                        'up to 32832: red and blue are exchanged'):
        flow_files.read_kitti_flow('wrong.png')
