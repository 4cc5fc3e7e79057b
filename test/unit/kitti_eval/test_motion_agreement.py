"""Turns and step lengths of a prediction against made-up drives with a closed answer."""
import numpy as np
import pytest

from kitti_data import poses as pose_math
from kitti_eval.motion_agreement import motion_agreement


def drive(yaw, steps):
    """Poses [N, 4, 4] of a car that turns by `yaw` [N-1] and drives `steps` [N-1] metres."""
    angles = np.stack([0 * yaw, yaw, 0 * yaw], axis=-1)
    offsets = np.stack([0 * steps, 0 * steps, steps], axis=-1)
    poses = [np.eye(4)]
    for motion in pose_math.from_parts(pose_math.rotation_from_euler(angles), offsets):
        poses.append(poses[-1] @ motion)
    return np.array(poses)


@pytest.fixture
def turns():
    return 0.02 * np.sin(np.arange(60) / 7.0)


def test_the_truth_in_another_scale_agrees_with_itself(turns):
    steps = 1 + 0.3 * np.cos(np.arange(60) / 9.0)
    found = motion_agreement(drive(turns, steps), drive(turns, 5 * steps))
    np.testing.assert_allclose([found[key] for key in ('yaw_correlation', 'yaw_slope',
                                                       'step_spread')], [1, 1, 0], atol=1e-9)


def test_turns_of_half_the_size_have_slope_one_half(turns):
    found = motion_agreement(drive(turns, np.ones(60)), drive(0.5 * turns, np.ones(60)))
    assert found['yaw_slope'] == pytest.approx(0.5)
    assert found['yaw_correlation'] == pytest.approx(1)


def test_steps_that_breathe_by_a_tenth_have_that_spread(turns):
    wave = 1 + 0.1 * np.where(np.arange(60) % 2, 1, -1)
    found = motion_agreement(drive(turns, np.ones(60)), drive(turns, wave))
    assert found['step_spread'] == pytest.approx(0.1)


def test_where_the_car_stands_its_steps_do_not_count(turns):
    steps = np.where(np.arange(60) < 30, 1.0, 0.0)
    found = motion_agreement(drive(turns, steps), drive(turns, steps + 0.05 * (steps == 0)))
    assert found['step_spread'] == pytest.approx(0)


def test_what_cannot_be_said_is_none():
    straight = drive(np.zeros(10), np.zeros(10))
    assert motion_agreement(straight, straight) == {
        'yaw_correlation': None, 'yaw_slope': None, 'step_spread': None}
