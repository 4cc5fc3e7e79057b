"""Cityscapes: every clip of 30 frames has a camera file of its own."""
import json

import numpy as np
import pytest

from kitti_data import cityscapes
from kitti_data.images import write_png
from kitti_data.preparation.data_sets import find_cityscapes
from kitti_data.preparation.prepare_train_data import PrepareConfig, main
from vo_common.errors import UserError


@pytest.fixture
def root(tmp_path):
    """Frames 0 to 59 of one sequence, labelled at 19 (fx 200) and 49 (fx 300)."""
    frames = tmp_path / 'leftImg8bit_sequence' / 'train' / 'ulm'
    cameras = tmp_path / 'camera' / 'train' / 'ulm'
    frames.mkdir(parents=True)
    cameras.mkdir(parents=True)
    for number in range(60):
        write_png(str(frames / ('ulm_000000_%06d_leftImg8bit.png' % number)),
                  np.zeros((16, 32, 3), np.uint8))
    for label, fx in ((19, 200.0), (49, 300.0)):
        write_camera(cameras, label, fx)
    return tmp_path


def write_camera(folder, label, fx):
    (folder / ('ulm_000000_%06d_camera.json' % label)).write_text(json.dumps(
        {'intrinsic': {'fx': fx, 'fy': 100.0, 'u0': 16.0, 'v0': 8.0}}))


def clips_of(root):
    return find_cityscapes(PrepareConfig(dataset_dir=str(root), dataset_name='cityscapes',
                                         dump_root='unused'))


def test_frames_have_the_camera_of_their_own_clip(root):
    data = clips_of(root)
    assert not data.problems
    assert [(clip.frames[0].number, clip.frames[-1].number, clip.intrinsics[0, 0])
            for clip in data.clips] == [(0, 29, 200.0), (30, 59, 300.0)]


def test_clips_of_the_same_camera_stay_together(root):
    write_camera(root / 'camera' / 'train' / 'ulm', 49, 200.0)
    clip, = clips_of(root).clips
    assert len(clip.frames) == 60


def test_frames_without_a_camera_file_are_named_and_left_out(root):
    (root / 'camera' / 'train' / 'ulm' / 'ulm_000000_000049_camera.json').unlink()
    data = clips_of(root)
    assert [clip.frames[-1].number for clip in data.clips] == [29]
    assert data.problems == [
        'no camera file of 30 frames of sequence 000000 of ulm, such as '
        'ulm_000000_000030_camera.json within 30 frames of %s' % (
            root / 'leftImg8bit_sequence' / 'train' / 'ulm' / 'ulm_000000_000030_leftImg8bit.png')]


def test_a_broken_camera_file_leaves_the_other_clips(root, tmp_path, capsys):
    write_camera(root / 'camera' / 'train' / 'ulm', 49, -1)
    assert main(['--dataset_dir=%s' % root, '--dataset_name=cityscapes', '--img_height=12',
                 '--img_width=32', '--dump_root=%s' % (tmp_path / 'set')]) == 2
    assert '000049_camera.json: fx is -1 pixels' in capsys.readouterr().err
    assert len(list((tmp_path / 'set' / 'ulm').glob('*.jpg'))) == 26


def test_a_frame_of_two_clips_belongs_to_the_one_it_lies_deeper_in():
    # Clips 0..29 and 20..49, with middles at 14.5 and 34.5.
    assert [cityscapes.labelled_frame(number, [19, 39]) for number in (0, 24, 25, 49, 50)] == [
        19, 19, 39, 39, None]


@pytest.mark.parametrize('content', ['[]', '{"intrinsic": {"fx": 1e999}}', '{"intrinsic": 5}'])
def test_camera_files_of_another_kind_are_named(tmp_path, content):
    (tmp_path / 'camera.json').write_text(content)
    with pytest.raises(UserError, match='camera.json'):
        cityscapes.read_camera(str(tmp_path / 'camera.json'))
