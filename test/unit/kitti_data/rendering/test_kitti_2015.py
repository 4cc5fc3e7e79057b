"""Synthetic KITTI 2015: its files hold the exact depth and flow up to the formats' rounding."""
import os

import numpy as np
import pytest
from PIL import Image

from kitti_data import images
from kitti_data.rendering import synthetic
from kitti_data.rendering import kitti_2015 as synthetic_2015
from kitti_data.flow_files import read_kitti_flow
from kitti_data.calibration import Calibration
from vo_common.errors import UserError


@pytest.fixture(scope='module')
def written(tmp_path_factory):
    root = str(tmp_path_factory.mktemp('kitti_2015'))
    scene, references = synthetic_2015.kitti_2015_dataset(root, num_images=2, img_height=48,
                                                          img_width=160)
    return os.path.join(root, 'training'), scene, references


def test_flow_files_hold_the_exact_flow(written):
    folder, scene, references = written
    for index, frame in enumerate(references):
        exact, occ, noc = scene.flow(frame, frame + 1)
        for name, mask in (('flow_occ', occ), ('flow_noc', noc)):
            flow, valid = read_kitti_flow(os.path.join(folder, name, '%06d_10.png' % index))
            # What moves farther than the format can hold has no truth.
            assert not valid[~mask].any()
            assert (mask & ~valid).sum() == (mask & (np.abs(exact).max(-1) >= 511)).sum()
            np.testing.assert_allclose(flow[valid], exact[valid], atol=1 / 64)


def test_disparity_files_hold_the_exact_depth(written):
    folder, scene, references = written
    for index, frame in enumerate(references):
        disparity = np.asarray(Image.open(os.path.join(
            folder, 'disp_noc_0', '%06d_10.png' % index))) / 256.0
        depth, known = scene.depth(frame), disparity > 0
        assert known.mean() > 0.6
        wanted = scene.intrinsics[0, 0] * 0.54 / depth[known]
        np.testing.assert_allclose(disparity[known], wanted, atol=0.5 / 256 + 1e-6)
        everywhere = np.asarray(Image.open(os.path.join(
            folder, 'disp_occ_0', '%06d_10.png' % index))) > 0
        assert (everywhere | ~known).all()
        assert everywhere.sum() > known.sum()


def test_three_views_of_both_cameras_follow_each_other(written):
    folder, scene, references = written
    for index, frame in enumerate(references):
        for number, step in ((9, -1), (10, 0), (11, 1)):
            path = os.path.join(folder, 'image_2', '%06d_%02d.png' % (index, number))
            np.testing.assert_array_equal(images.read_rgb(path), scene.image(frame + step))
    assert len(os.listdir(os.path.join(folder, 'image_3'))) == 6


def test_calibration_is_that_of_the_pictures(written):
    folder, scene, _ = written
    calibration = Calibration(os.path.join(folder, 'calib_cam_to_cam', '000001.txt'))
    np.testing.assert_allclose(calibration.matrix('P_rect_02', (3, 4))[:, :3], scene.intrinsics,
                               rtol=1e-8)
    offset = calibration.matrix('P_rect_03', (3, 4))[0, 3]
    np.testing.assert_allclose(offset, -0.54 * scene.intrinsics[0, 0], rtol=1e-8)


def test_depths_that_the_format_cannot_hold_are_unknown(tmp_path):
    path = str(tmp_path / 'disparity.png')
    depth = np.array([[10.0, 0.1, 1e6, 10.0]])
    synthetic_2015.write_disparity(path, depth, 100.0, np.array([[True, True, True, False]]))
    stored = np.asarray(Image.open(path))
    assert stored.tolist() == [[round(256 * 5.4), 0, 0, 0]]


@pytest.mark.parametrize('wrong', [dict(num_views=2), dict(num_views=11), dict(num_images=0)])
def test_senseless_counts_are_refused(tmp_path, wrong):
    with pytest.raises(UserError, match='num_'):
        synthetic_2015.kitti_2015_dataset(str(tmp_path), **wrong)


def test_the_program_writes_the_other_layouts(tmp_path, capsys):
    size = ['--img_height=16', '--img_width=48', '--num_workers=1']
    synthetic.main(['--output_dir', str(tmp_path), '--layout=raw', '--num_sequences=1',
                    '--num_frames=2'] + size)
    synthetic.main(['--output_dir', str(tmp_path), '--layout=kitti_2015', '--num_sequences=1']
                   + size)
    assert (tmp_path / '2011_09_26/2011_09_26_drive_0001_sync/image_03/data').is_dir()
    assert (tmp_path / 'training/flow_occ/000000_10.png').is_file()
    assert capsys.readouterr().out.count('16x48') == 2
