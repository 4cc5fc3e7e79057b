"""Cityscapes: every clip of 30 frames has its own camera file."""
import json

import numpy as np
import pytest

from kitti_data import cityscapes
from kitti_data.images import read_rgb, write_png
from kitti_data.preparation.data_sets import find_cityscapes
from kitti_data.preparation.prepare_train_data import PrepareConfig, main
from vo_common.errors import UserError


@pytest.fixture
def root(tmp_path):
    """Frames 0 to 59 of one sequence, labelled at 19 (fx 226) and 49 (fx 300); frame n is 4 n, its
    bottom quarter white."""
    frames = tmp_path / 'city scapes' / 'leftImg8bit_sequence' / 'train' / 'ulm'
    cameras = tmp_path / 'city scapes' / 'camera' / 'train' / 'ulm'
    frames.mkdir(parents=True)
    cameras.mkdir(parents=True)
    for number in range(60):
        image = np.full((96, 192, 3), 4 * number, np.uint8)
        image[72:] = 255
        write_png(str(frames / ('ulm_000000_%06d_leftImg8bit.png' % number)), image)
    for label, fx in ((19, 226.0), (49, 300.0)):
        write_camera(cameras, label, fx)
    return tmp_path / 'city scapes'


def write_camera(folder, label, fx):
    (folder / ('ulm_000000_%06d_camera.json' % label)).write_text(json.dumps(
        {'intrinsic': {'fx': fx, 'fy': 225.0, 'u0': 96.0, 'v0': 48.0}}))


def prepare(root, dump_root, *arguments):
    return main(['--dataset_dir=%s' % root, '--dump_root=%s' % dump_root,
                 '--dataset_name=cityscapes', '--img_width=96'] + list(arguments))


def clips_of(root):
    return find_cityscapes(PrepareConfig(dataset_dir=str(root), dataset_name='cityscapes',
                                         dump_root='unused'))


def test_frames_have_the_camera_of_their_own_clip(root):
    data = clips_of(root)
    assert not data.problems
    assert [(clip.frames[0].number, clip.frames[-1].number, clip.intrinsics[0, 0])
            for clip in data.clips] == [(0, 29, 226.0), (30, 59, 300.0)]
    # Clips of the same camera stay together.
    write_camera(root / 'camera' / 'train' / 'ulm', 49, 226.0)
    clip, = clips_of(root).clips
    assert len(clip.frames) == 60


def test_frames_without_a_camera_file_are_reported_and_left_out(root):
    (root / 'camera' / 'train' / 'ulm' / 'ulm_000000_000049_camera.json').unlink()
    data = clips_of(root)
    assert [clip.frames[-1].number for clip in data.clips] == [29]
    assert data.problems == [
        'no camera file for 30 frames of sequence 000000 of ulm, such as '
        'ulm_000000_000030_camera.json within 30 frames of %s' % (
            root / 'leftImg8bit_sequence' / 'train' / 'ulm' / 'ulm_000000_000030_leftImg8bit.png')]


def test_a_broken_camera_file_keeps_the_other_clips(root, tmp_path, capsys):
    write_camera(root / 'camera' / 'train' / 'ulm', 49, -1)
    assert prepare(root, tmp_path / 'set', '--img_height=12') == 2
    assert '000049_camera.json: fx is -1 pixels' in capsys.readouterr().err
    assert len(list((tmp_path / 'set' / 'ulm').glob('*.jpg'))) == 26


def test_every_second_frame_is_taken_and_the_bottom_cut_off(root, tmp_path):
    assert prepare(root, tmp_path / 'set', '--img_height=36') == 0
    strip = read_rgb(str(tmp_path / 'set' / 'ulm' / 'ulm_000000_000009.jpg'))
    assert strip.shape == (36, 3 * 96, 3)
    for frame, number in enumerate((7, 9, 11)):
        part = strip[:32, 96 * frame + 16:96 * frame + 80].astype(int)
        assert np.abs(part - 4 * number).max() <= 3
    text = (tmp_path / 'set' / 'ulm' / 'ulm_000000_000009_cam.txt').read_text()
    np.testing.assert_allclose([float(word) for word in text.split(',')],
                               [113, 0, 48, 0, 112.5, 24, 0, 0, 1], atol=1e-4)


def test_frames_are_resized_to_171_rows_as_published(root, tmp_path):
    assert prepare(root, tmp_path / 'set') == 0
    text = (tmp_path / 'set' / 'ulm' / 'ulm_000000_000009_cam.txt').read_text()
    assert float(text.split(',')[4]) == pytest.approx(225.0 * 171 / 96, abs=1e-5)
    with pytest.raises(UserError, match='--img_height=171: must be 128'):
        prepare(root, tmp_path / 'other', '--img_height=171')


def test_a_frame_of_two_clips_belongs_to_the_one_whose_middle_is_nearer():
    # Clips 0..29 and 20..49, with middles at 14.5 and 34.5.
    assert [cityscapes.labelled_frame(number, [19, 39]) for number in (0, 24, 25, 49, 50)] == [
        19, 19, 39, 39, None]


@pytest.mark.parametrize('content, message', [
    ('[]', 'must have finite numbers fx'), ('{', 'not valid JSON'),
    ('{"intrinsic": {"fx": 1, "fy": 1, "u0": 1, "v0": 1e999}}', 'must have finite numbers fx'),
    ('{"intrinsic": {"fx": 1}}', 'must have'), ('{"intrinsic": 5}', 'must have')])
def test_camera_files_of_another_kind_are_reported(tmp_path, content, message):
    (tmp_path / 'camera.json').write_text(content)
    with pytest.raises(UserError, match='camera.json.*' + message):
        cityscapes.read_camera(str(tmp_path / 'camera.json'))
