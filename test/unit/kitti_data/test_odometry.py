"""Odometry sequences: frames, times and poses belong together by their numbers."""
import time

import numpy as np
import pytest

import golden_common
import published
from kitti_data import odometry, poses
from kitti_folders import write_sequence
from vo_common.errors import UserError


@pytest.fixture
def root(tmp_path):
    """An odometry folder with sequence 04: five gray frames, calibration, times and poses."""
    times, poses_of_frames = golden_common.make_trajectory(5)
    write_sequence(tmp_path / 'kitti odometry', '04',
                   [np.full((376, 1241), number, np.uint8) for number in range(5)], 0,
                   golden_common.CALIB_ODOM, times, poses_of_frames)
    return tmp_path / 'kitti odometry'


def test_a_sequence_has_images_times_poses_and_calibration(root):
    sequence = odometry.OdometrySequence(str(root), 4)
    assert [path[-10:] for path in sequence.image_paths] == ['%06d.png' % i for i in range(5)]
    assert sequence.times.shape == (5,) and sequence.poses.shape == (5, 4, 4)
    np.testing.assert_array_equal(sequence.frame_numbers, np.arange(5))
    np.testing.assert_array_equal(
        sequence.intrinsics, [[718, 0, 607], [0, 717, 185], [0, 0, 1]])


def test_calibration_equals_the_published_readers(root):
    wanted = published.arrays('numpy_loaders')
    found = odometry.OdometrySequence(str(root), '04').calibration
    np.testing.assert_allclose(found.projection('P2'), wanted['odom_calib_P2'], rtol=1e-6)
    np.testing.assert_allclose(poses.to_4x4(found.matrix('Tr', (3, 4))), wanted['odom_calib_Tr'],
                               rtol=1e-6)


def test_missing_parts_are_errors_only_when_they_are_read(root):
    for path in ('poses/04.txt', 'sequences/04/times.txt', 'sequences/04/calib.txt'):
        (root / path).unlink()
    sequence = odometry.OdometrySequence(str(root), 4)
    assert len(sequence.image_paths) == 5
    for part, file in (('poses', '04.txt'), ('times', 'times.txt'), ('intrinsics', 'calib.txt')):
        with pytest.raises(UserError, match=file):
            getattr(sequence, part)
    with pytest.raises(UserError, match='image_2 does not exist; this sequence has image_0'):
        odometry.OdometrySequence(str(root), 4, camera=2)


def test_poses_follow_the_frame_numbers_when_the_first_images_are_absent(root):
    whole = odometry.OdometrySequence(str(root), 4).poses
    (root / 'sequences' / '04' / 'image_0' / '000000.png').unlink()
    np.testing.assert_array_equal(odometry.OdometrySequence(str(root), 4).poses, whole[1:])
    odometry.write_poses(str(root / 'poses' / '04.txt'), whole[:3])
    with pytest.raises(UserError, match='04.txt has 3 poses, but none for frame 3 .*up to frame 4'):
        getattr(odometry.OdometrySequence(str(root), 4), 'poses')


def test_a_gap_in_the_frames_is_reported_unless_allowed(root):
    (root / 'sequences' / '04' / 'image_0' / '000002.png').unlink()
    with pytest.raises(UserError, match='frames 2 to 2 are missing.*000001.png'):
        odometry.OdometrySequence(str(root), 4)
    sequence = odometry.OdometrySequence(str(root), 4, allow_gaps=True)
    np.testing.assert_array_equal(sequence.frame_numbers, [0, 1, 3, 4])


@pytest.mark.parametrize('text,message', [('P0: 1 2 3\n', ': line 1: P0 is .1 2 3., must be 12'),
                                          ('P0 1 2 3\n', ': line 1: P0 is .1 2 3., must be 12'),
                                          ('P1: 1 2 3\n', " has no key 'P0'; it has P1")])
def test_bad_calibration_lines_are_reported(root, text, message):
    (root / 'sequences' / '04' / 'calib.txt').write_text(text)
    with pytest.raises(UserError, match='calib.txt' + message):
        getattr(odometry.OdometrySequence(str(root), 4), 'intrinsics')


TRUTH = poses.transform_from_vector(np.random.RandomState(1).uniform(-1, 1, (4, 6)))
UPPER, WHOLE = TRUTH[:, :3].reshape(4, 12), TRUTH.reshape(4, 16)
FRAMES, TIMES = [2, 5, 6, 9], [0.25, 0.5, 0.6, 1]


def test_written_poses_are_read_back_to_nine_digits(tmp_path):
    far = TRUTH.copy()
    far[:, :3, 3] *= [900, 30, 1200]
    odometry.write_poses(str(tmp_path / '11.txt'), far)
    np.testing.assert_allclose(odometry.read_pose_file(str(tmp_path / '11.txt')).poses, far,
                               rtol=1e-9)


@pytest.mark.parametrize('delimiter', [' ', ','])
@pytest.mark.parametrize('columns, numbers, times', [
    ([UPPER], None, None), ([FRAMES, UPPER], FRAMES, None), ([WHOLE], None, None),
    ([FRAMES, WHOLE], FRAMES, None),
    ([TIMES, TRUTH[:, :3, 3], poses.quaternion_from_rotation(TRUTH[:, :3, :3])], None, TIMES)])
def test_every_format_holds_the_same_poses(tmp_path, columns, numbers, times, delimiter):
    path = str(tmp_path / 'poses.txt')
    np.savetxt(path, np.column_stack(columns), delimiter=delimiter, header='a comment')
    found = odometry.read_pose_file(path)
    np.testing.assert_allclose(found.poses, TRUTH, atol=1e-12)
    for column, expected in ((found.numbers, numbers), (found.times, times)):
        assert (column if expected is None else column.tolist()) == expected


def test_arrays_of_poses_are_read(tmp_path):
    for array in (TRUTH, TRUTH[:, :3].astype(np.float32)):
        np.save(str(tmp_path / 'a.npy'), array)
        found = odometry.read_pose_file(str(tmp_path / 'a.npy'))
        np.testing.assert_allclose(found.poses, TRUTH, atol=1e-6)
    np.save(str(tmp_path / 'a.npy'), np.eye(4))
    with pytest.raises(UserError, match=r'a.npy: found float64 .4, 4., must be finite numbers .N'):
        odometry.read_pose_file(str(tmp_path / 'a.npy'))


POSE = '1 0 0 5 0 1 0 6 0 0 1 7\n'


@pytest.mark.parametrize('content, message', [
    ('\n', ' is empty'), (POSE + '1 2 3', ': line 2: found .1 2 3., must be 12 finite numbers$'),
    ('1 2 3 4 5 6', ': line 1: found .*, must be 12 finite numbers .* or 8 .TUM'),
    (POSE + '\n' + 'x ' * 12, ': line 3: found'), ('nan ' * 12, ': line 1: found'),
    ('0 1 2 3 0 0 0 0', ': line 1: found a quaternion of length 0, must be a rotation'),
    ('1 0 0 0 0 0 0 1\n' * 2, ': line 2: found the time 1, must be above'),
    (POSE[:-1] + ' 0 0 0 2', ': line 1: found the last row .*, must be 0 0 0 1'),
    ('5 %s2 %s' % (POSE, POSE), ': line 2: found the frame number 2, must'),
    ('1e300 ' + POSE, ': line 1: found'), ('9' * 3000000 + ' ' + POSE, ': line 1: found'),
    ('2.5 ' + POSE, ': line 1: found'), ('-1 ' + POSE, ': line 1: found'),
    ('0 ' * 12, r': line 1: found a 3x3 part with determinant 0, 1 off R R\^T = 1, must be a'),
    ('2 0 0 5 0 2 0 5 0 0 2 5', ': line 1: found a 3x3 part with determinant 8'),
    ('1 0 0 5 0 1 0 5 0 0 -1 5', ': line 1: found a 3x3 part with determinant -1'),
    (POSE + '1 0 0 1e200 0 1 0 0 0 0 1 0', ': line 2: found the position .*must be within 1e.08 m'),
    ('1e200 0 0 0 0 1 0 0 0 0 1 0', ': line 1: found a 3x3 part')])
def test_an_invalid_pose_is_reported_with_its_line(tmp_path, content, message):
    (tmp_path / 'p.txt').write_text(content)
    start = time.time()
    with pytest.raises(UserError, match='p.txt' + message):
        odometry.read_pose_file(str(tmp_path / 'p.txt'))
    assert time.time() - start < 5


def test_real_sequences_are_read(shared):
    sequence = odometry.OdometrySequence(str(shared / 'kitti_sample'), 9)
    assert len(sequence.image_paths) == len(sequence.times) == len(sequence.poses) == 16
    assert sequence.intrinsics[0, 0] == pytest.approx(707.0912)
    steps = np.linalg.norm(np.diff(sequence.poses[:, :3, 3], axis=0), axis=1)
    assert steps.min() > 0.1 and steps.max() < 3
    assert odometry.sequence_names(str(shared / 'kitti_sample')) == ['00', '09']


def test_poses_of_thirteen_columns_belong_to_their_numbered_frames(root):
    path = root / 'poses' / '04.txt'
    whole = odometry.read_pose_file(str(path)).poses
    rows = np.hstack([np.array([[1], [2], [3], [4], [7]]), whole[:, :3].reshape(5, 12)])
    np.savetxt(str(path), rows)
    with pytest.raises(UserError, match='04.txt has 5 poses, but none for frame 0 '):
        getattr(odometry.OdometrySequence(str(root), 4), 'poses')
    (root / 'sequences' / '04' / 'image_0' / '000000.png').unlink()
    np.testing.assert_allclose(odometry.OdometrySequence(str(root), 4).poses, whole[:4])


def test_a_byte_order_mark_and_other_line_ends_change_neither_values_nor_line_numbers(root):
    """What Windows' editors write: UTF-8 with a byte-order mark, CRLF, blank lines."""
    def content():
        sequence = odometry.OdometrySequence(str(root), 4)
        return [part.tolist() for part in (sequence.poses, sequence.times, sequence.intrinsics)]

    before = content()
    for path in ('poses/04.txt', 'sequences/04/calib.txt', 'sequences/04/times.txt'):
        lines = (root / path).read_text().replace('\n', '\r\n\r\n')
        (root / path).write_bytes(('\ufeff\r\n' + lines).encode('utf-8'))
    assert content() == before
    path = root / 'poses' / '04.txt'
    lines = path.read_bytes().split(b'\r\n')
    lines[5] = b'1 2 x'
    path.write_bytes(b'\r\n'.join(lines))
    with pytest.raises(UserError, match="04.txt: line 6: found '1 2 x'"):
        odometry.read_pose_file(str(path))


def test_times_that_go_back_are_refused_with_their_place(root):
    (root / 'sequences' / '04' / 'times.txt').write_text('0\n0.1\n0.2\n0\n0.1\n')
    with pytest.raises(UserError, match='times.txt: time 4 is 0, must be above .* before, 0.2'):
        getattr(odometry.OdometrySequence(str(root), 4), 'times')


def test_the_rate_follows_times_and_frame_numbers(root):
    path = root / 'sequences' / '04' / 'times.txt'
    np.savetxt(str(path), np.arange(5) / 48)
    assert odometry.OdometrySequence(str(root), 4).rate == pytest.approx(48)
    for number in (1, 3):
        (root / 'sequences' / '04' / 'image_0' / ('%06d.png' % number)).unlink()
    assert odometry.OdometrySequence(str(root), 4, allow_gaps=True).rate == pytest.approx(24)
    path.unlink()
    assert odometry.OdometrySequence(str(root), 4, allow_gaps=True).rate == pytest.approx(5)
