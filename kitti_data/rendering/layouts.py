"""Synthetic drives in the folder layouts of KITTI: odometry, raw, and KITTI 2015.

Each layout keeps existing files and renders the others in `num_workers` processes; 1 renders in
this process, 0 means one for each core. The other arguments are fields of the `Scene`s; equal names
and seeds give equal drives, whatever else is written. Raises a UserError if a speed is illegal, or
the folder holds other synthetic drives of these names or cannot be written.
"""
import os

import numpy as np
from PIL import Image

from kitti_data import poses
from kitti_data.depth_files import exact_depth_path, write_kitti_depth
from kitti_data.flow_files import write_kitti_flow
from kitti_data.images import write_png
from kitti_data.kitti_2015 import REFERENCE
from kitti_data.odometry import sequence_name, write_poses
from kitti_data.rendering.raycast import cast
from kitti_data.rendering.scene import BASELINE, Scene
from vo_common.errors import UserError
from vo_common.files import atomic_write, make_folder, write_text
from vo_common.parallel import parallel_map

# Real names, so that the lists of test scenes apply: 0009 is in the Eigen and the stereo list.
DRIVES = tuple('2011_09_26_drive_%s_sync' % number for number in (
    '0001', '0009', '0035', '0091', '0061', '0095', '0039', '0087'))
FRAME_SECONDS = 0.1
# From Velodyne axes (x forward, y left, z up) to camera 0; the scanner is 8 cm above it.
VELO_TO_CAM = np.array([[0, -1, 0, 0], [0, 0, -1, -0.08], [1, 0, 0, -0.27]], np.float64)
_MAX_RANGE = 120.0  # metres
_NUM_BEAMS, _NUM_AZIMUTHS = 64, 1000
_FRAMES_APART = 5  # frames of the drive between reference images of KITTI 2015


def synthetic_dataset(output_dir, sequences=('00', '01'), num_frames=10, img_height=64,
                      img_width=208, seed=8964, cameras=(2,), num_workers=1, **scene_fields):
    """Writes `sequences/` and `poses/` of KITTI's odometry benchmark; returns each `Scene`.

    `sequences/NN/depth/NNNNNN.png` is the exact depth of the left cameras in KITTI's 16-bit format.

    Args:
      sequences: names or numbers.
      cameras: 0..3; 0 and 1 are written gray.
    """
    scenes = [Scene(sequence_name(name), seed, num_frames, img_height, img_width, **scene_fields)
              for name in sequences]
    files = []
    for scene in scenes:
        folder = make_folder(os.path.join(output_dir, 'sequences', scene.name))
        scene.save(folder)
        matrices = [('P%d' % camera, scene.projection(camera)) for camera in range(4)]
        write_text(os.path.join(folder, 'calib.txt'),
                   _calibration_text(matrices + [('Tr', VELO_TO_CAM)], '%.12e'))
        write_text(os.path.join(folder, 'times.txt'), ''.join(
            '%.6e\n' % (frame * FRAME_SECONDS) for frame in range(num_frames)))
        write_poses(os.path.join(make_folder(os.path.join(output_dir, 'poses')),
                                 scene.name + '.txt'), scene.poses)
        for frame in range(num_frames):
            files += [(_write_image, os.path.join(folder, 'image_%d' % camera, '%06d.png' % frame),
                       scene, frame, camera) for camera in cameras]
            files.append((_write_depth, exact_depth_path(folder, frame), scene, frame))
    _render(files, num_workers)
    return scenes


def raw_dataset(output_dir, drives=DRIVES[:2], num_frames=10, img_height=64, img_width=208,
                seed=8964, cameras=(2, 3), num_workers=1, **scene_fields):
    """Writes drives in KITTI's raw layout, a folder per date; returns the `Scene` of each.

    Scanner and cameras see the same exact surfaces. The car stands still in the middle fifth of the
    frames, at least three of them.

    Args:
      drives: names such as `2011_09_26_drive_0001_sync`; a UserError if one is not.
      cameras: 2 (left) and 3 (right).
    """
    length = max(3, num_frames // 5)
    first = (num_frames - length) // 2
    scenes = [Scene(drive, seed, num_frames, img_height, img_width, first_static=first,
                    end_static=first + length, **scene_fields) for drive in drives]
    files = []
    for scene in scenes:
        date, separator, _ = scene.name.partition('_drive_')
        if not separator or date.count('_') != 2:
            raise UserError('a raw drive is named like %s, got %r' % (DRIVES[0], scene.name))
        folder = make_folder(os.path.join(output_dir, date, scene.name))
        _write_drive_files(folder, scene, cameras)
        for frame in range(num_frames):
            files += [(_write_image, _raw_path(folder, 'image_%02d' % camera, frame, 'png'),
                       scene, frame, camera) for camera in cameras]
            files.append((_write_scan, _raw_path(folder, 'velodyne_points', frame, 'bin'), scene,
                          frame))
    _render(files, num_workers)
    return scenes


def kitti_2015_dataset(output_dir, num_images=4, img_height=64, img_width=208, seed=8964,
                       num_views=3, num_workers=1, **scene_fields):
    """Writes `training/` of KITTI 2015 with exact truth; the sky has none, as in KITTI.

    It holds image_2 and image_3 (%06d_10.png and its neighbours in time), flow_occ, flow_noc,
    disp_occ_0, disp_noc_0 (%06d_10.png) and calib_cam_to_cam/%06d.txt.

    Args:
      num_images: number of reference images.
      num_views: consecutive images around the reference, odd: 3 is _09, _10, _11.

    Returns the `Scene`, and the list of its frames that are the reference images.
    """
    reach = num_views // 2
    references = [reach + _FRAMES_APART * index for index in range(num_images)]
    scene = Scene('kitti_2015', seed, references[-1] + reach + 1, img_height, img_width,
                  **scene_fields)
    folder = make_folder(os.path.join(output_dir, 'training'))
    scene.save(folder)
    calibrations = make_folder(os.path.join(folder, 'calib_cam_to_cam'))
    files = []
    for index, frame in enumerate(references):
        write_text(os.path.join(calibrations, '%06d.txt' % index),
                   raw_calibration(scene)['calib_cam_to_cam.txt'])
        files += [(_write_image, os.path.join(folder, 'image_%d' % camera, '%06d_%02d.png' % (
            index, REFERENCE + step)), scene, frame + step, camera)
                  for step in range(-reach, reach + 1) for camera in (2, 3)]
        for kind, write in (('flow_%s', _write_flow), ('disp_%s_0', _write_disparity)):
            occ, noc = (os.path.join(make_folder(os.path.join(folder, kind % known)),
                                     '%06d_%02d.png' % (index, REFERENCE))
                        for known in ('occ', 'noc'))
            files.append((write, noc, scene, frame, occ))
    _render(files, num_workers)
    return scene, references


def raw_calibration(scene):
    """The calibration files of a date, name -> text.

    As on the real car, the rectifying rotation is not the identity. The calibration of the velodyne
    undoes it, which exposes code that omits it.
    """
    rectify = poses.rotation_from_euler(np.array([0.01, -0.008, 0.004]))
    velo_to_cam = rectify.T @ VELO_TO_CAM
    cameras = [('R_rect_00', rectify)]
    for camera in range(4):
        cameras += [('S_rect_%02d' % camera, [scene.width, scene.height]),
                    ('P_rect_%02d' % camera, scene.projection(camera))]
    return {'calib_cam_to_cam.txt': _calibration_text(cameras),
            'calib_velo_to_cam.txt': _calibration_text(
                [('R', velo_to_cam[:, :3]), ('T', velo_to_cam[:, 3])])}


def oxts_rows(scene):
    """KITTI's 30 numbers for every frame: <float64>[N, 30].

    Columns 8 to 10 are the forward, leftward and upward speed to the next frame in m/s; others 0.
    """
    steps = poses.relative(scene.poses[:-1], scene.poses[1:])[:, :3, 3] / FRAME_SECONDS
    rows = np.zeros((scene.num_frames, 30))
    rows[:-1, 8:11] = steps @ VELO_TO_CAM[:, :3]
    rows[-1] = rows[-2]
    return rows


def _write_drive_files(folder, scene, cameras):
    """Writes all files of a raw drive except images and scans."""
    scene.save(folder)
    for name, text in raw_calibration(scene).items():
        write_text(os.path.join(os.path.dirname(folder), name), text)
    stamps = ''.join('2011-09-26 13:%02d:%012.9f\n' % divmod(frame * FRAME_SECONDS, 60)
                     for frame in range(scene.num_frames))
    for sensor in ['image_%02d' % camera for camera in cameras] + ['velodyne_points', 'oxts']:
        make_folder(os.path.join(folder, sensor, 'data'))
        write_text(os.path.join(folder, sensor, 'timestamps.txt'), stamps)
    for frame, row in enumerate(oxts_rows(scene)):
        write_text(_raw_path(folder, 'oxts', frame, 'txt'),
                   ' '.join('%.14g' % value for value in row) + '\n')


def _raw_path(folder, sensor, frame, extension):
    return os.path.join(folder, sensor, 'data', '%010d.%s' % (frame, extension))


def _calibration_text(entries, number='%.9e'):
    return ''.join('%s: %s\n' % (key, ' '.join(number % value for value in np.ravel(values)))
                   for key, values in entries)


def _render(files, num_workers):
    """Renders those of `files`, tuples (function, path, other arguments), that are missing."""
    for folder in {os.path.dirname(path) for _, path, *_ in files}:
        make_folder(folder)
    parallel_map(_render_file, [file for file in files if not os.path.exists(file[1])],
                 workers=num_workers, desc='rendering', unit='file', processes=True)


def _render_file(file):
    write, *arguments = file
    write(*arguments)


def _write_image(path, scene, frame, camera):
    image = scene.image(frame, camera)
    write_png(path, image if camera >= 2 else np.asarray(Image.fromarray(image).convert('L')))


def _write_depth(path, scene, frame):
    write_kitti_depth(path, scene.depth(frame))


def _write_scan(path, scene, frame):
    """Writes a laser scan <float32>[N, 4]: forward, left, up (metres), and a reflectance of 0.5."""
    elevation = np.radians(np.linspace(2, -24.8, _NUM_BEAMS))[:, None]
    azimuth = np.linspace(-np.pi, np.pi, _NUM_AZIMUTHS, endpoint=False)[None, :]
    directions = np.stack([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth),
                           np.broadcast_to(np.sin(elevation), (_NUM_BEAMS, _NUM_AZIMUTHS))],
                          -1).reshape(-1, 3)
    velo_to_world = scene.cam_to_world(frame) @ poses.to_4x4(VELO_TO_CAM)
    rays = (directions @ velo_to_world[:3, :3].T).astype(np.float32)
    distance = cast(scene.world.boxes, velo_to_world[:3, 3], rays[:, None, :]).depth[:, 0]
    hit = (distance > 0) & (distance < _MAX_RANGE)
    points = distance[hit, None] * directions[hit]
    with atomic_write(path, 'wb') as stream:
        stream.write(np.hstack([points, np.full((len(points), 1), 0.5)]).astype('<f4').tobytes())


def _write_flow(path, scene, frame, path_of_all):
    """Writes the flow to the next frame: of all pixels with a flow, and of those visible there."""
    flow, occ, noc = scene.flow(frame, frame + 1)
    # The truth of visible pixels last: if it exists, both files are complete.
    write_kitti_flow(path_of_all, flow, occ)
    write_kitti_flow(path, flow, noc)


def _write_disparity(path, scene, frame, path_of_all):
    """Writes the disparity, as `_write_flow`."""
    _, occ, noc = scene.flow(frame, frame, other_camera=3)
    depth = scene.depth(frame)
    for file, known in ((path_of_all, occ), (path, noc)):
        disparity = scene.intrinsics[0, 0] * BASELINE / np.where(known, depth, 1.0)
        # KITTI stores disparities like depth: 256 times the pixels.
        write_kitti_depth(file, np.where(known, disparity, 0))
