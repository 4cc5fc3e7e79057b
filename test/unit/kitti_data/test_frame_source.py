"""Frames to predict on are found in every layout, in order; broken ones are reported."""
import numpy as np
import pytest

from kitti_data import frame_source
from kitti_data.images import resize, write_png
from kitti_folders import write_drive, write_sequence
from vo_common.errors import UserError


def picture(i, height=24, width=40):
    rng = np.random.RandomState(i)
    return np.kron(rng.randint(0, 255, (height // 8, width // 8, 3)),
                   np.ones((8, 8, 1))).astype(np.uint8)


@pytest.fixture
def odometry(tmp_path):
    write_sequence(tmp_path / 'with space', '09', map(picture, range(5)),
                   times=['%e' % (0.1 * i) for i in range(5)])
    return tmp_path / 'with space'


def test_an_odometry_sequence_gives_its_frames_resized_and_its_times(odometry):
    source = frame_source.sequence_frames(str(odometry), 9, 2)
    assert source.size == (24, 40) and len(source.names) == 5
    np.testing.assert_allclose(source.read_times(), 0.1 * np.arange(5))
    for i, frame in enumerate(source.read(12, 20)):
        np.testing.assert_array_equal(frame, resize(picture(i), 12, 20))
    path = odometry / 'sequences' / '09' / 'image_2' / '000002.png'
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(UserError, match='000002.png'):
        list(source.read(12, 20))


def test_a_list_is_read_relative_to_the_data_set_and_keeps_its_order(odometry, tmp_path):
    listing = tmp_path / 'list.txt'
    listing.write_text('sequences/09/image_2/000003.png right.png\n'
                       'sequences/09/image_2/000001.png right.png\n')
    source = frame_source.depth_frames(str(odometry), 'eigen', str(listing))
    frames = list(source.read(24, 40))
    np.testing.assert_array_equal(frames[0], picture(3))
    np.testing.assert_array_equal(frames[1], picture(1))


@pytest.mark.parametrize('make, message', [
    (lambda p: None, 'does not exist'),
    (lambda p: p.mkdir(), 'neither sequences/ nor images'),
    (lambda p: p.write_text('x'), 'neither a folder nor a video')])
def test_a_path_without_frames_is_refused_with_what_is_expected(tmp_path, make, message):
    path = tmp_path / 'frames'
    make(path)
    with pytest.raises(UserError, match=message):
        frame_source.sequence_frames(str(path))


def test_an_empty_path_is_refused():
    with pytest.raises(UserError, match='--dataset_dir is empty'):
        frame_source.sequence_frames('')


def test_frames_of_two_sizes_may_be_single_images_but_not_a_drive(tmp_path):
    for number, height in enumerate((24, 24, 32)):
        write_png(str(tmp_path / ('%06d.png' % number)), picture(number, height))
    with pytest.raises(UserError, match='000002.png: is 40x32 pixels, must be 40x24 like'):
        frame_source.sequence_frames(str(tmp_path))
    assert len(frame_source.sequence_frames(str(tmp_path), allow_gaps=True).names) == 3


RAW_CALIBRATION = 'P_rect_02: 30 0 19 0 0 31 11 0 0 0 1 0\nP_rect_03: 1 0 0 0 0 1 0 0 0 0 1 0\n'


@pytest.fixture
def drive(tmp_path):
    """A raw drive of frames 1 to 4, 0.2, 0.3 and 0.4 s apart, beside its calibration."""
    folder = write_drive(tmp_path / 'raw', '2011_09_26_drive_0001_sync', map(picture, range(1, 5)),
                         cameras=(2,), first=1, calib_cam_to_cam=RAW_CALIBRATION)
    (folder / 'image_02' / 'timestamps.txt').write_text(''.join(
        '2011-09-26 13:%s\n' % time for time in (
            '02:59.900000000', '02:59.950000000', '03:00.150000000', '03:00.450000000',
            '03:00.850000000')))
    return folder


@pytest.mark.parametrize('inside', ['', 'image_02', 'image_02/data'])
def test_a_raw_drive_has_its_calibration_and_times(drive, inside):
    source = frame_source.sequence_frames(str(drive / inside), camera=2)
    assert source.numbers.tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(source.read_camera(), [[30, 0, 19], [0, 31, 11], [0, 0, 1]])
    np.testing.assert_allclose(source.read_times(), [0.05, 0.25, 0.55, 0.95], atol=1e-9)


def test_a_broken_or_short_file_of_timestamps_is_reported(drive):
    path = drive / 'image_02' / 'timestamps.txt'
    path.write_text('2011-09-26 13:02:01.5\nnoon\n')
    with pytest.raises(UserError, match="timestamps.txt: line 2: found 'noon', must be a time"):
        frame_source.sequence_frames(str(drive)).read_times()
    path.write_text('2011-09-26 13:02:01.5\n2011-09-26 13:02:01.5\n')
    with pytest.raises(UserError, match='line 2: found .*:01.5, must be after the time before'):
        frame_source.sequence_frames(str(drive)).read_times()
    path.write_text(''.join('2011-09-26 13:02:0%d.5\n' % second for second in range(4)))
    with pytest.raises(UserError, match='has 4 times, must have one for each frame up to 4'):
        frame_source.sequence_frames(str(drive)).read_times()


def test_a_folder_of_raw_drives_names_a_drive_and_a_list_for_single_images_alone(drive):
    for folder in (drive.parent, drive.parent.parent):
        with pytest.raises(UserError, match='must be one drive of KITTI raw, such as %s' % drive
                           ) as error:
            frame_source.sequence_frames(str(folder))
        assert '--test_file_list' not in str(error.value)
        with pytest.raises(UserError, match='such as %s, or give --test_file_list' % drive):
            frame_source.depth_frames(str(folder), 'eigen')


def test_every_third_frame_keeps_its_number_and_time(odometry):
    source = frame_source.sequence_frames(str(odometry), 9, 2).every(3)
    assert source.names == ['000000.png', '000003.png'] and source.numbers.tolist() == [0, 3]
    np.testing.assert_allclose(source.read_times(), [0, 0.3])
    frames = list(source.read(24, 40))
    assert len(frames) == 2
    np.testing.assert_array_equal(frames[1], picture(3))


@pytest.mark.parametrize('rate, step, said', [
    (10, 1, None), (14, 1, None), (7, 1, None), (30 / 2, 2, None),
    (30, 1, ' (--frame_step=3 fits better)'), (25 / 5, 5, ' (--frame_step=2 fits better)'),
    (2, 1, ''), (2, None, '')])
def test_another_frame_rate_than_kittis_warns_and_suggests_a_step(capsys, rate, step, said):
    frame_source.warn_of_rate(rate, 'my.mp4', step)
    assert capsys.readouterr().err == ('' if said is None else (
        'warning: my.mp4: prediction uses %d frames per second, KITTI has 10: a model trained on '
        'KITTI expects other motions%s\n' % (rate, said)))


@pytest.mark.parametrize('given, flag', [
    (dict(camera=3), '--camera=3'), (dict(sequence='7'), '--pose_test_seq=7')])
def test_a_camera_or_sequence_that_contradicts_the_frames_is_refused(drive, given, flag):
    data = str(drive / 'image_02' / 'data')
    with pytest.raises(UserError, match='%s: must not be given for %s' % (flag, data)):
        frame_source.sequence_frames(data, **given)
    with pytest.raises(UserError, match=flag + ': must not be given for the images of'):
        frame_source.depth_frames(str(drive), 'eigen', 'list.txt', **given)
    assert frame_source.sequence_frames(str(drive), '9').names  # the default of the flag


def test_the_stereo_split_is_refused_for_other_layouts_of_kitti(drive, odometry):
    for path in (drive, odometry):
        with pytest.raises(UserError, match='--depth_test_split=stereo: must not be given for %s'
                           % path):
            frame_source.depth_frames(str(path), 'stereo', sequence=9)
