import numpy as np
import pytest

import golden_common
import published
from kitti_data import images, raw
from kitti_folders import write_drive
from vo_common.errors import UserError

DRIVE = '2011_09_26_drive_0001_sync'


@pytest.fixture
def root(tmp_path):
    """A raw folder with one drive of two frames, standing still in the first."""
    write_drive(tmp_path / 'raw data', DRIVE, [np.zeros((4, 6, 3), np.uint8)] * 2,
                velocities=[(0, 0, 0), (3, -4, 0)],
                calib_cam_to_cam=golden_common.CALIB_CAM_TO_CAM,
                calib_velo_to_cam=golden_common.CALIB_VELO_TO_CAM)
    return tmp_path / 'raw data'


@pytest.mark.parametrize('camera', [2, 3])
def test_intrinsics_equal_the_published_readers(root, camera):
    np.testing.assert_allclose(
        raw.RawDrive(str(root), DRIVE).calibration.intrinsics(camera),
        published.arrays('numpy_loaders')['raw_intrinsics_%02d' % camera], rtol=1e-12)


def test_a_drive_has_frames_of_each_camera_and_speeds(root):
    drive = raw.RawDrive(str(root), DRIVE)
    assert [number for number, _ in drive.frames(3)] == [0, 1]
    assert drive.frames(2)[1][1].endswith('image_02/data/0000000001.png')
    assert [drive.speed(0), drive.speed(1)] == pytest.approx([0, 5])
    assert raw.list_drives(str(root)) == [DRIVE]


@pytest.mark.parametrize('name', ['2011_09_26', 'drive_0001', '2011_09_26_drive_1_sync', '../x',
                                  '2011_09_26_drive_0002_extract'])
def test_an_invalid_drive_name_is_refused(root, name):
    with pytest.raises(UserError, match='not the name of a KITTI raw drive'):
        raw.RawDrive(str(root), name)


def test_missing_parts_are_reported(root):
    with pytest.raises(UserError, match='2011_09_26_drive_0002_sync does not exist'):
        raw.RawDrive(str(root), '2011_09_26_drive_0002_sync')
    with pytest.raises(UserError, match='no KITTI raw drive'):
        raw.list_drives(str(root / '2011_09_26'))
    with pytest.raises(UserError, match=r'calib_cam_to_cam.txt has no key .P_rect_01'):
        raw.RawDrive(str(root), DRIVE).calibration.intrinsics(1)
    with pytest.raises(UserError, match='oxts file .*0000000009.txt'):
        raw.RawDrive(str(root), DRIVE).speed(9)


def test_scans_are_read_back_and_truncated_ones_reported(tmp_path):
    points = golden_common.make_velodyne(0, 10)
    path = tmp_path / '0000000000.bin'
    points.tofile(str(path))
    np.testing.assert_array_equal(raw.read_velodyne(str(path)), points)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(UserError, match='0000000000.bin: has 157 bytes, must be a multiple of 16'):
        raw.read_velodyne(str(path))


def test_the_real_scan_projects_into_the_image(shared):
    """evaluation.md: 18 654 points of the sample, 4.77..76.73 m along the camera's axis."""
    drive = raw.RawDrive(str(shared / 'kitti_raw_sample'), DRIVE)
    points = raw.read_velodyne(drive.velodyne_path(0))
    points = points[points[:, 0] >= 0]
    homogeneous = np.hstack([points[:, :3], np.ones((len(points), 1))])
    pixels = homogeneous @ drive.calibration.velo_to_image(2).T
    columns, rows = np.rint(pixels[:, :2] / pixels[:, 2:]).T - 1
    height, width = images.image_size(drive.frames(2)[0][1])
    seen = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height) & (pixels[:, 2] > 0)
    assert seen.sum() == 18654
    depth = pixels[seen, 2]
    np.testing.assert_allclose([depth.min(), depth.max(), np.median(depth)], [4.77, 76.73, 12.50],
                               atol=0.006)
    assert drive.speed(0) == pytest.approx(13.17, abs=0.01)
