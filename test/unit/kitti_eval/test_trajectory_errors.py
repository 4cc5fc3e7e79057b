"""Trajectory errors: published values and closed-form answers."""
import json

import numpy as np
import pytest

from kitti_data import odometry, poses
from kitti_eval import evo_tools
from kitti_eval.constant_motion import constant_motion
from kitti_eval.trajectory_errors import evaluate_odometry, motion_agreement
from winding_drive import winding


def read_pair(shared, sequence, name):
    return [odometry.read_pose_file(str(shared / folder / (stem + '.txt'))).poses
            for folder, stem in (('kitti_odometry_poses', sequence), ('kitti_trajectories', name))]


@pytest.mark.parametrize('name, align, wanted', [
    ('dfvo_stereo_09', 'none', (2.606843, 0.287707, 17.919055, 0.055702, 0.036988)),
    ('dfvo_stereo_09', '6dof', (2.606843, 0.287707, 10.880278, 0.055702, 0.036988)),
    ('dfvo_stereo_09', '7dof', (2.527535, 0.287707, 10.729500, 0.054235, 0.036988)),
    ('dfvo_stereo_10', '6dof', (2.293174, 0.369335, 3.720668, 0.046555, 0.042596)),
    ('orb_slam_00', 'none', (0.699729, 0.253330))])
def test_published_trajectories_have_their_published_errors(shared, name, align, wanted):
    result = evaluate_odometry(*read_pair(shared, name[-2:], name), align=align)
    keys = ('t_rel', 'r_rel', 'ate', 'rpe_trans', 'rpe_rot')
    assert [result[key] for key in keys][:len(wanted)] == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize('flags, rmse', [('6dof', 1.303450), ('7dof', 0.937709)])
def test_evo_agrees_with_its_published_figures(shared, flags, rmse):
    result = evo_tools.evo_errors(*read_pair(shared, '00', 'orb_slam_00'), align=flags,
                                  metrics=['ape'])
    assert result['ape']['rmse'] == pytest.approx(rmse, rel=1e-4)


@pytest.mark.parametrize('align', ['none', 'scale', '6dof', '7dof'])
def test_evo_and_ours_agree_on_a_synthetic_drive(align):
    gt = winding(60)
    noise = 0.01 * np.random.RandomState(1).standard_normal((60, 6))
    pred = gt @ poses.transform_from_vector(noise)
    pred = poses.relative(pred[0], pred)
    pred[:, :3, 3] *= 0.9
    gt = poses.relative(gt[0], gt)
    ours, evo = evaluate_odometry(gt, pred, align), evo_tools.evo_errors(gt, pred, align)
    assert evo['ape']['rmse'] == pytest.approx(ours['ate'], rel=1e-5)
    assert evo['rpe_trans']['mean'] == pytest.approx(ours['rpe_trans'], rel=1e-4)
    assert evo['rpe_rot']['mean'] == pytest.approx(ours['rpe_rot'], rel=1e-3)


def test_a_trajectory_that_begins_late_has_the_errors_of_kitti_odom_eval(shared):
    """Without frames 0 to 2, 7dof; the figures are those of kitti-odom-eval.

    acos near 1 keeps half the digits.
    """
    gt, pred = (poses_[3:] for poses_ in read_pair(shared, '09', 'dfvo_stereo_09'))
    result = evaluate_odometry(gt, pred, '7dof', frames=np.arange(3, 1591))
    assert [result[key] for key in ('t_rel', 'r_rel', 'ate', 'rpe_trans', 'rpe_rot')] == (
        pytest.approx((2.52240055, 0.28787787, 10.69641307, 0.05431098, 0.03696673), rel=1e-5))


@pytest.mark.parametrize('frame, t_rel', [(6, 0.0), (12, 100 / 100 / 15)])
def test_segments_begin_at_frames_divisible_by_ten(frame, t_rel):
    """A step of 1 m too much, behind `frame` of 3 to 252: of 15 segments the first one alone, which
    begins at 10, can hold it."""
    gt = constant_motion(250, (0, 0, 1.0))
    pred = gt.copy()
    pred[frame - 2:, 2, 3] += 1
    result = evaluate_odometry(gt, pred, lengths=[100], frames=np.arange(3, 253))
    assert result['segments'] == 15 and result['t_rel'] == pytest.approx(t_rel)


def test_the_truth_has_no_error_from_any_start():
    gt = winding(300)
    moved = poses.transform_from_vector([5, 6, 7, .3, .2, .1]) @ gt
    result = evaluate_odometry(gt, moved)
    assert result['t_rel'] < 1e-9 and result['ate'] < 1e-9 and result['rpe_trans'] < 1e-9
    # acos near 1 keeps half the digits.
    assert result['r_rel'] < 1e-5 and result['rpe_rot'] < 1e-5


def test_a_scaled_straight_line_has_its_scale_as_error():
    gt, pred = constant_motion(250, (0, 0, 1.0)), constant_motion(250, (0, 0, 1.1))
    result = evaluate_odometry(gt, pred)
    # A segment ends one frame beyond its length: 101 m of 100.
    assert result['by_length'][100]['t_rel'] == pytest.approx(10.1)
    assert result['by_length'][200]['t_rel'] == pytest.approx(10.05)
    assert sorted(result['by_length']) == [100, 200]
    assert result['by_length'][100]['segments'] == 15
    assert result['segments'] == 20
    assert result['r_rel'] == 0
    assert result['rpe_trans'] == pytest.approx(0.1)
    assert result['ate'] == pytest.approx(np.sqrt(np.mean((0.1 * np.arange(250)) ** 2)))
    for align in ('scale', '7dof'):
        scaled = evaluate_odometry(gt, pred, align)
        assert scaled['scale'] == pytest.approx(1 / 1.1)
        assert scaled['ate'] < 1e-9 and scaled['t_rel'] < 1e-9


def test_a_steady_turn_has_its_rate_as_error():
    gt = constant_motion(150, (0, 0, 1.0))
    degrees = 0.02 * np.arange(150)
    turn = np.stack([0 * degrees, np.radians(degrees), 0 * degrees], axis=-1)
    pred = poses.from_parts(poses.rotation_from_euler(turn), gt[:, :3, 3])
    result = evaluate_odometry(gt, pred)
    assert result['rpe_rot'] == pytest.approx(0.02)
    assert result['by_length'][100]['r_rel'] == pytest.approx(2.02)


@pytest.mark.parametrize('align', ['none', 'scale', '6dof', '7dof'])
def test_standing_still_is_scored_without_nan(align):
    result = evaluate_odometry(winding(150), np.tile(np.eye(4), (150, 1, 1)), align)
    assert np.isfinite([result[key] for key in ('t_rel', 'r_rel', 'ate', 'rpe_trans')]).all()
    json.dumps(result, allow_nan=False)


def test_a_trajectory_shorter_than_every_length_has_no_relative_error():
    result = evaluate_odometry(winding(50), winding(50))
    assert result['t_rel'] is None and result['segments'] == 0 and result['ate'] == 0
    assert evaluate_odometry(winding(50), winding(50), lengths=[10, 20])['segments'] == 7


def drive(yaw, steps):
    """Poses [N, 4, 4] of a car that turns by `yaw` [N-1] and drives `steps` [N-1] metres."""
    angles = np.stack([0 * yaw, yaw, 0 * yaw], axis=-1)
    offsets = np.stack([0 * steps, 0 * steps, steps], axis=-1)
    return poses.chain(poses.from_parts(poses.rotation_from_euler(angles), offsets))


TURNS = 0.02 * np.sin(np.arange(60) / 7.0)
STEPS = 1 + 0.3 * np.cos(np.arange(60) / 9.0)
STANDING = np.where(np.arange(60) < 30, 1.0, 0.0)


@pytest.mark.parametrize('steps, pred_yaw, pred_steps, slope, spread', [
    (STEPS, TURNS, 5 * STEPS, 1, 0), (STEPS, 0.5 * TURNS, STEPS, 0.5, 0),
    (0 * STEPS + 1, TURNS, 1 + 0.1 * np.where(np.arange(60) % 2, 1, -1), 1, 0.1),
    (STANDING, TURNS, STANDING + 0.05 * (STANDING == 0), 1, 0)])
def test_motions_agree_in_turns_and_steps_whatever_the_scale(
        steps, pred_yaw, pred_steps, slope, spread):
    found = motion_agreement(drive(TURNS, steps), drive(pred_yaw, pred_steps))
    assert found == pytest.approx(
        dict(yaw_correlation=1, yaw_slope=slope, step_spread=spread, heading_right=0,
             heading_down=0), abs=1e-9)


@pytest.mark.parametrize('degrees, right, down', [([0, 3, 0], 3, 0), ([2, 0, 0], 0, 2)])
def test_the_heading_is_the_direction_of_travel_seen_from_the_camera(degrees, right, down):
    # Turns the camera, not the path: 3 degrees to the right are 3 degrees of heading to the left.
    gt = drive(TURNS, STEPS)
    pred = gt.copy()
    pred[:, :3, :3] = gt[:, :3, :3] @ poses.rotation_from_euler(np.radians(degrees))
    found = motion_agreement(gt, pred)
    assert [found['heading_right'], found['heading_down']] == pytest.approx([right, down])


def test_an_undefined_agreement_is_none():
    straight = drive(np.zeros(10), np.zeros(10))
    assert motion_agreement(straight, straight) == {
        'yaw_correlation': None, 'yaw_slope': None, 'step_spread': None, 'heading_right': None,
        'heading_down': None}
