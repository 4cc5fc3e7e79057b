"""Raw drives; golden numbers: the published raw loader (numpy_loaders.json)."""
import shutil

import numpy as np
import pytest

import golden_common
import published
from kitti_data import images, splits
from kitti_data.preparation.data_sets import find_raw
from kitti_data.preparation.prepare_train_data import PrepareConfig, main
from kitti_data.rendering.layouts import raw_dataset
from kitti_folders import write_drive

PUBLISHED = published.scalars('numpy_loaders')['raw_loader']
DRIVE = '2011_09_26_drive_0001_sync'
# Drives and numbers of frames that the golden numbers were made from.
DRIVES = {'2011_09_26_drive_0001_sync': 5, '2011_09_26_drive_0017_sync': 24,
          '2011_09_26_drive_0018_sync': 5, '2011_09_26_drive_0117_sync': 5,
          '2011_09_28_drive_0034_sync': 52}


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """Raw drives of the golden numbers; the car is stationary in the published static frames."""
    root = tmp_path_factory.mktemp('raw')
    moving = set(PUBLISHED['eigen_remove_static_True']['frames_sorted']
                 + PUBLISHED['stereo_remove_static_True']['frames_sorted'])
    for drive, count in DRIVES.items():
        speeds = [8.0 if '%s 02 %010d' % (drive, number) in moving else 0.01
                  for number in range(count)]
        write_drive(root, drive, [np.full((320, 640, 3), 99, np.uint8)] * count,
                    velocities=[(speed, 0, 0) for speed in speeds],
                    calib_cam_to_cam=golden_common.CALIB_CAM_TO_CAM)
    return root


def data_of(root, split, **flags):
    return find_raw(PrepareConfig(dataset_dir=str(root), dump_root='unused',
                                  dataset_name='kitti_raw_' + split, **flags))


def prepare(root, dump_root, *flags):
    return main(['--dataset_dir=%s' % root, '--dump_root=%s' % dump_root,
                 '--dataset_name=kitti_raw_eigen', *flags])


def published_names(clip, frames):
    return ['%s %s %s' % (clip.folder[:-3], clip.folder[-2:], frame.name) for frame in frames]


@pytest.mark.parametrize('split', ['eigen', 'stereo'])
@pytest.mark.parametrize('remove_static', [False, True])
def test_frames_are_those_of_the_published_loader(root, split, remove_static):
    data = data_of(root, split, remove_static=remove_static)
    found = sorted(name for clip in data.clips for name in published_names(clip, clip.frames))
    assert found == PUBLISHED['%s_remove_static_%s' % (split, remove_static)]['frames_sorted']
    assert not data.problems


def test_examples_are_the_published_ones_with_truly_adjacent_frames(root):
    """The published loader also takes for neighbours what removing static frames left side by side;
    those examples, and no others, must be missing here."""
    wanted = PUBLISHED['eigen_remove_static_True']
    adjacent = [names[-1] for names in wanted['neighbours_of_valid_sorted']
                if [int(name) for name in names[:-1]]
                == [int(names[0]) + offset for offset in range(len(names) - 1)]]
    data = data_of(root, 'eigen', remove_static=True)
    found = sorted(published_names(clip, frames)[1] for clip in data.clips
                   for frames in clip.examples(3).values())
    assert found == sorted(adjacent) and len(found) > 8


def test_raw_sets_are_written_for_both_cameras(root, tmp_path):
    assert prepare(root, tmp_path, '--sequences=' + DRIVE, '--img_height=160',
                   '--img_width=320') == 0
    lines = ((tmp_path / 'train.txt').read_text() + (tmp_path / 'val.txt').read_text()).splitlines()
    assert sorted(lines) == ['%s_0%d %010d' % (DRIVE, camera, number)
                             for camera in (2, 3) for number in (1, 2, 3)]
    numbers = published.arrays('numpy_loaders')
    for camera in ('02', '03'):
        intrinsics = numbers['raw_intrinsics_' + camera]
        path = tmp_path / ('%s_%s' % (DRIVE, camera)) / '0000000002_cam.txt'
        assert path.read_text() == '%f,0.,%f,0.,%f,%f,0.,0.,1.' % (
            intrinsics[0, 0] / 2, intrinsics[0, 2] / 2, intrinsics[1, 1] / 2, intrinsics[1, 2] / 2)


def test_requested_test_scenes_are_left_out_with_a_note(root):
    data = data_of(root, 'eigen', sequences=['2011_09_26_drive_0117_sync'])
    assert not data.clips
    assert 'test scenes of the eigen split: 2011_09_26_drive_0117' in data.notes[0]


def test_missing_drives_are_reported_but_not_fatal(root):
    data = data_of(root, 'stereo')
    assert data.clips and any('2011_09_30_drive_0033_sync' in note for note in data.notes)
    data = data_of(root, 'stereo', sequences=[DRIVE, '2011_09_30_drive_0033_sync'])
    assert len(data.clips) == 2
    assert [problem.partition(':')[0] for problem in data.problems] == [
        'camera %d of drive 2011_09_30_drive_0033_sync is left out' % camera for camera in (2, 3)]


def test_a_drive_without_one_of_the_cameras_gives_the_other(tmp_path):
    write_drive(tmp_path, DRIVE, [np.full((320, 640, 3), 99, np.uint8)] * 3, cameras=(2,),
                calib_cam_to_cam=golden_common.CALIB_CAM_TO_CAM)
    data = data_of(tmp_path, 'eigen')
    assert [clip.folder for clip in data.clips] == [DRIVE + '_02']
    assert len(data.problems) == 1 and 'image_03' in data.problems[0]


def test_lists_of_scenes_have_the_known_sizes():
    """Eigen's split: 61 scenes of city, residential and road, 28 of them for testing."""
    assert len(splits.test_scenes('eigen')) == 28 and len(splits.training_drives('eigen')) == 33
    assert len(splits.test_scenes('stereo')) == 29
    assert splits.odometry_drives()['09'] == '2011_09_30_drive_0033_sync'
    assert splits.odometry_drives()['03'] == '2011_09_26_drive_0067_sync'
    assert [splits.odometry_first_frame(name) for name in ('07', '08', 'my drive')] == [0, 1100, 0]


def test_a_missing_measurement_leaves_out_its_frame_and_not_the_drive(root, tmp_path, capsys):
    shutil.copytree(str(root / '2011_09_26'), str(tmp_path / '2011_09_26'))
    (tmp_path / '2011_09_26' / DRIVE / 'oxts' / 'data' / '0000000003.txt').unlink()
    data = data_of(tmp_path, 'eigen', sequences=[DRIVE], remove_static=True, static_speed=0.0)
    for clip in data.clips:
        assert [frame.number for frame in clip.frames] == [0, 1, 2, 4]
    message = 'frame 3 of drive %s is left out: oxts file' % DRIVE
    assert all(problem.startswith(message) for problem in data.problems)
    assert prepare(tmp_path, tmp_path / 'set', '--sequences=' + DRIVE, '--remove_static',
                   '--static_speed=0', '--img_height=16', '--img_width=52') == 2
    assert capsys.readouterr().err.count(message) == 1  # and not once for each camera


def test_a_drive_too_short_for_an_example_is_mentioned(root, tmp_path, capsys):
    assert prepare(root, tmp_path, '--seq_length=7', '--img_height=160', '--img_width=320',
                   '--sequences=%s,2011_09_28_drive_0034_sync' % DRIVE, '--camera=2') == 0
    assert ('note: %s_02 has 5 frames, too few for an example of 7' % DRIVE
            in capsys.readouterr().out)


def test_downsized_raw_images_give_the_same_cameras(tmp_path):
    raw_dataset(str(tmp_path / 'raw'), [DRIVE], 3, 32, 104, cameras=(2,))
    folder = tmp_path / 'raw' / '2011_09_26' / DRIVE / 'image_02' / 'data'

    def cameras_of(name):
        assert prepare(tmp_path / 'raw', tmp_path / name, '--camera=2', '--half_pixel_centers',
                       '--img_height=16', '--img_width=52') == 0
        return (tmp_path / name / (DRIVE + '_02') / '0000000001_cam.txt').read_text()

    before = cameras_of('before')
    for path in folder.iterdir():
        images.write_png(str(path), images.resize(images.read_rgb(str(path)), 20, 65))
    assert cameras_of('after') == before


def test_a_frame_of_another_size_than_its_drive_is_a_problem(root, tmp_path, capsys):
    shutil.copytree(str(root / '2011_09_26'), str(tmp_path / 'raw' / '2011_09_26'))
    path = tmp_path / 'raw' / '2011_09_26' / DRIVE / 'image_02' / 'data' / '0000000004.png'
    images.write_png(str(path), np.zeros((320, 650, 3), np.uint8))
    assert prepare(tmp_path / 'raw', tmp_path / 'set', '--camera=2', '--sequences=' + DRIVE,
                   '--img_height=16', '--img_width=52') == 2
    assert '0000000004.png: is 650x320 pixels, must be 640x320' in capsys.readouterr().err
    assert len(list((tmp_path / 'set' / (DRIVE + '_02')).glob('*.jpg'))) == 2
