"""Rendered drives on disk: KITTI's files with the exact truth of the scene."""
import os
import pathlib

import numpy as np
import pytest
from PIL import Image

from kitti_data import images
from kitti_data.calibration import Calibration
from kitti_data.depth_files import exact_depth_path
from kitti_data.flow_files import read_kitti_flow
from kitti_data.odometry import OdometrySequence, sequence_names
from kitti_data.raw import RawDrive, read_velodyne
from kitti_data.rendering import layouts, scene as synthetic_scene, synthetic
from kitti_data.rendering.raycast import cast_pixels
from kitti_data.rendering.scene import Scene
from kitti_eval.depth_splits import odometry_split
from vo_common.errors import UserError

DRIVE = '2011_09_26_drive_0001_sync'
SIZE = ['--img_height=32', '--img_width=104']
MOVING = Scene(DRIVE, seed=4, num_frames=40, height=64, width=208, first_static=10, end_static=16)


@pytest.fixture(scope='module')
def odometry(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp('with space') / 'set')
    return folder, layouts.synthetic_dataset(
        folder, sequences=('00', 9), num_frames=3, img_height=32, img_width=104,
        cameras=(0, 2, 3))


@pytest.fixture(scope='module')
def raw(tmp_path_factory):
    root = str(tmp_path_factory.mktemp('raw'))
    scene, = layouts.raw_dataset(root, [DRIVE], num_frames=4, img_height=48, img_width=160)
    return os.path.join(root, DRIVE[:10]), scene


@pytest.fixture(scope='module')
def kitti_2015(tmp_path_factory):
    root = str(tmp_path_factory.mktemp('kitti_2015'))
    scene, references = layouts.kitti_2015_dataset(root, num_images=2, img_height=48,
                                                   img_width=160)
    return os.path.join(root, 'training'), scene, references


def test_odometry_sequences_are_read_as_those_of_kitti(odometry):
    folder, scenes = odometry
    assert sequence_names(folder) == ['00', '09']
    assert not np.array_equal(scenes[0].poses, scenes[1].poses)
    for scene in scenes:
        sequence = OdometrySequence(folder, scene.name, camera=2)
        assert sequence.frame_numbers.tolist() == [0, 1, 2]
        np.testing.assert_allclose(sequence.times, [0, 0.1, 0.2])
        np.testing.assert_allclose(sequence.intrinsics, scene.intrinsics, rtol=1e-10)
        cameras = np.stack([scene.cam_to_world(frame) for frame in range(3)])
        np.testing.assert_allclose(sequence.poses, np.linalg.inv(cameras[0]) @ cameras, atol=1e-8)


def test_pictures_are_those_of_the_scene_in_colour_and_gray(odometry):
    folder, scenes = odometry
    colour = images.read_rgb(OdometrySequence(folder, '00', 2).image_paths[1])
    np.testing.assert_array_equal(colour, scenes[0].image(1))
    gray = images.read_rgb(OdometrySequence(folder, '00', 0).image_paths[1])
    assert (gray[..., 0] == gray[..., 2]).all()
    assert np.abs(gray[..., 0] - colour @ [0.299, 0.587, 0.114]).max() <= 1


def test_depth_is_scored_against_the_stored_exact_depth(odometry, monkeypatch):
    folder, scenes = odometry
    exact = scenes[1].depth(2)
    monkeypatch.setattr(synthetic_scene.Scene, 'depth', None)  # nothing renders again
    near = (exact > 1e-3) & (exact < 80)
    for camera in (0, 2):
        truth = odometry_split(folder, '9', camera, (1e-3, 80)).truth(2)
        np.testing.assert_allclose(truth.depth[near], exact[near], atol=0.5 / 256 + 1e-6)
        np.testing.assert_array_equal(truth.valid, near)


def test_a_sequence_rendered_alone_is_the_same_and_without_exact_depth_it_is_not_scored(
        odometry, tmp_path):
    for cached in (Scene.drive.fget, Scene.world.fget):
        cached.cache_clear()
    layouts.synthetic_dataset(str(tmp_path), ('09',), 3, 32, 104, cameras=(2,))
    for name in ('poses/09.txt', 'sequences/09/calib.txt', 'sequences/09/image_2/000002.png',
                 'sequences/09/depth/000002.png', 'sequences/09/synthetic.json'):
        assert pathlib.Path(odometry[0], name).read_bytes() == (tmp_path / name).read_bytes()
    with pytest.raises(UserError, match='has no exact depth, .* .of cameras 0 and 2.'):
        odometry_split(odometry[0], '9', 3, (1e-3, 80))
    for number in range(3):
        os.remove(exact_depth_path(str(tmp_path / 'sequences' / '09'), number))
    with pytest.raises(UserError, match='has no exact depth, such as .*000000.png'):
        odometry_split(str(tmp_path), '9', 2, (1e-3, 80))


def test_a_second_run_renders_only_what_is_missing(odometry):
    folder, _ = odometry
    sequence = pathlib.Path(folder) / 'sequences' / '00'
    lost = {path: path.read_bytes() for path in (sequence / 'image_2' / '000001.png',
                                                 sequence / 'depth' / '000001.png')}
    for path in lost:
        path.unlink()
    os.utime(str(sequence / 'image_2' / '000002.png'), (1, 1))
    assert synthetic.main(['--output_dir', folder, '--sequences=00,09', '--num_frames=3',
                           '--cameras=0,2', '--num_workers=1'] + SIZE) is None
    assert lost == {path: path.read_bytes() for path in lost}
    assert (sequence / 'image_2' / '000002.png').stat().st_mtime == 1


@pytest.mark.parametrize('flags, message', [
    ([], '--output_dir'),
    (['--min_speed=2'], 'must be 0 < min_speed <= max_speed'),
    (['--layout=raw', '--cameras=0'], '--cameras=0: must be among 2, 3'),
    (['--layout=raw', '--num_sequences=99'], '--num_sequences=99: must be at most 8'),
    (['--layout=raw', '--sequences=0001'], 'named like ' + DRIVE),
    (['--layout=raw', '--sequences=2011_09_26'], 'named like ' + DRIVE),
    (['--layout=kitti_2015', '--sequences=1'], '--sequences, --cameras, --num_frames: must not'),
    (['--layout=kitti_2015', '--num_frames=2'], '--sequences, --cameras, --num_frames: must not')])
def test_impossible_flags_are_refused(flags, message, tmp_path):
    place = ['--output_dir=%s' % tmp_path] if flags else []
    with pytest.raises(UserError, match=message):
        synthetic.main(place + flags)


def test_the_program_writes_the_other_layouts(tmp_path, capsys):
    common = ['--output_dir', str(tmp_path), '--num_sequences=1', '--num_workers=1',
              '--img_height=16', '--img_width=48']
    synthetic.main(common + ['--layout=raw', '--num_frames=2'])
    synthetic.main(common + ['--layout=kitti_2015'])
    assert (tmp_path / '2011_09_26/2011_09_26_drive_0001_sync/image_03/data').is_dir()
    assert (tmp_path / 'training/flow_occ/000000_10.png').is_file()
    assert capsys.readouterr().out.count('16x48') == 2


def test_scans_projected_by_the_calibration_lie_on_the_exact_depth(raw):
    folder, scene = raw
    drive = RawDrive(os.path.dirname(folder), DRIVE)
    scan = read_velodyne(drive.velodyne_path(2))
    assert scan.shape[0] > 20000
    assert (scan[:, 0] < 0).any() and np.linalg.norm(scan[:, :3], axis=1).max() <= 120
    ahead = scan[scan[:, 0] > 1, :3]
    projected = np.hstack([ahead, np.ones((len(ahead), 1))]) @ drive.calibration.velo_to_image(2).T
    pixels, depth = projected[:, :2] / projected[:, 2:], projected[:, 2]
    seen = ((pixels > 0) & (pixels < [159, 47])).all(1)
    assert seen.sum() > 3000
    exact = cast_pixels(scene.world.boxes, scene.cam_to_world(2), scene.intrinsics,
                        *pixels[seen].T[:, None]).depth[0]
    # The scanner stands elsewhere than the camera: at edges it sees past what the camera sees.
    agree = np.abs(depth[seen] - exact) < 1e-3 * depth[seen] + 0.01
    assert agree.mean() > 0.97


def test_every_sensor_of_a_raw_drive_has_every_frame_and_its_time(raw):
    folder, scene = raw
    drive = pathlib.Path(folder, DRIVE)
    for sensor, extension in (('image_02', 'png'), ('image_03', 'png'), ('oxts', 'txt'),
                              ('velodyne_points', 'bin')):
        names = sorted(os.listdir(str(drive / sensor / 'data')))
        assert names == ['%010d.%s' % (frame, extension) for frame in range(4)]
        times = (drive / sensor / 'timestamps.txt').read_text().split('\n')
        assert times[1] == '2011-09-26 13:00:00.100000000'
    for camera in (2, 3):
        path = drive / ('image_%02d' % camera) / 'data' / '0000000001.png'
        np.testing.assert_array_equal(images.read_rgb(str(path)), scene.image(1, camera))
    words = np.loadtxt(str(drive / 'oxts' / 'data' / '0000000003.txt'))
    np.testing.assert_allclose(words, layouts.oxts_rows(scene)[3], rtol=1e-12, atol=1e-12)


def test_oxts_speed_is_the_true_one_and_zero_where_the_car_stands():
    forward = layouts.oxts_rows(MOVING)[:, 8]
    assert np.flatnonzero(np.abs(forward) < 0.01).tolist() == [10, 11, 12, 13, 14]
    metres = np.linalg.norm(np.diff(MOVING.poses[:, :3, 3], axis=0), axis=1)
    np.testing.assert_allclose(forward[:-1], metres / 0.1, atol=0.2)


def test_flow_files_hold_the_exact_flow(kitti_2015):
    folder, scene, references = kitti_2015
    for index, frame in enumerate(references):
        exact, occ, noc = scene.flow(frame, frame + 1)
        for name, mask in (('flow_occ', occ), ('flow_noc', noc)):
            flow, valid = read_kitti_flow(os.path.join(folder, name, '%06d_10.png' % index))
            # A motion beyond the range of the format has no truth.
            assert not valid[~mask].any()
            assert (mask & ~valid).sum() == (mask & (np.abs(exact).max(-1) >= 511)).sum()
            np.testing.assert_allclose(flow[valid], exact[valid], atol=1 / 64)


def test_disparity_files_hold_the_exact_depth(kitti_2015):
    folder, scene, references = kitti_2015
    for index, frame in enumerate(references):
        disparity, everywhere = (np.asarray(Image.open(os.path.join(
            folder, name, '%06d_10.png' % index))) / 256.0 for name in ('disp_noc_0', 'disp_occ_0'))
        depth, known = scene.depth(frame), disparity > 0
        assert known.mean() > 0.6
        np.testing.assert_allclose(disparity[known], scene.intrinsics[0, 0] * 0.54 / depth[known],
                                   atol=0.5 / 256 + 1e-6)
        assert (everywhere[known] > 0).all() and (everywhere > 0).sum() > known.sum()


def test_both_cameras_of_a_stereo_pair_see_the_lowest_row():
    for frame in range(8):
        _, _, noc = MOVING.flow(frame, frame, other_camera=3)
        assert noc[-1].mean() > 0.9 * noc[-2].mean() > 0.5


def test_three_views_of_both_cameras_follow_each_other(kitti_2015):
    folder, scene, references = kitti_2015
    for index, frame in enumerate(references):
        for number, step in ((9, -1), (10, 0), (11, 1)):
            path = os.path.join(folder, 'image_2', '%06d_%02d.png' % (index, number))
            np.testing.assert_array_equal(images.read_rgb(path), scene.image(frame + step))
    assert len(os.listdir(os.path.join(folder, 'image_3'))) == 6
    calibration = Calibration(os.path.join(folder, 'calib_cam_to_cam', '000001.txt'))
    np.testing.assert_allclose(calibration.matrix('P_rect_02', (3, 4))[:, :3], scene.intrinsics,
                               rtol=1e-8)
    offset = calibration.matrix('P_rect_03', (3, 4))[0, 3]
    np.testing.assert_allclose(offset, -0.54 * scene.intrinsics[0, 0], rtol=1e-8)


def test_another_camera_zooms_about_the_principal_point_and_stands_lower(tmp_path):
    plain, other = [
        layouts.synthetic_dataset(str(tmp_path / name), ['00'], 2, 32, 64, **camera)[0]
        for name, camera in (('plain', {}), ('other', dict(zoom=2, camera_height=1.)))]
    np.testing.assert_allclose(other.intrinsics, plain.intrinsics * [[2, 1, 1], [1, 2, 1],
                                                                     [1, 1, 1]])
    heights = [scene.drive.cam_to_world[:, 1, 3] for scene in (plain, other)]
    np.testing.assert_allclose(heights[1] - heights[0], 0.65)
    assert 'zoom' not in (tmp_path / 'plain/sequences/00/synthetic.json').read_text()
    for another in (dict(zoom=2), dict(num_frames=4)):
        with pytest.raises(UserError, match='another synthetic sequence'):
            layouts.synthetic_dataset(str(tmp_path / 'plain'), ['00'], **dict(
                dict(num_frames=2, img_height=32, img_width=64), **another))
