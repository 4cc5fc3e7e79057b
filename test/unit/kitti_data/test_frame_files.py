"""Folders of frames: natural order, other files ignored, gaps and duplicates reported."""
import os

import numpy as np
import pytest

from kitti_data import frame_files, frame_source
from kitti_data.images import write_png
from kitti_data.kitti_2015 import reference_names
from vo_common.errors import UserError


def write_frames(folder, names):
    """Frame k has the level k."""
    folder.mkdir(parents=True, exist_ok=True)
    for level, name in enumerate(names):
        write_png(str(folder / name), np.full((4, 6, 3), level, np.uint8))
    return str(folder)


def levels(source):
    return [int(frame[0, 0, 0]) for frame in source.read(4, 6)]


@pytest.mark.parametrize('names', [
    ['8.png', '9.png', '10.png', '11.png'],
    ['frame 8.png', 'frame 9.png', 'frame 10.png', 'frame 11.png'],
    ['08.png', '09.PNG', '10.png', '11.png'],
    ['a.png', 'b2.png', 'b10.png', 'c.png']])
def test_frames_come_in_the_order_of_their_numbers(tmp_path, names):
    source = frame_source.sequence_frames(write_frames(tmp_path, names))
    assert source.names == names
    assert levels(source) == [0, 1, 2, 3]


def test_system_files_are_not_frames(tmp_path):
    names = ['000000_10.png', '000001_10.png']
    folder = write_frames(tmp_path / 'training' / 'image_2', names)
    for stray in ('._000001.png', '._000000_10.png', '.DS_Store', 'Thumbs.db',
                  '.000001.png.x.partial', 'readme.txt'):
        (tmp_path / 'training' / 'image_2' / stray).write_bytes(b'\0\5\26\7')
    assert frame_files.image_names(folder) == names
    assert reference_names(folder) == ['000000', '000001']
    assert frame_source.depth_frames(str(tmp_path), 'stereo').names == names


@pytest.mark.parametrize('names', [['4.png', '5.png', '5.jpg'], ['4.png', '5.png', '005.png'],
                                   ['a.png', 'a.jpg']])
def test_two_files_of_one_frame_are_reported(tmp_path, names):
    folder = write_frames(tmp_path, names)
    with pytest.raises(UserError, match=r'(5|a)\.\w+ and (005|5|a)\.\w+ are the same frame'):
        frame_source.sequence_frames(folder)


def test_a_gap_is_an_error_for_motion_and_a_warning_for_depth(tmp_path, capsys):
    folder = write_frames(tmp_path, ['4.png', '5.png', '8.png', '10.png'])
    with pytest.raises(UserError, match='frames 6 to 7 are missing between .*5.png and 8.png'):
        frame_source.sequence_frames(folder)
    assert levels(frame_source.depth_frames(folder, 'eigen')) == [0, 1, 2, 3]
    said = capsys.readouterr().err
    assert 'frames 6 to 7 are missing between' in said and '(2 such gaps)' in said


# Names as the data sets have them: the form of a number, three numbers, their unit in seconds.
CLOCKS = {
    'EuRoC': ('%d', [1403636579763555584, 1403636579813555584, 1403636579863555584], 1e-9),
    'RobotCar': ('%d', [1399381446204705, 1399381446267204, 1399381446329702], 1e-6),
    'nuScenes': ('n015+0800__CAM_FRONT__%d',
                 [1532402927612460, 1532402927695460, 1532402927778460], 1e-6),
    'every fifth': ('%06d', [100, 105, 110], 0.1)}
TUM = ['1305031101.975304', '1305031102.175304', '1305031102.475304']


@pytest.mark.parametrize('names, numbers, unit', [
    *(([form % number for number in numbers], numbers, unit)
      for form, numbers, unit in CLOCKS.values()),
    (TUM, [int(name.replace('.', '')) for name in TUM], 1e-6)], ids=[*CLOCKS, 'TUM'])
def test_names_with_timestamps_or_strides_give_order_and_times(
        tmp_path, names, numbers, unit, capsys):
    source = frame_source.sequence_frames(write_frames(tmp_path, [name + '.png' for name in names]))
    assert source.numbers.tolist() == numbers and levels(source) == [0, 1, 2]
    assert ['%f' % time for time in source.read_times()] == [
        '%f' % (unit * number) for number in numbers]
    assert capsys.readouterr().err == ''


@pytest.mark.parametrize('start, step', [(1403636579763555584, 50000000), (100, 5)])
def test_a_gap_between_timestamps_or_in_a_stride_is_reported(start, step):
    missing = start + 3 * step
    expected = ('frames %d to %d are missing between .*%d.png and %d.png .most numbers are %d '
                'apart' % (missing, missing, missing - step, missing + step, step))
    with pytest.raises(UserError, match=expected):
        frame_files.check_gaps([(number, '%d.png' % number) for number in (
            start + step * np.array([0, 1, 2, 4, 5])).tolist()])


def test_clock_jitter_is_not_a_gap():
    steps = 62500 + np.random.RandomState(3).randint(-6000, 6000, 40)
    frames = [(number, 'd/%d' % number) for number in 1399381446204705 + np.cumsum(steps)]
    frame_files.check_gaps(frames)
    with pytest.raises(UserError, match='are missing'):
        frame_files.check_gaps(frames[:9] + frames[10:])


@pytest.mark.parametrize('names', [
    ['000000_10.png', '000000_11.png', '000001_10.png', '000001_11.png'],  # KITTI 2012 and 2015
    ['000000_10.png', '000001_10.png', '000002_10.png'],
    ['bear_0001.png', 'bear_0002.png', 'dog_0003.png'],
    ['aachen_000000_000019_leftImg8bit.png', 'aachen_000000_000020_leftImg8bit.png',
     'aachen_000001_000019_leftImg8bit.png']])
def test_frames_of_several_scenes_are_single_images_not_a_drive(tmp_path, names):
    folder = write_frames(tmp_path, names)
    with pytest.raises(UserError, match='holds frames of . scenes .*must be those of one drive'):
        frame_source.sequence_frames(folder)
    assert frame_source.depth_frames(folder, 'eigen').names == names


@pytest.mark.parametrize('names', [['000007_%02d.png' % i for i in (8, 9, 10)],
                                   ['%d_%.3f.png' % (i, 0.034 * i) for i in (8, 9, 10)]])
def test_one_scene_and_a_counter_with_its_time_are_drives(tmp_path, names):
    source = frame_source.sequence_frames(write_frames(tmp_path, names))
    assert source.numbers.tolist() == [8, 9, 10]


def test_digits_of_other_scripts_and_huge_numbers_are_not_frame_numbers():
    assert frame_files.frame_number('0042') == 42
    assert frame_files.frame_number('9223372036854775807') == 2 ** 63 - 1
    for text in ('²', '٣', '-1', '', '1' * 3000000, '9223372036854775808'):
        assert frame_files.frame_number(text) is None


def test_names_that_are_not_utf8_are_frames_too(tmp_path):
    folder = tmp_path / os.fsdecode(b'caf\xe9')
    source = frame_source.sequence_frames(write_frames(folder, ['1.png', '2.png']))
    assert levels(source) == [0, 1]
