"""Formatted KITTI 2015 examples have the right frames and camera; missing ones are reported."""
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from kitti_data import images
from kitti_data.rendering import layouts as synthetic_2015
from kitti_data.snippet_source import snippets
from kitti_eval import generate_multiview_extension
from vo_common.errors import UserError


@pytest.fixture(scope='module')
def dataset(tmp_path_factory):
    """(folder of two synthetic KITTI 2015 images with 5 views, their scene)."""
    root = tmp_path_factory.mktemp('kitti2015')
    scene, _ = synthetic_2015.kitti_2015_dataset(str(root), num_images=2, img_height=32,
                                                 img_width=104, num_views=5)
    return root, scene


def run(dataset_dir, *flags):
    return generate_multiview_extension.main(['--dataset_dir=%s' % dataset_dir, '--dump_root=.',
                                              '--img_height=16', '--img_width=52', *flags])


@pytest.mark.parametrize('seq_length', [3, 5])
def test_examples_hold_the_frames_around_the_reference(dataset, seq_length):
    root, scene = dataset
    assert run(root, '--seq_length=%d' % seq_length) == 0
    assert Path('test_flow.txt').read_text().split('\n') == [
        'sub_folder_02 000000', 'sub_folder_02 000001', '']
    strip = images.read_rgb('sub_folder_02/000001.jpg')
    assert strip.shape == (16, 52 * seq_length, 3)
    for place, number in enumerate(range(10 - seq_length // 2, 11 + seq_length // 2)):
        frame = images.read_rgb(str(root / 'training' / 'image_2' / ('000001_%02d.png' % number)))
        # JPEG at quality 95 loses little.
        error = strip[:, 52 * place:52 * (place + 1)].astype(int) - images.resize(frame, 16, 52)
        assert np.abs(error).mean() < 4
    camera = [float(text) for text in Path('sub_folder_02/000001_cam.txt').read_text().split(',')]
    np.testing.assert_allclose(np.reshape(camera, (3, 3)),
                               scene.intrinsics * [[0.5], [0.5], [1]], atol=1e-5)


def test_exact_principal_points_equal_those_of_the_images_in_test_flow(dataset):
    root, scene = dataset
    assert run(root, '--half_pixel_centers') == 0
    formatted, images_themselves = (list(snippets(
        str(path), 3, 16, 52, camera_needed=True, half_pixel_centers=True).read())
        for path in ('.', root))
    # A pixel of half the size has its middle between two: c' = (c + 0.5) / 2 - 0.5.
    expected = scene.intrinsics / 2
    expected[:2, 2] -= 0.25
    expected[2, 2] = 1
    for snippet in formatted + images_themselves:
        np.testing.assert_allclose(snippet.intrinsics, expected, atol=1e-5)
    with pytest.raises(UserError, match='with --half_pixel_centers, must be without it'):
        snippets('.', 3, 16, 52, camera_needed=True)


def test_a_training_set_is_not_overwritten(dataset):
    Path('train.txt').write_text('')
    with pytest.raises(UserError, match='holds a training set'):
        run(dataset[0])


def test_missing_frames_are_reported_and_the_rest_is_written(dataset, capsys):
    shutil.copytree(str(dataset[0]), 'copy')
    os.remove('copy/training/image_2/000000_11.png')
    assert run('copy') == 2
    assert '000000_11.png' in capsys.readouterr().err
    assert sorted(os.listdir('sub_folder_02')) == ['000001.jpg', '000001_cam.txt']
    assert Path('test_flow.txt').read_text() == 'sub_folder_02 000001\n'


def test_the_right_camera_is_read(dataset):
    assert run(dataset[0], '--cam_id=03') == 0
    assert sorted(os.listdir('sub_folder_03')) == [
        '000000.jpg', '000000_cam.txt', '000001.jpg', '000001_cam.txt']


def test_bad_flags_are_reported(dataset):
    with pytest.raises(UserError, match='seq_length=4: must be odd'):
        run(dataset[0], '--seq_length=4')
    with pytest.raises(UserError, match='data_scene_flow_calib'):
        run(dataset[0], '--calib_dir=.')
