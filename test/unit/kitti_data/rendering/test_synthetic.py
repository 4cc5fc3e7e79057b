"""Synthetic sequences on disk are KITTI odometry sequences, and the truth of their pictures."""
import os

import numpy as np
import pytest

from kitti_data import images
from kitti_data.rendering import synthetic
from kitti_data.rendering import scene as synthetic_scene
from kitti_data.odometry import OdometrySequence, sequence_names
from kitti_data.rendering.scene import Scene, load_scene
from vo_common.errors import UserError


@pytest.fixture(scope='module')
def written(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp('with space') / 'set')
    return folder, synthetic.synthetic_dataset(
        folder, sequences=('00', 9), num_frames=3, img_height=32, img_width=104, cameras=(0, 2))


def test_the_layout_is_read_as_kitti(written):
    folder, scenes = written
    assert sequence_names(folder) == ['00', '09']
    for scene in scenes:
        sequence = OdometrySequence(folder, scene.name, camera=2)
        assert sequence.frame_numbers.tolist() == [0, 1, 2]
        np.testing.assert_allclose(sequence.times, [0, 0.1, 0.2])
        np.testing.assert_allclose(sequence.poses, scene.poses, atol=1e-8)
        np.testing.assert_allclose(sequence.intrinsics, scene.intrinsics, rtol=1e-10)
        np.testing.assert_array_equal(sequence.poses[0], np.eye(4))


def test_poses_are_those_of_the_rendering_cameras(written):
    folder, scenes = written
    for scene in scenes:
        cameras = np.stack([scene.cam_to_world(frame) for frame in range(3)])
        relative = np.linalg.inv(cameras[0]) @ cameras
        np.testing.assert_allclose(OdometrySequence(folder, scene.name, 2).poses, relative,
                                   atol=1e-8)


def test_pictures_are_those_of_the_scene_in_colour_and_gray(written):
    folder, scenes = written
    colour = images.read_rgb(OdometrySequence(folder, '00', 2).image_paths[1])
    np.testing.assert_array_equal(colour, scenes[0].image(1))
    gray = images.read_rgb(OdometrySequence(folder, '00', 0).image_paths[1])
    assert (gray[..., 0] == gray[..., 2]).all()
    luma = colour @ [0.299, 0.587, 0.114]
    assert np.abs(gray[..., 0] - luma).max() <= 1


def test_the_folder_gives_back_its_scene(written):
    folder, scenes = written
    assert load_scene(os.path.join(folder, 'sequences', '09')) == scenes[1]


def test_sequences_differ_and_do_not_depend_on_each_other(written, tmp_path):
    folder, scenes = written
    for cached in (synthetic_scene._drive, synthetic_scene._world):
        cached.cache_clear()
    assert not np.array_equal(scenes[0].poses, scenes[1].poses)
    alone = str(tmp_path / 'alone')
    synthetic.synthetic_dataset(alone, ('09',), 3, 32, 104, cameras=(2,))
    for name in ('poses/09.txt', 'sequences/09/calib.txt', 'sequences/09/image_2/000002.png'):
        with open(os.path.join(folder, name), 'rb') as one, open(
                os.path.join(alone, name), 'rb') as other:
            assert one.read() == other.read()


def test_the_right_camera_stands_54_cm_to_the_right():
    scene = Scene('00', 1, 2)
    left, right = scene.cam_to_world(1, 2), scene.cam_to_world(1, 3)
    np.testing.assert_allclose(np.linalg.inv(left) @ right[:, 3], [0.54, 0, 0, 1], atol=1e-12)
    point = np.array([1.0, 0.5, 8, 1])
    in_right = np.linalg.inv(right) @ left @ point
    pixel = scene.projection(3) @ point
    expected = scene.intrinsics @ in_right[:3]
    np.testing.assert_allclose(pixel[:2] / pixel[2], expected[:2] / expected[2])


def test_a_second_run_only_renders_what_is_missing(written):
    folder, _ = written
    lost = os.path.join(folder, 'sequences', '00', 'image_2', '000001.png')
    kept = os.path.join(folder, 'sequences', '00', 'image_2', '000002.png')
    with open(lost, 'rb') as stream:
        content = stream.read()
    os.remove(lost)
    os.utime(kept, (1, 1))
    assert synthetic.main(['--output_dir', folder, '--sequences=00,09', '--num_frames=3',
                           '--img_height=32', '--img_width=104', '--cameras=0,2']) is None
    with open(lost, 'rb') as stream:
        assert stream.read() == content
    assert os.path.getmtime(kept) == 1


@pytest.mark.parametrize('flags, message', [
    (dict(num_frames=1), 'num_frames'), (dict(img_height=4), 'height'),
    (dict(min_speed=2.0), 'min_speed <= max_speed'),
])
def test_senseless_sizes_are_refused(tmp_path, flags, message):
    with pytest.raises(UserError, match=message):
        synthetic.synthetic_dataset(str(tmp_path), **flags)


def test_another_scene_does_not_overwrite_a_folder(written):
    folder, _ = written
    with pytest.raises(UserError, match='another synthetic sequence'):
        synthetic.synthetic_dataset(folder, ('00',), num_frames=4, img_height=32, img_width=104)


@pytest.mark.parametrize('arguments', [[], ['--output_dir=x', '--cameras=7'],
                                       ['--output_dir=x', '--num_sequences=-1'],
                                       ['--output_dir=x', '--layout=raw', '--cameras=0'],
                                       ['--output_dir=x', '--layout=raw', '--num_sequences=99'],
                                       ['--output_dir=x', '--layout=kitti_2015', '--sequences=1']])
def test_wrong_flags_are_named(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(str(tmp_path))
    with pytest.raises(UserError, match='--'):
        synthetic.main(arguments)
