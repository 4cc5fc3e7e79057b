"""Calibration: cameras that no camera is are refused where they enter."""
import numpy as np
import pytest

from common.errors import UserError
from kitti_data import calibration
from kitti_data.snippet_source import snippets


@pytest.mark.parametrize('fx', ['0', '-50', '1e20', 'nan', '1e-9'])
@pytest.mark.parametrize('place', [0, 4])
def test_a_camera_file_with_an_impossible_focal_length_is_refused(tmp_path, fx, place):
    numbers = ['50', '0.', '26', '0.', '40', '8', '0.', '0.', '1.']
    path = tmp_path / '000000_cam.txt'
    path.write_text(','.join(numbers))
    np.testing.assert_array_equal(calibration.read_camera_file(str(path)),
                                  [[50, 0, 26], [0, 40, 8], [0, 0, 1]])
    numbers[place] = fx
    path.write_text(','.join(numbers))
    with pytest.raises(UserError, match='000000_cam.txt: .*(must be from|must be 9 finite)'):
        calibration.read_camera_file(str(path))


def test_a_projection_with_an_impossible_focal_length_is_refused_with_its_line(tmp_path):
    path = tmp_path / 'calib.txt'
    path.write_text('P0: 0 0 6 0 0 7 2 0 0 0 1 0\n\nP2: 7 0 6 0 0 -7 2 0 0 0 1 0\n')
    calib = calibration.Calibration(str(path))
    with pytest.raises(UserError, match='calib.txt: line 1: P0: fx is 0 pixels'):
        calib.projection('P0')
    with pytest.raises(UserError, match='calib.txt: line 3: P2: fy is -7 pixels'):
        calib.projection('P2')


def test_intrinsics_of_a_flag_are_checked_too(synthetic_kitti):
    with pytest.raises(UserError, match='--intrinsics=0,80,60,20: fx is 0 pixels'):
        snippets(synthetic_kitti, 3, 16, 52, 9, intrinsics=(0, 80, 60, 20))


def test_what_is_written_for_training_is_read_back(tmp_path):
    camera = np.array([[100.0, 0, 52], [0, 80, 16], [0, 0, 1]])
    path = tmp_path / 'a_cam.txt'
    path.write_text(calibration.camera_text(camera, 0.5, 0.25))
    np.testing.assert_allclose(calibration.read_camera_file(str(path)),
                               [[50, 0, 26], [0, 20, 4], [0, 0, 1]])


def test_a_resized_image_keeps_its_edges_where_they_were():
    # The edges of an image of 200 x 100 pixels, as principal points.
    for before, after in ((-0.5, -0.5), (199.5, 49.5)):
        camera = np.array([[100.0, 0, before], [0, 100, before], [0, 0, 1]])
        found = calibration.resized(camera, 0.25, 0.25)
        np.testing.assert_allclose(found, [[25, 0, after], [0, 25, after], [0, 0, 1]])
    text = calibration.camera_text(camera, 0.25, 0.25, half_pixel_centers=True)
    assert text == '25.000000,0.,49.500000,0.,25.000000,49.500000,0.,0.,1.'


def test_a_camera_file_that_is_transposed_or_skewed_is_refused(tmp_path):
    path = str(tmp_path / 'x_cam.txt')
    for numbers in ('240,0,0,0,245,0,204,63,1', '240,3,204,0,245,63,0,0,1',
                    '240,0,204,0,245,63,0,0,2'):
        with open(path, 'w') as stream:
            stream.write(numbers)
        with pytest.raises(UserError, match='found .*, must be fx,0,cx,0,fy,cy,0,0,1'):
            calibration.read_camera_file(path)
