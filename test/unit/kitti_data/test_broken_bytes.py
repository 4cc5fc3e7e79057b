"""Reading a file of any bytes gives values or an error message that names the file.

Three hundred mutations of each format; `SEED` makes them the same again.
"""
import json
import random

import cv2
import numpy as np
import pytest
from PIL import Image

from kitti_data import calibration, cityscapes, depth_files, flow_files, images, odometry, raw
from kitti_data.example_list import read_example_list
from kitti_data.image_lists import read_image_list
from kitti_data.number_files import read_rows
from kitti_eval import snippets
from mutations import mutate_bytes, mutate_json, mutate_text
from vo_common.errors import UserError

SEED = 8964
MUTATIONS = 300
PIXELS = np.random.RandomState(0).randint(0, 256, (12, 20, 3)).astype(np.uint8)
POSE = '1 0 0 5 0 1 0 6 0 0 1 7\n'


def png(path):
    images.write_png(path, PIXELS)


def jpeg(path):
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(PIXELS).save(path, 'JPEG', exif=exif.tobytes())


def disparity(path):
    assert cv2.imwrite(path, PIXELS[..., 0].astype(np.uint16) * 200)


# Name -> (text, or what writes the file; what reads it).
FORMATS = {
    'rgb.png': (png, images.read_rgb), 'rgb.jpg': (jpeg, images.read_rgb),
    'levels.png': (png, lambda path: images.read_levels(path, 3)),
    'levels.jpg': (jpeg, lambda path: images.read_levels(path, 1)),
    'format.png': (png, lambda path: images.read_format(path, verify=True)),
    'disparity.png': (disparity, lambda path: images.read_16_bit(path, 1, 'disparity')),
    'flow.png': (lambda path: flow_files.write_kitti_flow(path, PIXELS[..., :2] / 3),
                 flow_files.read_kitti_flow),
    'flow.flo': (lambda path: flow_files.write_flo(path, PIXELS[..., :2] / 3),
                 flow_files.read_flo),
    'depth.npy': (lambda path: depth_files.write_depths(path, [PIXELS[..., 0]] * 2),
                  depth_files.read_depths),
    'poses.txt': (POSE * 4, odometry.read_pose_file),
    'indexed.txt': ('3 %s7 %s' % (POSE, POSE), odometry.read_pose_file),
    'tum.txt': ('0 1 2 3 0 0 0 1\n0.5 1 2 4 0 0 0 1\n', odometry.read_pose_file),
    'poses.npy': (lambda path: np.save(path, np.tile(np.eye(4), (3, 1, 1))),
                  odometry.read_pose_file),
    'times.txt': ('0.0\n1.037e-1\n', odometry.read_times),
    'oxts.txt': ('49.0 ' * 30, lambda path: read_rows(path, (30,), 'oxts file')),
    'calib.txt': ('P0: %s\nP1: %s\n' % (POSE.strip(), POSE.strip()),
                  lambda path: calibration.Calibration(path).projection('P1')),
    'a_cam.txt': ('50,0.,52,0.,50,16,0.,0.,1.', calibration.read_camera_file),
    'camera.json': (json.dumps({'intrinsic': dict(fx=1.0, fy=2, u0=3, v0=4)}),
                    cityscapes.read_camera),
    'train.txt': ('00 000001\nmy drive 000002\n', read_example_list),
    'list.txt': ('a.png b.png\n2011_09_26/2011_09_26_drive_0002_sync 69 l\n',
                 read_image_list),
    '000000.txt': ('0 0 0 0 0 0 0 1\n0.1 0 0 1 0 0 0 1\n', snippets.read_snippet),
    'laser.npz': (lambda path: np.savez(path, **{'000002': np.ones((4, 5), np.float32)}),
                  depth_files.read_laser_depth),
    'scan.bin': (lambda path: np.arange(40, dtype='<f4').tofile(path), raw.read_velodyne),
}


@pytest.mark.parametrize('name', sorted(FORMATS))
def test_mutated_files_give_values_or_an_error_that_names_the_file(tmp_path, name):
    content, read = FORMATS[name]
    path = str(tmp_path / name)
    if callable(content):
        content(path)
    else:
        (tmp_path / name).write_text(content)
    whole = (tmp_path / name).read_bytes()
    if name != 'list.txt':  # whose images do not exist
        read(path)
    mutate = {'.txt': mutate_text, '.json': mutate_json}.get(path[path.rindex('.'):], mutate_bytes)
    rng, refused = random.Random(SEED), 0
    for _ in range(MUTATIONS):
        (tmp_path / name).write_bytes(mutate(rng, whole))
        try:
            read(path)
        except UserError as error:
            assert name in str(error)
            refused += 1
    assert refused
