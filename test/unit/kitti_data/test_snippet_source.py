"""Snippets for flow come with their neighbours and their camera, wherever they are kept."""
import os
import shutil

import numpy as np
import pytest

from kitti_data.frame_source import sequence_frames
from kitti_data.images import read_rgb, resize, write_jpeg
from kitti_data.odometry import OdometrySequence
from kitti_data.snippet_source import snippets
from vo_common.errors import UserError


@pytest.fixture
def own_2015(synthetic_2015, tmp_path):
    """A copy of the KITTI 2015 folder that a test may damage."""
    return shutil.copytree(synthetic_2015, str(tmp_path / 'own 2015'))


def test_a_sequence_gives_windows_around_each_target(synthetic_kitti):
    source = snippets(synthetic_kitti, 5, 16, 52, 9, camera_needed=True)
    frames = list(sequence_frames(synthetic_kitti, 9).read(16, 52))
    found = list(source.read())
    assert len(source.numbers) == len(found) == 8
    assert [snippet.number for snippet in found] == list(range(2, 10))
    np.testing.assert_array_equal(found[3].frames, np.stack(frames[3:8]))
    np.testing.assert_array_equal(found[3].target, frames[5])
    np.testing.assert_array_equal(found[3].sources[..., 6:9], frames[6])
    half = np.diag([0.5, 0.5, 1]) @ OdometrySequence(synthetic_kitti, 9, 2).intrinsics
    np.testing.assert_allclose(found[3].intrinsics, half)
    assert found[3].size == (32, 104)


@pytest.mark.parametrize('inside', ['', 'training', 'training/image_2'])
def test_kitti_2015_gives_references_with_both_neighbours(synthetic_2015, inside):
    found = list(snippets(os.path.join(synthetic_2015, inside), 3, 24, 78,
                          camera_needed=True).read())
    assert [snippet.number for snippet in found] == [0, 1]
    for place, frame in enumerate((9, 10, 11)):
        path = os.path.join(synthetic_2015, 'training', 'image_2', '000001_%02d.png' % frame)
        np.testing.assert_array_equal(found[1].frames[place], resize(read_rgb(path), 24, 78))
    assert found[1].size == (48, 156)
    assert found[1].intrinsics[0, 2] == pytest.approx(39, abs=3)


def test_testing_is_known_and_a_snippet_never_crosses_scenes(own_2015):
    os.rename(os.path.join(own_2015, 'training'), os.path.join(own_2015, 'testing'))
    assert snippets(own_2015, 3, 24, 78).numbers == [0, 1]
    for scene in range(2):
        os.remove(os.path.join(own_2015, 'testing', 'image_2', '%06d_09.png' % scene))
    for path in ('', 'testing', 'testing/image_2'):
        with pytest.raises(UserError, match='000000_09.png.*multi-view extension'):
            snippets(os.path.join(own_2015, path), 3, 24, 78)


def test_kitti_2012_has_its_own_folders_and_calibration(own_2015, tmp_path):
    old, new = os.path.join(own_2015, 'training'), str(tmp_path / '2012' / 'training')
    os.makedirs(new)
    os.rename(os.path.join(old, 'image_2'), os.path.join(new, 'colored_0'))
    os.mkdir(os.path.join(new, 'calib'))
    for scene in range(2):
        with open(os.path.join(new, 'calib', '%06d.txt' % scene), 'w') as stream:
            stream.write('P0: 1 0 0 0 0 1 0 0 0 0 1 0\n'
                         'P2: 140 0 60 4 0 120 20 0 0 0 1 0\n')
    found = list(snippets(str(tmp_path / '2012'), 3, 24, 78, camera_needed=True).read())
    assert [snippet.number for snippet in found] == [0, 1]
    np.testing.assert_allclose(found[1].intrinsics, [[70, 0, 30], [0, 60, 10], [0, 0, 1]])
    with pytest.raises(UserError, match=r'--camera=0: .* must be that of colored_0 .--camera=2'):
        snippets(str(tmp_path / '2012'), 3, 24, 78, camera=0)


def test_a_step_leaves_out_frames_and_is_refused_where_the_snippets_are_given(
        synthetic_2015, synthetic_kitti):
    with pytest.raises(UserError, match='--frame_step=2: must be 1'):
        snippets(synthetic_2015, 3, 24, 78, frame_step=2)
    for length, step, found in ((13, 1, '12 frames'), (5, 3, '4 frames with --frame_step=3')):
        with pytest.raises(UserError, match='holds %s; a snippet needs %d' % (found, length)):
            snippets(synthetic_kitti, length, 16, 52, 9, frame_step=step)
    source = snippets(synthetic_kitti, 3, 16, 52, 9, frame_step=3)
    assert source.numbers == [3, 6]
    frames = list(sequence_frames(synthetic_kitti, 9).read(16, 52))
    np.testing.assert_array_equal(next(source.read()).frames, np.stack(frames[0:7:3]))


def test_the_calibration_is_asked_for_where_it_is_needed_alone(own_2015):
    shutil.rmtree(os.path.join(own_2015, 'training', 'calib_cam_to_cam'))
    assert len(snippets(own_2015, 3, 24, 78).numbers) == 2
    with pytest.raises(UserError, match='calibration.*000000.txt.*--intrinsics'):
        snippets(own_2015, 3, 24, 78, camera_needed=True)
    given = next(snippets(own_2015, 3, 24, 78, intrinsics=(100, 80, 60, 20),
                          camera_needed=True).read())
    np.testing.assert_allclose(given.intrinsics, [[50, 0, 30], [0, 40, 10], [0, 0, 1]])


@pytest.fixture
def strip(tmp_path):
    """A formatted set of one example of 3 frames of 104x32."""
    write_jpeg(str(tmp_path / '000007.jpg'), np.zeros((32, 104 * 3, 3), np.uint8))
    (tmp_path / '000007_cam.txt').write_text('50,0,52,0,50,16,0,0,1')
    return str(tmp_path)


def test_a_formatted_folder_of_another_size_is_refused_with_both_sizes(strip, tmp_path):
    found, = snippets(strip, 3, 32, 104).read()
    assert found.number == 7 and found.intrinsics[1, 2] == 16
    with pytest.raises(UserError, match='000007.jpg: is 32 high and 312 wide, must be 32 and 520'):
        list(snippets(strip, 5, 32, 104).read())
    (tmp_path / '000007_cam.txt').write_text('50,0,52,0,50,16,0,0')
    with pytest.raises(UserError, match='000007_cam.txt: found .*must be 9 finite numbers'):
        list(snippets(strip, 3, 32, 104).read())


def test_examples_whose_names_are_no_numbers_are_counted(tmp_path):
    for name in ('aachen_1', 'aachen_2'):
        write_jpeg(str(tmp_path / (name + '.jpg')), np.zeros((16, 48, 3), np.uint8))
        (tmp_path / (name + '_cam.txt')).write_text('50,0,8,0,50,8,0,0,1')
    assert [snippet.number for snippet in snippets(str(tmp_path), 3, 16, 16).read()] == [0, 1]


def test_shares_are_no_intrinsics(synthetic_kitti, synthetic_2015):
    for path, shown in ((synthetic_kitti, '60.32,61.44,51.5,15.5'),
                        (synthetic_2015, '90.48,92.16,77.5,23.5')):
        with pytest.raises(UserError, match='--intrinsics=0.58,1.92,0.5,0.5: .*fraction.*' + shown):
            snippets(path, 3, 16, 52, 9, intrinsics=(0.58, 1.92, 0.5, 0.5))


def test_formatted_principal_points_of_the_other_kind_are_refused_unless_others_are_given(strip):
    found, = snippets(strip, 3, 32, 104, intrinsics=(90, 80, 51, 15), camera_needed=True,
                      half_pixel_centers=True).read()
    np.testing.assert_allclose(found.intrinsics, [[90, 0, 51], [0, 80, 15], [0, 0, 1]])
    assert len(snippets(strip, 3, 32, 104, camera_needed=True).numbers) == 1
    assert len(snippets(strip, 3, 32, 104, half_pixel_centers=True).numbers) == 1  # not read
    with pytest.raises(UserError, match='without --half_pixel_centers, must be with it'):
        snippets(strip, 3, 32, 104, camera_needed=True, half_pixel_centers=True)


def test_a_camera_or_sequence_that_contradicts_the_snippets_is_refused(synthetic_2015, strip):
    scenes = os.path.join(synthetic_2015, 'training', 'image_3')
    assert snippets(scenes, 3, 16, 52, camera=3).folder == snippets(scenes, 3, 16, 52).folder
    for path, given in ((os.path.join(synthetic_2015, 'training', 'image_2'), dict(camera=3)),
                        (scenes, dict(camera=0)), (scenes, dict(sequence='7')),
                        (strip, dict(camera=3)), (strip, dict(sequence='7'))):
        (flag, value), = given.items()
        name = {'sequence': 'pose_test_seq'}.get(flag, flag)
        with pytest.raises(UserError, match='--%s=%s: .*%s' % (name, value, path)):
            snippets(path, 3, 32, 104, **given)
