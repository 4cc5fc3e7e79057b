"""Frames to predict on are found wherever a user keeps them, in order; broken ones are named."""
import cv2
import numpy as np
import pytest

from common.errors import UserError
from kitti_data import frame_source
from kitti_data.images import resize, write_png


def picture(i, height=24, width=40):
    rng = np.random.RandomState(i)
    return np.kron(rng.randint(0, 255, (height // 8, width // 8, 3)),
                   np.ones((8, 8, 1))).astype(np.uint8)


@pytest.fixture
def odometry(tmp_path):
    folder = tmp_path / 'with space' / 'sequences' / '09'
    (folder / 'image_2').mkdir(parents=True)
    for i in range(5):
        write_png(folder / 'image_2' / ('%06d.png' % i), picture(i))
    (folder / 'times.txt').write_text(''.join('%e\n' % (0.1 * i) for i in range(5)))
    return tmp_path / 'with space'


def test_an_odometry_sequence_gives_its_frames_resized_and_its_times(odometry):
    source = frame_source.sequence_frames(str(odometry), 9, 2)
    assert source.size == (24, 40) and len(source.names) == 5
    np.testing.assert_allclose(source.read_times(), 0.1 * np.arange(5))
    for i, frame in enumerate(source.read(12, 20)):
        np.testing.assert_array_equal(frame, resize(picture(i), 12, 20))


def test_a_list_is_read_relative_to_the_data_set_and_keeps_its_order(odometry, tmp_path):
    listing = tmp_path / 'list.txt'
    listing.write_text('sequences/09/image_2/000003.png right.png\n'
                       'sequences/09/image_2/000001.png right.png\n')
    source = frame_source.depth_frames(str(odometry), 'eigen', str(listing))
    frames = list(source.read(24, 40))
    np.testing.assert_array_equal(frames[0], picture(3))
    np.testing.assert_array_equal(frames[1], picture(1))


def test_kitti_2015_gives_its_reference_images_alone(tmp_path):
    folder = tmp_path / 'training' / 'image_2'
    folder.mkdir(parents=True)
    for name in ('000001_10', '000000_10', '000000_11'):
        write_png(folder / (name + '.png'), picture(0))
    source = frame_source.depth_frames(str(tmp_path), 'stereo')
    assert source.names == ['000000_10.png', '000001_10.png']


def test_a_video_gives_all_its_frames_in_rgb(tmp_path):
    path = str(tmp_path / 'drive.avi')
    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'MJPG'), 5.0, (40, 24))
    for i in range(4):
        writer.write(np.full((24, 40, 3), (255, 0, 0), np.uint8))  # blue
    writer.release()
    source = frame_source.sequence_frames(path)
    frames = list(source.read(24, 40))
    assert len(frames) == len(source.names) == 4
    assert frames[0][..., 2].min() > 200 and frames[0][..., 0].max() < 50
    np.testing.assert_allclose(source.read_times(), np.arange(4) / 5.0)


def test_a_broken_frame_is_named(odometry):
    path = odometry / 'sequences' / '09' / 'image_2' / '000002.png'
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(UserError, match='000002.png'):
        list(frame_source.sequence_frames(str(odometry), 9, 2).read(12, 20))


@pytest.mark.parametrize('make, message', [
    (lambda p: None, 'does not exist'),
    (lambda p: p.mkdir(), 'neither sequences/ nor images'),
    (lambda p: p.write_text('x'), 'neither a folder nor a video')])
def test_a_place_without_frames_says_what_was_wanted(tmp_path, make, message):
    path = tmp_path / 'frames'
    make(path)
    with pytest.raises(UserError, match=message):
        frame_source.sequence_frames(str(path))


def test_an_empty_path_names_the_flag():
    with pytest.raises(UserError, match='--dataset_dir is empty'):
        frame_source.sequence_frames('')


def test_frames_of_two_sizes_are_no_drive_but_may_be_single_images(tmp_path):
    for number, height in enumerate((24, 24, 32)):
        write_png(str(tmp_path / ('%06d.png' % number)), picture(number, height))
    with pytest.raises(UserError, match='000002.png: is 40x32 pixels, must be 40x24 like'):
        frame_source.sequence_frames(str(tmp_path))
    assert len(frame_source.sequence_frames(str(tmp_path), allow_gaps=True).names) == 3


def test_a_frame_of_16_bits_is_named_before_any_is_read(tmp_path):
    write_png(str(tmp_path / '000000.png'), picture(0))
    write_png(str(tmp_path / '000001.png'), np.ones((24, 40), np.uint16))
    with pytest.raises(UserError, match='000001.png'):
        frame_source.sequence_frames(str(tmp_path))
