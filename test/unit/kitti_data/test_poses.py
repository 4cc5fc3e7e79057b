"""Golden numbers: the rotation helpers of the published evaluation (golden/geonet/numpy_pose)."""
import numpy as np
import pytest

import published
from kitti_data import poses

PUBLISHED = published.arrays('numpy_pose')


def random_poses(*shape):
    vectors = np.random.RandomState(3).uniform(-1.4, 1.4, shape + (6,))
    return poses.transform_from_vector(vectors)


XYZW = [1, 2, 3, 0]


@pytest.mark.parametrize('convert, given, expected', [
    (poses.transform_from_vector, 'pose_vec', 'pose_vec_to_mat'),
    (lambda angles: poses.rotation_from_euler(angles[:, ::-1]), 'euler_zyx', 'euler2mat'),
    (lambda wxyz: poses.rotation_from_quaternion(wxyz[:, XYZW]), 'quat_wxyz', 'quat2mat')])
def test_vectors_angles_and_quaternions_give_the_published_rotations(
        convert, given, expected):
    np.testing.assert_allclose(convert(PUBLISHED[given]), PUBLISHED[expected], atol=1e-12)


@pytest.mark.parametrize('name', ['rot2quat_wxyz', 'euler2quat_wxyz'])
def test_rotations_give_the_published_quaternions_up_to_sign(name):
    wxyz = PUBLISHED[name]
    wanted = np.where(wxyz[:, :1] < 0, -wxyz, wxyz)[:, XYZW]
    np.testing.assert_allclose(poses.quaternion_from_rotation(PUBLISHED['euler2mat']), wanted,
                               atol=1e-12)


def test_all_conversions_keep_leading_axes():
    transforms = random_poses(2, 5)
    rotations = transforms[..., :3, :3]
    np.testing.assert_allclose(
        poses.rotation_from_quaternion(poses.quaternion_from_rotation(rotations)), rotations,
        atol=1e-12)
    single = transforms[1, 3]
    np.testing.assert_allclose(poses.inverse(single), poses.inverse(transforms)[1, 3])
    assert poses.quaternion_from_rotation(single[:3, :3]).shape == (4,)


def test_inverse_undoes_and_relative_leads_from_one_camera_to_the_other():
    transforms = random_poses(6)
    np.testing.assert_allclose(poses.inverse(transforms) @ transforms,
                               np.broadcast_to(np.eye(4), (6, 4, 4)), atol=1e-12)
    np.testing.assert_allclose(transforms[:3] @ poses.relative(transforms[:3], transforms[3:]),
                               transforms[3:], atol=1e-12)


def test_rotation_angle_is_the_length_of_the_rotation_vector():
    rotations = poses.rotation_from_euler([[0.25, 0, 0], [0, -3.0, 0], [0, 0, 0]])
    np.testing.assert_allclose(poses.rotation_angle(rotations), [0.25, 3.0, 0], atol=1e-7)


def test_a_wrong_shape_is_refused_where_it_enters():
    with pytest.raises(ValueError, match=r'\(3, 3\)'):
        poses.to_4x4(np.eye(3))
