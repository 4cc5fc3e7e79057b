"""Synthetic raw drives: scans, calibration and oxts tell of the same exact drive."""
import os

import numpy as np
import pytest

from kitti_data import images, poses
from kitti_data.rendering import kitti_raw as synthetic_raw
from kitti_data.calibration import Calibration
from kitti_data.rendering.drive import speeds
from kitti_data.rendering.raycast import cast_pixels
from kitti_data.rendering.scene import Scene, load_scene
from vo_common.errors import UserError

DRIVE = '2011_09_26_drive_0001_sync'
MOVING = Scene(DRIVE, seed=4, num_frames=40, height=64, width=208, first_static=10, end_static=16)


@pytest.fixture(scope='module')
def drive(tmp_path_factory):
    root = str(tmp_path_factory.mktemp('raw'))
    scene, = synthetic_raw.raw_dataset(root, [DRIVE], num_frames=4, img_height=48, img_width=160)
    return os.path.join(root, DRIVE[:10]), scene


def _project(date_folder, points):
    """Pixels [N, 2] and depth [N] of velodyne points [N, 3] in image_02, as KITTI's devkit does."""
    cam = Calibration(os.path.join(date_folder, 'calib_cam_to_cam.txt'))
    velo = Calibration(os.path.join(date_folder, 'calib_velo_to_cam.txt'))
    velo_to_cam = np.hstack([velo.matrix('R', (3, 3)), velo.matrix('T', (3, 1))])
    rectify = np.eye(4)
    rectify[:3, :3] = cam.matrix('R_rect_00', (3, 3))
    projection = cam.matrix('P_rect_02', (3, 4)) @ rectify @ poses.to_4x4(velo_to_cam)
    projected = np.hstack([points, np.ones((len(points), 1))]) @ projection.T
    return projected[:, :2] / projected[:, 2:], projected[:, 2]


def test_scans_projected_by_the_calibration_lie_on_the_exact_depth(drive):
    folder, scene = drive
    scan = np.fromfile(os.path.join(folder, DRIVE, 'velodyne_points/data/0000000002.bin'),
                       '<f4').reshape(-1, 4)
    assert scan.shape[0] > 20000
    assert (scan[:, 0] < 0).any() and np.linalg.norm(scan[:, :3], axis=1).max() <= 120
    pixels, depth = _project(folder, scan[scan[:, 0] > 1, :3])
    seen = ((pixels > 0) & (pixels < [159, 47])).all(1)
    assert seen.sum() > 3000
    exact = cast_pixels(scene.world.boxes, scene.cam_to_world(2), scene.intrinsics,
                        *pixels[seen].T[:, None]).depth[0]
    # The scanner stands elsewhere than the camera: at edges it sees past what the camera sees.
    agree = np.abs(depth[seen] - exact) < 1e-3 * depth[seen] + 0.01
    assert agree.mean() > 0.97


def test_pictures_are_the_left_and_the_right_one(drive):
    folder, scene = drive
    for camera in (2, 3):
        path = os.path.join(folder, DRIVE, 'image_%02d/data/0000000001.png' % camera)
        np.testing.assert_array_equal(images.read_rgb(path), scene.image(1, camera))


def test_every_sensor_has_every_frame_and_its_time(drive):
    folder, scene = drive
    for sensor, extension in (('image_02', 'png'), ('image_03', 'png'), ('oxts', 'txt'),
                              ('velodyne_points', 'bin')):
        names = sorted(os.listdir(os.path.join(folder, DRIVE, sensor, 'data')))
        assert names == ['%010d.%s' % (frame, extension) for frame in range(4)]
        with open(os.path.join(folder, DRIVE, sensor, 'timestamps.txt')) as stream:
            assert stream.read().split('\n')[1] == '2011-09-26 13:00:00.100000000'
    assert load_scene(os.path.join(folder, DRIVE)) == scene


def test_oxts_on_disk_has_kittis_30_numbers(drive):
    folder, scene = drive
    with open(os.path.join(folder, DRIVE, 'oxts/data/0000000003.txt')) as stream:
        words = stream.read().split()
    assert len(words) == 30 and words[-5:] == ['4', '11', '6', '6', '6']
    np.testing.assert_allclose([float(word) for word in words],
                               synthetic_raw.oxts_rows(scene)[3], rtol=1e-12, atol=1e-12)


def test_oxts_speed_is_the_true_one_and_zero_where_the_car_stands():
    forward = synthetic_raw.oxts_rows(MOVING)[:, 8]
    assert np.flatnonzero(np.abs(forward) < 0.01).tolist() == [10, 11, 12, 13, 14]
    metres_a_second = speeds(MOVING.drive.cam_to_world) / 0.1
    # The receiver is 1.1 m from the camera, so it moves a little differently in curves.
    np.testing.assert_allclose(forward[:-1], metres_a_second, atol=0.6)


def test_oxts_read_by_the_devkits_formulas_gives_back_the_poses():
    rows = synthetic_raw.oxts_rows(MOVING)
    radius, scale = 6378137.0, np.cos(np.radians(rows[0, 0]))
    # The devkit takes its scale from the first frame, the writer from the origin: 1e-5 apart.
    position = np.stack([scale * radius * np.radians(rows[:, 1]),
                         scale * radius * np.log(np.tan(np.radians(90 + rows[:, 0]) / 2)),
                         rows[:, 2]], -1)
    rotation = poses.rotation_from_euler(np.zeros((40, 3)))
    for axis, (i, j) in ((3, (1, 2)), (4, (2, 0)), (5, (0, 1))):
        turn = np.tile(np.eye(3), (40, 1, 1))
        cos, sin = np.cos(rows[:, axis]), np.sin(rows[:, axis])
        turn[:, i, i], turn[:, j, j], turn[:, i, j], turn[:, j, i] = cos, cos, -sin, sin
        rotation = turn @ rotation
    imu_to_map = poses.from_parts(rotation, position)
    imu_to_cam = poses.to_4x4(synthetic_raw.VELO_TO_CAM) @ synthetic_raw.IMU_TO_VELO
    cam_to_map = imu_to_map @ poses.inverse(imu_to_cam)
    np.testing.assert_allclose(poses.relative(cam_to_map[:1], cam_to_map), MOVING.poses, atol=2e-3)


@pytest.mark.parametrize('name', ['0001', '2011_09_26', '2011_09_26_drive'])
def test_names_that_are_no_raw_drives_are_refused(tmp_path, name):
    with pytest.raises(UserError, match='2011_09_26_drive_0001_sync'):
        synthetic_raw.raw_dataset(str(tmp_path), [name])
