"""Turned frames: the images and the motions between them are those of the turned camera."""
import numpy as np
import pytest

from kitti_data import motion
from kitti_data.pipeline import augmentation
from kitti_data.pipeline.augmentation import AugmentConfig
from kitti_data.pipeline.compact_frames import CompactFrames
from kitti_data.pipeline.turned_frames import PIVOT_TURN, mount, turn, turned_frame
from kitti_data.pipeline.window_augmentation import WindowAugmentConfig, change_window

K = np.array([[90.0, 0, 51.5], [0, 88.0, 15.5], [0, 0, 1]])
HEIGHT, WIDTH = 32, 104


def view(points, rotation):
    """uint8 [H, W, 3] with a blurred dot where a camera at the origin sees each point."""
    image = np.zeros([HEIGHT, WIDTH, 3], np.float32)
    for x, y in pixels(points, rotation):
        rows, columns = np.mgrid[:HEIGHT, :WIDTH]
        dot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8)
        image = np.maximum(image, 200 * dot[..., None])
    return image.astype(np.uint8)


def pixels(points, rotation):
    seen = points @ rotation @ K.T
    return seen[:, :2] / seen[:, 2:]


def centre(image):
    """Position (x, y) of the only dot of an image."""
    weights = image[..., 0].astype(float)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()


@pytest.mark.parametrize('depth', [4.0, 40.0])
@pytest.mark.parametrize('angle', [0.05, -0.12])
def test_a_turned_frame_is_what_the_turned_camera_sees_at_any_depth(depth, angle):
    point = depth * np.array([[0.08, 0.02, 1.0]])
    rotation = turn(angle)
    turned = turned_frame(view(point, np.eye(3)), K, rotation)
    np.testing.assert_allclose(centre(turned), pixels(point, rotation)[0], atol=0.15)
    assert np.abs(turned.astype(int) - view(point, rotation)).max() <= 12


def test_a_turned_frame_repeats_its_border():
    frame = np.tile(np.arange(WIDTH, dtype=np.uint8)[None, :, None], (HEIGHT, 1, 3))
    turned = turned_frame(frame, K, turn(0.1))
    assert np.all(turned[HEIGHT // 2, -8:] == WIDTH - 1)


def augmented(stack, count, **flags):
    """Draws and augmented stacks of the first `count` positions, with these flags alone."""
    found = []
    camera, before = K.astype(np.float32), stack.copy()
    for position in range(count):
        draw = augmentation.draw(AugmentConfig(augment=[], **flags), 1, position, HEIGHT, WIDTH, 3)
        out, intrinsics = augmentation.apply(draw, stack, camera)
        np.testing.assert_array_equal(intrinsics, camera)
        found.append((draw, out))
    np.testing.assert_array_equal(stack, before)
    return found


def test_an_example_that_pivots_shows_its_middle_frame_turned():
    stack = np.random.RandomState(2).randint(0, 256, (HEIGHT, WIDTH, 9)).astype(np.uint8)
    found = augmented(stack, 40, augment_pivot=0.5)
    pivots = [pair for pair in found if pair[0].pivot]
    assert 10 < len(pivots) < 30
    assert PIVOT_TURN / 2 < max(abs(draw.turn) for draw, _ in pivots) <= PIVOT_TURN
    for draw, example in found:
        if not draw.pivot:
            np.testing.assert_array_equal(example, stack)
            continue
        target, earlier, later = np.split(example, 3, axis=2)
        np.testing.assert_array_equal(target, stack[..., :3])
        for frame, time in ((earlier, -1), (later, 1)):
            np.testing.assert_array_equal(frame, turned_frame(
                target, K.astype(np.float32), turn(time * draw.turn)))


@pytest.mark.parametrize('most_turn, most_mount', [(0.05, 0), (0.03, 0.06)])
def test_a_camera_that_turns_in_another_mount_sees_a_rigid_scene_in_all_frames(
        most_turn, most_mount):
    # Ahead past a point: in each frame it is seen where the camera of that frame, looking elsewhere
    # by the same rotation, and turning with time, has it.
    point = np.array([0.3, -0.1, 9.0])
    frames = [view((point - [0, 0, ahead])[None], np.eye(3)) for ahead in (0, -1, 1)]
    found = augmented(np.concatenate(frames, axis=2), 20, augment_mount=most_mount,
                      augment_turn=most_turn)
    turns = np.array([draw.turn for draw, _ in found])
    assert np.abs(turns).max() <= most_turn
    assert turns.min() < -0.4 * most_turn and turns.max() > 0.4 * most_turn
    mounts = np.stack([draw.mount for draw, _ in found])
    assert 0.8 * most_mount <= np.abs(mounts).max() <= most_mount
    assert np.abs(mounts.mean(axis=0)).max() <= most_mount / 2
    for draw, example in found:
        if not most_mount:
            np.testing.assert_array_equal(example[..., :3], frames[0])
        for frame, ahead in zip(np.split(example, 3, axis=2), (0, -1, 1)):
            rotation = turn(ahead * draw.turn) @ mount(draw.mount)
            np.testing.assert_allclose(
                centre(frame), pixels((point - [0, 0, ahead])[None], rotation)[0], atol=0.2)


def test_looking_up_moves_the_scene_down_and_to_the_right_moves_it_to_the_left():
    # y points down: x = z sin(angle) is ahead of a camera turned by a positive angle.
    ahead = np.array([[0.0, 0, 10]])
    assert pixels(ahead, turn(0.05))[0, 0] < K[0, 2] - 4
    assert pixels(ahead, mount([0.05, 0]))[0, 1] > K[1, 2] + 4
    assert pixels(ahead, mount([0, 0.05]))[0, 0] < K[0, 2] - 4


def test_motions_of_a_window_are_those_of_the_turned_cameras():
    # Three frames of a camera that drives ahead past a point.
    poses = np.tile(np.eye(4), (3, 1, 1))
    poses[:, 2, 3] = 0.0, 1.0, 2.2
    point = np.array([0.4, 0.1, 12.0])
    frames = np.stack([view((point - pose[:3, 3])[None], np.eye(3)) for pose in poses])
    ones = np.ones(3, np.float32)
    motions = motion.motions_from_poses(poses).astype(np.float32)
    for position in range(5):
        compact, changed = change_window(
            CompactFrames(frames, ones, ones), motions, WindowAugmentConfig(augment_turn=0.06), 1,
            position, K)
        turned = motion.poses_from_motions(changed)
        # The same world: the point lies where each turned camera says, in the first one's frame.
        first = turn(-changed[0, 4])  # the middle frame is not turned
        for frame, pose in zip(compact.frames, turned):
            in_first = first.T @ (point - poses[0, :3, 3])
            seen = pose[:3, :3].T @ (in_first - pose[:3, 3])
            np.testing.assert_allclose(centre(frame), (K @ seen)[:2] / seen[2], atol=0.2)
        assert abs(changed[0, 4]) <= 0.06
        np.testing.assert_allclose(changed[0, 4], changed[1, 4], atol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(changed[:, :3], axis=1), [1, 1.2], rtol=1e-5)


def test_motions_of_a_window_are_those_of_the_camera_in_another_mount():
    # A camera that drives ahead and turns: the same motion T, in the axes of the turned mount, R.
    motions = np.float32([[0.1, 0, 1.0, 0.0, 0.1, 0.0], [0.0, 0.02, 1.2, 0.01, 0.0, 0.0]])
    frames = np.zeros([3, HEIGHT, WIDTH, 1], np.uint8)
    ones = np.ones(3, np.float32)
    steps, found = motion.poses_from_vectors(motions), []
    for position in range(8):
        _, changed = change_window(CompactFrames(frames, ones, ones), motions, WindowAugmentConfig(
            augment_mount=0.08), 1, position, K)
        before, after = (np.stack([*rows[:, :3], np.cross(*rows[:, :3])]).astype(np.float64)
                         for rows in (motions, changed))
        mounted = np.eye(4)
        mounted[:3, :3] = np.linalg.solve(after, before).T  # translations are those before, R' t
        np.testing.assert_allclose(mounted @ mounted.T, np.eye(4), atol=1e-5)
        np.testing.assert_allclose(motion.poses_from_vectors(changed),
                                   mounted.T @ steps @ mounted, atol=1e-5)
        found.append(changed[0, :2] / changed[0, 2])
    # Looking up and to the side, what lay ahead lies lower and to the other side.
    spread = np.abs(np.array(found) - [0.1, 0]).max(axis=0)
    assert (spread > 0.03).all() and (spread < 0.1).all()
