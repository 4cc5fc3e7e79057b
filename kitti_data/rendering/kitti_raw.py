"""Synthetic drives in the layout of KITTI's raw recordings.

`DATE/DRIVE/image_02/data/%010d.png` and its neighbours image_03, velodyne_points, oxts, with the
three calibration files of the date. The scanner sees the same exact surfaces as the cameras, and
oxts gives the position and speed of the same drive, which stands still for a while in the middle.
"""
import os

import numpy as np

from kitti_data import poses
from kitti_data.images import write_png
from kitti_data.rendering.scene import BASELINE, FRAME_SECONDS, VELO_TO_CAM, Scene
from kitti_data.rendering.world import range_along
from vo_common.errors import UserError
from vo_common.files import atomic_write, make_folder, write_text
from vo_common.parallel import parallel_map

# Real names, so that lists of test scenes apply: 0009 is in both the Eigen and the stereo one.
DRIVES = tuple('2011_09_26_drive_%s_sync' % number for number in (
    '0001', '0009', '0035', '0091', '0061', '0095', '0039', '0087'))
IMU_TO_VELO = np.array([[1, 0, 0, -0.81], [0, 1, 0, 0.32], [0, 0, 1, -0.8], [0, 0, 0, 1]])
MAX_RANGE = 120.0  # metres
NUM_BEAMS, NUM_AZIMUTHS = 64, 1000
FRAMES_A_JOB = 4
_EARTH_RADIUS = 6378137.0
_LATITUDE, _LONGITUDE = 49.0, 8.4  # of the world's origin, degrees


def raw_dataset(output_dir, drives=DRIVES[:2], num_frames=10, img_height=64, img_width=208,
                seed=8964, cameras=(2, 3), min_speed=0.25, max_speed=1.2, num_workers=1):
    """Writes drives in KITTI's raw layout; frames already there are kept.

    Args:
      output_dir: gets one folder for each date.
      drives: names as `2011_09_26_drive_0001_sync`.
      cameras: 2 (left) and 3 (right).
      others: as for `synthetic.synthetic_dataset`.

    Returns:
      List of the `Scene` of each drive.

    Raises:
      UserError: bad sizes, speeds or names; the folder holds other synthetic drives of these names.
    """
    jobs, scenes = [], []
    for drive in drives:
        date = drive[:10]
        if not (drive.startswith(date + '_drive_') and date.count('_') == 2):
            raise UserError('a raw drive is named like %s, got %r' % (DRIVES[0], drive))
        first_static, end_static = static_stretch(num_frames)
        scene = Scene(drive, seed, num_frames, img_height, img_width, min_speed, max_speed,
                      first_static, end_static)
        folder = make_folder(os.path.join(output_dir, date, drive))
        _write_drive_files(folder, scene, cameras)
        missing = [frame for frame in range(num_frames)
                   if not os.path.exists(_path(folder, 'velodyne_points', frame, 'bin'))]
        jobs += [(scene, folder, cameras, missing[i:i + FRAMES_A_JOB])
                 for i in range(0, len(missing), FRAMES_A_JOB)]
        scenes.append(scene)
    parallel_map(_frames_job, jobs, workers=num_workers, desc='rendering',
                 unit='x%d frames' % FRAMES_A_JOB, processes=True)
    return scenes


def static_stretch(num_frames):
    """(first, end) of the frames that stand at one place: the middle fifth, at least three."""
    length = max(3, num_frames // 5)
    first = (num_frames - length) // 2
    return first, first + length


def calibration_files(scene):
    """The three calibration files of a date, name -> text.

    The rectifying rotation is not the identity, as on the real car, and the velodyne's calibration
    undoes it, so that code which forgets it is found out.
    """
    rectify = poses.rotation_from_euler(np.array([0.01, -0.008, 0.004]))
    velo_to_cam = rectify.T @ VELO_TO_CAM
    cam_to_cam = [('calib_time', '09-Jan-2012 13:57:47'), ('corner_dist', [0.0995])]
    size = [scene.width, scene.height]
    for camera in range(4):
        offset = [-BASELINE * (camera % 2), 0, 0]
        cam_to_cam += [(key % camera, value) for key, value in (
            ('S_%02d', size), ('K_%02d', scene.intrinsics), ('D_%02d', np.zeros(5)),
            ('R_%02d', np.eye(3)), ('T_%02d', offset), ('S_rect_%02d', size),
            ('R_rect_%02d', rectify), ('P_rect_%02d', scene.projection(camera)))]
    return {
        'calib_cam_to_cam.txt': _calibration_text(cam_to_cam),
        'calib_velo_to_cam.txt': _calibration_text(
            [('calib_time', '15-Mar-2012 11:37:16'), ('R', velo_to_cam[:, :3]),
             ('T', velo_to_cam[:, 3]), ('delta_f', [0, 0]), ('delta_c', [0, 0])]),
        'calib_imu_to_velo.txt': _calibration_text(
            [('calib_time', '25-May-2012 16:47:16'), ('R', IMU_TO_VELO[:3, :3]),
             ('T', IMU_TO_VELO[:3, 3])]),
    }


def velodyne_scan(scene, frame):
    """Points of a turning scanner with 64 beams.

    Returns:
      <float32>[N, 4]: x forward, y left, z up (metres, velodyne axes) and a reflectance of 0.5.
    """
    elevation = np.radians(np.linspace(2, -24.8, NUM_BEAMS))[:, None]
    azimuth = np.linspace(-np.pi, np.pi, NUM_AZIMUTHS, endpoint=False)[None, :]
    directions = np.stack([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth),
                           np.broadcast_to(np.sin(elevation), (NUM_BEAMS, NUM_AZIMUTHS))],
                          -1).reshape(-1, 3)
    velo_to_world = scene.cam_to_world(frame) @ poses.to_4x4(VELO_TO_CAM)
    distance = range_along(scene.world, velo_to_world[:3, 3], directions @ velo_to_world[:3, :3].T)
    hit = (distance > 0) & (distance < MAX_RANGE)
    points = distance[hit, None] * directions[hit]
    return np.hstack([points, np.full((len(points), 1), 0.5)]).astype(np.float32)


def oxts_rows(scene):
    """KITTI's 30 numbers for every frame, <float64>[N, 30].

    Latitude, longitude (degrees), altitude, roll, pitch, yaw (0 is east, to the left is positive),
    velocities (north, east, forward, left, up, m/s), accelerations (left 0), turning rates
    (rad/s), accuracies and the state of the receiver. Positions follow the devkit's Mercator.
    """
    imu_to_world = scene.drive.cam_to_world @ poses.to_4x4(VELO_TO_CAM) @ IMU_TO_VELO
    east_north_up = np.array([[1., 0, 0], [0, 0, 1], [0, -1, 0]])
    position = imu_to_world[:, :3, 3] @ east_north_up.T
    rotation = east_north_up @ imu_to_world[:, :3, :3]
    roll = np.arctan2(rotation[:, 2, 1], rotation[:, 2, 2])
    pitch = np.arcsin(-rotation[:, 2, 0])
    yaw = np.arctan2(rotation[:, 1, 0], rotation[:, 0, 0])

    rows = np.zeros((scene.num_frames, 30))
    scale = np.cos(np.radians(_LATITUDE))
    origin_north = scale * _EARTH_RADIUS * np.log(np.tan(np.radians(90 + _LATITUDE) / 2))
    rows[:, 0] = np.degrees(2 * np.arctan(np.exp(
        (origin_north + position[:, 1]) / (scale * _EARTH_RADIUS)))) - 90
    rows[:, 1] = _LONGITUDE + np.degrees(position[:, 0] / (scale * _EARTH_RADIUS))
    rows[:, 2:6] = np.stack([position[:, 2], roll, pitch, yaw], -1)
    velocity = _rate(position)
    rows[:, 6], rows[:, 7] = velocity[:, 1], velocity[:, 0]
    rows[:, 8:11] = np.einsum('nij,ni->nj', rotation, velocity)
    rows[:, 19] = rows[:, 22] = _rate(np.unwrap(yaw))
    rows[:, 23:] = [0.02, 0.01, 4, 11, 6, 6, 6]
    return rows


def _rate(values):
    """Change in a second, from each frame to the next; the last repeats the one before."""
    change = np.diff(values, axis=0) / FRAME_SECONDS
    return np.concatenate([change, change[-1:]])


def _write_drive_files(folder, scene, cameras):
    """All of a drive but its pictures and scans."""
    scene.save(folder)
    for name, text in calibration_files(scene).items():
        write_text(os.path.join(os.path.dirname(folder), name), text)
    stamps = ''.join('2011-09-26 13:%02d:%012.9f\n' % divmod(frame * FRAME_SECONDS, 60)
                     for frame in range(scene.num_frames))
    for sensor in ['image_%02d' % camera for camera in cameras] + ['velodyne_points', 'oxts']:
        make_folder(os.path.join(folder, sensor, 'data'))
        write_text(os.path.join(folder, sensor, 'timestamps.txt'), stamps)
    for frame, row in enumerate(oxts_rows(scene)):
        write_text(_path(folder, 'oxts', frame, 'txt'), ' '.join(
            ['%.14g' % value for value in row[:25]] + ['%d' % value for value in row[25:]]) + '\n')


def _path(folder, sensor, frame, extension):
    return os.path.join(folder, sensor, 'data', '%010d.%s' % (frame, extension))


def _calibration_text(entries):
    return ''.join('%s: %s\n' % (key, value if isinstance(value, str) else ' '.join(
        '%.9e' % number for number in np.ravel(value))) for key, value in entries)


def _frames_job(job):
    scene, folder, cameras, frames = job
    for frame in frames:
        for camera in cameras:
            write_png(_path(folder, 'image_%02d' % camera, frame, 'png'),
                      scene.image(frame, camera))
        # Last, because a frame counts as done when its scan is there.
        with atomic_write(_path(folder, 'velodyne_points', frame, 'bin'), 'wb') as stream:
            stream.write(velodyne_scan(scene, frame).astype('<f4').tobytes())
