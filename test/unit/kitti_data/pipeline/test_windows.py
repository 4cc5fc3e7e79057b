"""Windows of frames and motions: golden labels and frames, extent of windows, refused data."""
import cv2
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from kitti_data import motion, odometry
from kitti_data.poses import to_4x4
from kitti_data.pipeline import compact_frames
from kitti_data.pipeline import windows
from kitti_data.pipeline.window_augmentation import WindowAugmentConfig
from kitti_folders import write_sequence
from vo_common.errors import UserError
from vo_common.files import read_json

FRAME_SIZE = (37, 123)


@pytest.fixture(scope='module')
def synth(golden):
    """(arrays, numbers) of the published loader."""
    path = str(golden / 'convlstm_vo' / 'synth')
    return np.load(path + '.npz'), read_json(path + '.json')


def _golden_image(index):
    """The picture behind synth.json: every size in pixels, values as OpenCV writes them."""
    y, x = np.mgrid[:370, :1226]
    return (120 + 80 * np.sin(x / 37. + index) * np.cos(y / 23.)
            + 30 * np.sin((x + 2 * y) / 5. + index)).astype(np.uint8)


def _write_sequence(root, name, num_frames, size=FRAME_SIZE):
    """A sequence whose frame n is n in every pixel but one, and whose motion n is n + 1 metres."""
    frames = np.ones((num_frames,) + size, np.uint8)
    frames *= (np.arange(num_frames) + int(name) * 100).astype(np.uint8)[:, None, None]
    frames[:, 0, 0] = 250
    folder = write_sequence(root, name, frames, camera=0)
    poses = np.tile(np.eye(4), (num_frames, 1, 1))
    poses[:, 2, 3] = np.cumsum(np.arange(num_frames))
    odometry.write_poses(str(root / 'poses' / (name + '.txt')), poses)
    return folder


@pytest.fixture(scope='module')
def drives(tmp_path_factory):
    """Two sequences of 6 and 4 frames."""
    root = tmp_path_factory.mktemp('drives')
    _write_sequence(root, '00', 6)
    _write_sequence(root, '01', 4)
    return root


def _window_set(root, sequences=(0, 1), time_steps=2, size=FRAME_SIZE, **options):
    return windows.WindowSet(str(root), sequences, time_steps, *size, **options)


def test_vectors_and_world_labels_are_the_golden_ones_with_wrapped_angles(synth):
    arrays, scalars = synth
    poses = to_4x4(arrays['poses12'].reshape(-1, 3, 4))
    np.testing.assert_allclose(motion.vectors_from_poses(poses), arrays['pose6'], atol=1e-6)
    labels = motion.motions_from_poses(poses, 'world')
    wanted = arrays['labels'].copy()
    wanted[:, 3:] = np.angle(np.exp(1j * wanted[:, 3:]))
    np.testing.assert_allclose(labels, wanted, atol=1e-6)
    plain = np.setdiff1d(np.arange(len(labels)), scalars['label_rows_with_angle_jump_over_1rad'])
    np.testing.assert_allclose(labels[plain], arrays['labels'][plain], atol=1e-6)


@pytest.mark.parametrize('label_frame', motion.LABEL_FRAMES)
def test_motions_chain_back_to_the_poses(synth, label_frame):
    vectors = motion.vectors_from_poses(synth[0]['poses12'].reshape(-1, 3, 4))
    poses = motion.poses_from_vectors(vectors)
    chained = motion.poses_from_motions(motion.motions_from_poses(poses, label_frame), label_frame,
                                        first_pose=poses[0])
    np.testing.assert_allclose(chained, np.linalg.inv(poses[0]) @ poses, atol=1e-9)


def test_wrapped_angles_are_above_minus_pi_and_at_most_pi():
    np.testing.assert_allclose(motion.wrap_angle([np.pi, -np.pi, 3 * np.pi, 4., -4., 0.5]),
                               [np.pi, np.pi, np.pi, 4. - 2 * np.pi, 2 * np.pi - 4., 0.5])


def test_camera_motion_of_a_turn_does_not_depend_on_the_heading():
    step = motion.poses_from_vectors([0.1, 0, 1, 0, 0.05, 0])
    start = motion.poses_from_vectors([3, 1, 2, 0.1, 2.5, -0.3])
    poses = np.stack([start, start @ step, start @ step @ step])
    np.testing.assert_allclose(motion.motions_from_poses(poses),
                               [[0.1, 0, 1, 0, 0.05, 0]] * 2, atol=1e-12)


def _read(tmp_path, image, height, width):
    """The <CompactFrames> of an image file alone."""
    path = str(tmp_path / 'frame.png')
    cv2.imwrite(path, image)
    return compact_frames.FrameReader([path], height, width, [
        compact_frames.check_frames([path])]).read([0])


@pytest.mark.parametrize('index', [0, 1, 2])
def test_resized_frames_equal_those_of_the_golden_loader(synth, tmp_path, index):
    entry = synth[1]['img'][str(index)]
    compact = _read(tmp_path, _golden_image(index), 384, 1280)
    assert compact.frames.dtype == np.uint16 and compact.frames.shape == (1, 384, 1280, 1)
    assert compact.mean[0] == pytest.approx(entry['raw_mean'] / entry['raw_max'], rel=1e-6)
    frame = compact.frames[0].astype(np.float64) * compact.scale[0] - compact.mean[0]
    for name in ('mean', 'std', 'min', 'max'):
        assert getattr(frame, name)() == pytest.approx(entry[name], abs=2e-5), name
    flat = np.repeat(frame, 3, axis=2).ravel()
    found = [flat[int(place)] for place in entry['samples']]
    np.testing.assert_allclose(found, list(entry['samples'].values()), atol=2e-5)
    blocks = frame.reshape(6, 64, 20, 64).mean(axis=(1, 3))
    np.testing.assert_allclose(blocks, entry['block_means_6x20'], atol=2e-5)


def test_frames_of_the_right_size_stay_8_bit(drives):
    compact, _ = _window_set(drives).window(0)
    assert compact.frames.dtype == np.uint8
    image = compact.frames[2, ..., 0].astype(np.float64)
    np.testing.assert_allclose(image * compact.scale[2] - compact.mean[2],
                               image / 250. - image.mean() / 250., atol=1e-6)


@pytest.mark.parametrize('label_frame', motion.LABEL_FRAMES)
@pytest.mark.parametrize('distances, frames', [
    ([1], [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [100, 101, 102], [101, 102, 103]]),
    ([3, 1], [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [100, 101, 102], [101, 102, 103]]),
    ([2, 1], [[0, 2, 4], [1, 3, 5], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [100, 101, 102],
              [101, 102, 103]])])
def test_windows_stay_inside_their_sequences_with_the_motions_between_their_frames(
        drives, label_frame, distances, frames):
    window_set = _window_set(drives, label_frame=label_frame,
                             augment=WindowAugmentConfig(frame_distance=distances))
    assert len(window_set) == len(frames)
    positions = np.cumsum(np.arange(6))
    for index, wanted in enumerate(frames):
        compact, motions = window_set.window(index)
        np.testing.assert_array_equal(compact.frames[:, 5, 5, 0], wanted)
        np.testing.assert_allclose(motions[:, 2], np.diff(positions[np.array(wanted) % 100]))


def test_a_window_decodes_each_frame_once(drives, monkeypatch):
    window_set = _window_set(drives, time_steps=3)
    decoded = []
    decode = cv2.imdecode
    monkeypatch.setattr(cv2, 'imdecode', lambda *args: decoded.append(1) or decode(*args))
    window_set.window(0)
    assert len(decoded) == 4


def test_batches_have_static_shapes(drives):
    dataset = _window_set(drives, size=(64, 128)).dataset(batch_size=3)
    shapes = tf.data.get_output_shapes(dataset)
    assert {name: shape.as_list() for name, shape in shapes.items()} == {
        'frames': [3, 3, 64, 128, 1], 'scale': [3, 3], 'mean': [3, 3], 'motions': [3, 2, 6]}
    assert tf.data.get_output_types(dataset)['frames'] == tf.uint16


def test_a_resumed_run_reads_the_batches_of_an_uninterrupted_one(drives):
    with tf.Session() as session:
        whole, resumed = (tf.data.make_one_shot_iterator(_window_set(drives).dataset(
            batch_size=2, seed=3, start=start)).get_next() for start in (0, 8))
        batches = [session.run(whole) for _ in range(6)]
        for wanted in batches[4:]:
            found = session.run(resumed)
            np.testing.assert_array_equal(wanted['frames'], found['frames'])
            np.testing.assert_array_equal(wanted['motions'], found['motions'])


def test_colour_frames_keep_three_channels_in_bgr(tmp_path):
    write_sequence(tmp_path, '00', [np.full(FRAME_SIZE + (3,), (250, 20, 10), np.uint8)] * 3)
    odometry.write_poses(str(tmp_path / 'poses' / '00.txt'), np.tile(np.eye(4), (3, 1, 1)))
    compact, _ = _window_set(tmp_path, [0], camera=2).window(0)
    np.testing.assert_array_equal(compact.frames[1, 3, 3], [10, 20, 250])


def test_a_black_frame_is_zero(tmp_path):
    compact = _read(tmp_path, np.zeros(FRAME_SIZE, np.uint8), 64, 128)
    assert np.all(compact.frames == 0) and compact.mean[0] == 0 and np.isfinite(compact.scale[0])


def _flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(bytes(data))


@pytest.mark.parametrize('damage, message', [
    (lambda root, folder: (folder / '000002.png').unlink(), r'000001\.png.*000003\.png'),
    (lambda root, folder: (folder / '000002.png').write_bytes(
        (folder / '000002.png').read_bytes()[:-20]), r'000002\.png'),
    (lambda root, folder: _flip_a_bit(folder / '000002.png'), r'000002\.png'),
    (lambda root, folder: cv2.imwrite(str(folder / '000003.png'), np.zeros((30, 40), np.uint8)),
     r'000003\.png is 30x40 gray.*37x123 gray'),
    (lambda root, folder: (root / 'poses/00.txt').unlink(), r'poses/00\.txt'),
], ids=['missing frame', 'cut short', 'flipped bit', 'other size', 'no poses'])
def test_damage_is_reported_before_training(tmp_path, damage, message):
    folder = _write_sequence(tmp_path, '00', 5)
    damage(tmp_path, folder)
    with pytest.raises(UserError, match=message):
        _window_set(tmp_path, [0])


@pytest.mark.parametrize('time_steps, distances, required', [(4, [1], 5), (2, [3, 2], 5)])
def test_a_sequence_too_short_for_a_window_is_reported(drives, time_steps, distances, required):
    with pytest.raises(UserError, match='sequence 01: found 4 frames .*, must be at least %d '
                                        '.--time_steps=%d' % (required, time_steps)):
        _window_set(drives, time_steps=time_steps,
                    augment=WindowAugmentConfig(frame_distance=distances))
