"""Augmented windows have the motions between their frames."""
import numpy as np
import pytest

from kitti_data import motion
from kitti_data.pipeline import turned_frames
from kitti_data.pipeline.compact_frames import CompactFrames
from kitti_data.pipeline.window_augmentation import WindowAugmentConfig, change_window
from vo_common.errors import UserError

MIRROR = np.diag([-1.0, 1, 1, 1])


@pytest.fixture
def window():
    """Four frames, each pixel its own, and the three motions of a winding drive."""
    rng = np.random.RandomState(3)
    frames = rng.randint(0, 256, (4, 5, 6, 1)).astype(np.uint8)
    motions = np.float32([[0.1, -0.02, 1.0, 0.01, 0.05, -0.01], [0.0, 0.01, 1.2, 0.0, -0.1, 0.02],
                          [-0.1, 0.0, 0.8, -0.02, 0.2, 0.0]])
    return CompactFrames(frames, np.float32([1, 2, 3, 4]), np.float32([5, 6, 7, 8])), motions


def positions(config, window, seed=1, intrinsics=None):
    """What becomes of the window at the first 40 positions of a run."""
    return [change_window(*window, config, seed, position, intrinsics) for position in range(40)]


def changed_windows(window, change):
    """Those of `positions` that differ, about half of them."""
    changed = [found for found in positions(WindowAugmentConfig(augment=[change]), window)
               if not np.array_equal(found[0].frames, window[0].frames)]
    assert 10 < len(changed) < 30
    return changed


def test_a_mirrored_window_has_the_motions_of_the_mirrored_world(window):
    compact, motions = window
    mirrored, found = changed_windows(window, 'mirror')[0]
    np.testing.assert_array_equal(mirrored.frames, compact.frames[:, :, ::-1])
    expected = MIRROR @ motion.poses_from_vectors(motions) @ MIRROR
    np.testing.assert_allclose(motion.poses_from_vectors(found), expected, atol=1e-6)


def test_a_reversed_window_has_the_inverse_motions_from_last_to_first(window):
    compact, motions = window
    backwards, found = changed_windows(window, 'reverse')[0]
    for values, original in zip(backwards, compact):
        np.testing.assert_array_equal(values, original[::-1])
    expected = np.linalg.inv(motion.poses_from_vectors(motions[::-1]))
    np.testing.assert_allclose(motion.poses_from_vectors(found), expected, atol=1e-6)
    assert found.dtype == np.float32


def test_a_pivot_shows_one_frame_that_turns_and_moves_nowhere(window):
    compact, motions = window
    intrinsics = np.array([[4.0, 0, 3], [0, 4, 2], [0, 0, 1]])
    found = positions(WindowAugmentConfig(augment_pivot=0.5), window, intrinsics=intrinsics)
    pivots = [(frames, labels) for (frames, _, _), labels in found
              if not np.array_equal(labels, motions)]
    assert 10 < len(pivots) < 30
    turns = [labels[0, 4] for _, labels in pivots]
    most = turned_frames.PIVOT_TURN
    assert -most <= min(turns) < -most / 2 and most / 2 < max(turns) <= most
    for (frames, labels), angle in zip(pivots, turns):
        np.testing.assert_allclose(labels, np.tile([0, 0, 0, 0, angle, 0], (3, 1)), atol=1e-6)
        for frame, time in zip(frames, (-1.5, -0.5, 0.5, 1.5)):
            np.testing.assert_array_equal(frame, turned_frames.turned_frame(
                compact.frames[0], intrinsics, turned_frames.turn(np.float64(angle) * time)))


def test_a_shaken_window_has_the_motions_of_a_camera_that_shakes(window, monkeypatch):
    compact, motions = window
    intrinsics = np.array([[40.0, 0, 3], [0, 40, 2], [0, 0, 1]])
    used, true_shake = [], turned_frames.shake

    def recorded(angles):
        used.append(angles)
        return true_shake(angles)

    monkeypatch.setattr(turned_frames, 'shake', recorded)
    found = positions(WindowAugmentConfig(augment_shake=0.05), window, intrinsics=intrinsics)
    for (frames, _, _), labels, angles in zip(*zip(*found), used):
        cameras = np.tile(np.eye(4), (len(frames), 1, 1))
        cameras[:, :3, :3] = true_shake(angles)
        expected = (np.linalg.inv(cameras[:-1]) @ motion.poses_from_vectors(motions)
                    @ cameras[1:])
        np.testing.assert_allclose(motion.poses_from_vectors(labels), expected, atol=1e-6)
        for frame, original, camera in zip(frames, compact.frames, cameras):
            np.testing.assert_array_equal(
                frame, turned_frames.turned_frame(original, intrinsics, camera[:3, :3]))
    assert np.shape(used) == (40, 4, 3)
    assert 0.045 < np.abs(used).max() <= 0.05
    # Frames and axes are independent.
    correlation = np.corrcoef(np.reshape(used, [40, 12]), rowvar=False)
    assert np.abs(correlation - np.eye(12)).max() < 0.7


def test_the_change_depends_only_on_seed_and_position(window):
    config = WindowAugmentConfig(augment=['mirror'])
    first, again = (positions(config, window) for _ in range(2))
    for one, other in zip(first, again):
        np.testing.assert_array_equal(one[0].frames, other[0].frames)
        np.testing.assert_array_equal(one[1], other[1])
    elsewhere = positions(config, window, seed=2)
    assert any((one[1] != other[1]).any() for one, other in zip(first, elsewhere))


def test_nothing_is_changed_by_default(window):
    compact, motions = change_window(*window, WindowAugmentConfig(), 1, 1)
    assert compact is window[0] and motions is window[1]


def test_an_empty_list_of_distances_is_refused():
    with pytest.raises(UserError, match='--frame_distance= is empty: must be at least one number'):
        WindowAugmentConfig(frame_distance=[])


@pytest.mark.parametrize('flag, value, typed', [
    ('augment', ['mirror'], 'mirror'), ('augment', ['reverse'], 'reverse'),
    ('augment_turn', 0.1, '0.1'), ('augment_pivot', 1.0, '1.0'), ('augment_mount', 0.05, '0.05'),
    ('augment_shake', 0.02, '0.02')])
def test_augmentation_is_refused_for_labels_in_the_world_frame(flag, value, typed):
    with pytest.raises(UserError, match='--%s=%s: must not be given with --label_frame=world' % (
            flag, typed)):
        WindowAugmentConfig(**{flag: value}).check('world')
