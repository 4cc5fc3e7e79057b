"""Calibration: implausible cameras are refused where they are read."""
from pathlib import Path

import numpy as np
import pytest

from kitti_data import calibration
from kitti_data.odometry import OdometrySequence
from kitti_folders import write_sequence
from vo_common.errors import UserError

NUMBERS = r'.*must be 9 finite'
FORM = ' found .*, must be fx,0,cx,0,fy,cy,0,0,1'


def matrix(fx, fy, cx, cy):
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])


@pytest.mark.parametrize('text, message', [
    ('0,0.,26,0.,40,8,0.,0.,1.', ' fx is 0 pixels, must be from'),
    ('50,0.,26,0.,-50,8,0.,0.,1.', ' fy is -50 pixels, must be from'),
    ('1e20,0.,26,0.,40,8,0.,0.,1.', ' fx is 1e.20 pixels, must be from'),
    ('50,0.,26,0.,1e-9,8,0.,0.,1.', ' fy is 1e-09 pixels, must be from'),
    ('50,0.,26,0.,nan,8,0.,0.,1.', NUMBERS), ('50,0.,26,0.,40,8,0.,0.', NUMBERS),
    ('240,0,0,0,245,0,204,63,1', FORM), ('240,3,204,0,245,63,0,0,1', FORM),
    ('240,0,204,0,245,63,0,0,2', FORM)])
def test_a_camera_file_that_holds_no_camera_is_refused(text, message):
    Path('x_cam.txt').write_text(text)
    with pytest.raises(UserError, match='x_cam.txt:' + message):
        calibration.read_camera_file('x_cam.txt')


def test_camera_files_are_read_back():
    Path('a_cam.txt').write_text(calibration.camera_text(calibration.resized(
        matrix(100.0, 80, 52, 16), (8, 8), (2, 4), half_pixel_centers=False)))
    np.testing.assert_allclose(calibration.read_camera_file('a_cam.txt'), matrix(50, 20, 26, 4))


def test_a_projection_with_an_impossible_focal_length_is_refused_with_its_line():
    Path('calib.txt').write_text('P0: 0 0 6 0 0 7 2 0 0 0 1 0\n\nP2: 7 0 6 0 0 -7 2 0 0 0 1 0\n')
    calib = calibration.Calibration('calib.txt')
    with pytest.raises(UserError, match='calib.txt: line 1: P0: fx is 0 pixels'):
        calib.projection('P0')
    with pytest.raises(UserError, match='calib.txt: line 3: P2: fy is -7 pixels'):
        calib.projection('P2')


def test_resizing_keeps_the_edges_of_the_image():
    # The edges of an image of 200 x 100 pixels, as principal points.
    for before, after in ((-0.5, -0.5), (199.5, 49.5)):
        camera = matrix(100.0, 100, before, before)
        found = calibration.resized(camera, (100, 200), (25, 50))
        np.testing.assert_allclose(found, matrix(25, 25, after, after))
    text = calibration.camera_text(found)
    assert text == '25.000000,0.,49.500000,0.,25.000000,49.500000,0.,0.,1.'


@pytest.mark.parametrize('camera, message', [
    ((0.58, 1.92, 0.5, 0.5), r'fractions .* only --canonical_camera accepts; must be in pixels, '
                             r'for images of 208x64: 120.64,122.88,103.5,31.5'),
    ((120, 122, 208, 31), 'the principal point 208, 31 is outside the images, must be within'),
    ((120, 122, 103, -1), 'the principal point 103, -1 is outside'),
    ((240, 245, 207, 63), r'is that of images of about 415x127 pixels, must be that of 208x64'),
    ((60, 61, 51, 15), 'is that of images of about 103x31 pixels'),
    ((51, 122, 103, 31), 'fx is 51 pixels, must be from 52 to 2080 for images of 208x64'),
    ((120, 15, 103, 31), 'fy is 15 pixels, must be from 16 to 2080'),
    ((2081, 122, 103, 31), 'fx is 2081 pixels')])
def test_an_implausible_camera_for_the_images_is_refused(camera, message):
    with pytest.raises(UserError, match='^here: .*' + message):
        calibration.check_camera(matrix(*camera), 'here', (64, 208))


@pytest.mark.parametrize('camera', [(120, 122, 103, 31), (52, 16, 0, 63), (2080, 2080, 180, 20)])
def test_cameras_of_cropped_or_long_images_are_accepted(camera):
    calibration.check_camera(matrix(*camera), 'here', (64, 208))


def test_a_calibration_is_scaled_to_downsized_images_with_one_warning(capsys):
    Path('calib_cam_to_cam.txt').write_text(
        'S_rect_02: 2.08e2 64\nP_rect_02: 120 0 103.5 60 0 122 31.5 0 0 0 1 0\n')
    calib = calibration.Calibration('calib_cam_to_cam.txt')
    for _ in range(2):
        found = calib.projection('P_rect_02', (32, 52))
    # The principal point is in the middle of the images before and after.
    np.testing.assert_allclose(found, [[30, 0, 25.5, 15], [0, 61, 15.5, 0], [0, 0, 1, 0]])
    said = capsys.readouterr().err
    assert said.count('cam_to_cam.txt: is for images of 208x64 pixels, but these are 52x32') == 1
    calib.projection('P_rect_02', (64, 208))
    assert not capsys.readouterr().err


@pytest.mark.parametrize('size', ['0 64', '1e9 1e9', '208'])
def test_a_calibration_with_an_invalid_image_size_is_refused(size):
    Path('calib_cam_to_cam.txt').write_text(
        'P_rect_02: 120 0 103.5 60 0 122 31.5 0 0 0 1 0\nS_rect_02: %s\n' % size)
    with pytest.raises(UserError, match='calib_cam_to_cam.txt: line 2: S_rect_02 is '):
        calibration.Calibration('calib_cam_to_cam.txt').projection('P_rect_02', (64, 208))


def test_odometry_images_of_half_size_have_half_of_kittis_focal_length():
    """The tracking benchmark's file: two keys without a colon, and a key that nothing reads."""
    write_sequence(Path(), '00', [np.zeros((187, 621, 3), np.uint8)], calib=(
        'P2: 721.5377 0 609.5593 44.9 0 721.5377 172.854 0.2 0 0 1 0.003\n'
        'R_rect 1 0 0 0 1 0 0 0 1\nTr_velo_cam 0 -1 0 0 0 0 -1 0 1 0 0 0\n\n!! 5\n'))
    sequence = OdometrySequence('.', 0, 2)
    np.testing.assert_allclose(sequence.intrinsics[[0, 1], [0, 1]],
                               [721.5377 / 2, 721.5377 * 187 / 375])
    np.testing.assert_allclose(sequence.calibration.matrix('R_rect', (3, 3)), np.eye(3))
