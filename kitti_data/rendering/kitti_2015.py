"""Synthetic pictures in the layout of KITTI 2015 (stereo, flow and their multi-view extension)."""
import os

import numpy as np

from kitti_data.flow_files import write_kitti_flow
from kitti_data.images import write_png
from kitti_data.kitti_2015 import REFERENCE
from kitti_data.rendering.kitti_raw import calibration_files
from kitti_data.rendering.scene import BASELINE, Scene
from vo_common.errors import UserError
from vo_common.files import make_folder, write_text
from vo_common.parallel import parallel_map

FRAMES_APART = 5  # on the drive, from one reference picture to the next
SCENE_NAME = 'kitti_2015'


def kitti_2015_dataset(output_dir, num_images=4, img_height=64, img_width=208, seed=8964,
                       num_views=3, min_speed=0.25, max_speed=1.2, num_workers=1):
    """Writes `training/` of KITTI 2015 with exact truth; pictures already there are kept.

    image_2 and image_3 (%06d_10.png and its neighbours in time), flow_occ, flow_noc, disp_occ_0,
    disp_noc_0 (%06d_10.png) and calib_cam_to_cam/%06d.txt. The sky has no truth, as on KITTI.

    Args:
      output_dir: gets `training/`.
      num_images: number of reference pictures.
      num_views: pictures in a row around the reference, odd: 3 is _09, _10, _11.
      others: as for `synthetic.synthetic_dataset`.

    Returns:
      The `Scene`, and the list of its frames that are the reference pictures.

    Raises:
      UserError: bad sizes, speeds or counts; the folder holds other synthetic pictures.
    """
    if num_views < 3 or num_views % 2 == 0 or num_views > 2 * FRAMES_APART:
        raise UserError('num_views=%d: must be an odd number from 3 to %d' % (
            num_views, 2 * FRAMES_APART - 1))
    if num_images < 1:
        raise UserError('num_images=%d: must be at least 1' % num_images)
    reach = num_views // 2
    references = [reach + FRAMES_APART * index for index in range(num_images)]
    scene = Scene(SCENE_NAME, seed, references[-1] + reach + 1, img_height, img_width, min_speed,
                  max_speed)
    folder = make_folder(os.path.join(output_dir, 'training'))
    scene.save(folder)
    for name in ('image_2', 'image_3', 'flow_occ', 'flow_noc', 'disp_occ_0', 'disp_noc_0',
                 'calib_cam_to_cam'):
        make_folder(os.path.join(folder, name))
    jobs = [(scene, folder, index, frame, reach) for index, frame in enumerate(references)
            if not os.path.exists(_picture(folder, 'disp_noc_0', index))]
    parallel_map(_picture_job, jobs, workers=num_workers, desc='rendering', unit='scenes',
                 processes=True)
    return scene, references


def write_disparity(path, depth, focal, valid):
    """Writes depth as KITTI's disparity PNG: uint16 of 256 * pixels, 0 where it is not known.

    Args:
      path: the PNG file.
      depth: <float>[H, W] metres.
      focal: pixels.
      valid: <bool>[H, W] where the disparity is known.
    """
    disparity = focal * BASELINE / np.where(valid, depth, 1.0)
    steps = np.round(256 * disparity)
    known = valid & (steps >= 1) & (steps < 2 ** 16)
    write_png(path, np.where(known, steps, 0).astype(np.uint16))


def _picture(folder, kind, index, number=REFERENCE):
    return os.path.join(folder, kind, '%06d_%02d.png' % (index, number))


def _picture_job(job):
    scene, folder, index, frame, reach = job
    for step in range(-reach, reach + 1):
        for camera in (2, 3):
            write_png(_picture(folder, 'image_%d' % camera, index, REFERENCE + step),
                      scene.image(frame + step, camera))
    write_text(os.path.join(folder, 'calib_cam_to_cam', '%06d.txt' % index),
               calibration_files(scene)['calib_cam_to_cam.txt'])
    flow, occ, noc = scene.flow(frame, frame + 1)
    write_kitti_flow(_picture(folder, 'flow_occ', index), flow, occ)
    write_kitti_flow(_picture(folder, 'flow_noc', index), flow, noc)
    depth, focal = scene.depth(frame), scene.intrinsics[0, 0]
    _, occ, noc = scene.flow(frame, frame, camera=2, other_camera=3)
    write_disparity(_picture(folder, 'disp_occ_0', index), depth, focal, occ)
    # Last, because a picture counts as done when this file is there.
    write_disparity(_picture(folder, 'disp_noc_0', index), depth, focal, noc)
