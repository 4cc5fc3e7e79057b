"""An explanation is given only if it leaves hardly any error."""
import numpy as np
import pytest

from kitti_data.poses import chain, from_parts, inverse, relative
from kitti_eval import hints, snippet_errors, snippets
from kitti_eval.constant_motion import KITTI_STEP
from kitti_eval.trajectory_errors import KITTI_LENGTHS, evaluate_odometry
from winding_drive import winding

TRUTH = relative(winding(240)[0], winding(240))
LIDAR = from_parts([[0, 0, 1], [-1, 0, 0], [0, -1, 0]], [0, 0, 0])
MIRROR = np.diag([-1.0, 1, 1, 1])


def test_the_smallest_error_is_the_explanation_unless_the_gain_is_small():
    assert hints.best_explanation(
        8.0, [('a', 1.9), ('b', 0.5), ('c', None), ('d', float('nan'))]) == ('b', 0.5)
    assert hints.best_explanation(8.0, [('a', 2.1)]) is None
    assert hints.best_explanation(0.0, [('a', 0.0)]) is None
    assert hints.best_explanation(1.0, []) is None


@pytest.mark.parametrize('confuse, named', [
    (inverse, 'the inverse of each pose fits the truth'),
    (lambda poses: np.concatenate([np.eye(4)[None], relative(poses[:-1], poses[1:])]),
     'the chain of the poses fits the truth'),
    (lambda poses: np.concatenate([relative(poses[:-1], poses[1:]), np.eye(4)[None]]),
     'the chain of the poses fits the truth'),
    (lambda poses: np.concatenate([relative(poses[1:], poses[:-1]), np.eye(4)[None]]),
     'the chain of the inverted poses fits the truth'),
    (lambda poses: chain(relative(poses[1:], poses[:-1])),
     'the chain of the motions the other way round fits the truth'),
    (lambda poses: LIDAR @ poses @ inverse(LIDAR),
     'its axes (-y, -z, x) taken for (x, y, z) fits the truth'),
    (lambda poses: MIRROR @ poses @ MIRROR, 'its axes (-x, y, z) taken for (x, y, z) fits'),
    (lambda poses: inverse(from_parts(poses[:, :3, :3], poses[:, :3, 3] / 20)),
     'the inverse of each pose, scaled by 20, fits the truth'),
    (lambda poses: winding(len(poses), seed=7), '')])
def test_a_confusion_of_poses_is_named_if_it_explains_the_error(confuse, named):
    pred, how = confuse(TRUTH), ('none', KITTI_LENGTHS)
    result = evaluate_odometry(TRUTH, pred, *how)
    assert result['t_rel'] > 5
    said = hints.trajectory_hint(TRUTH, pred, np.arange(len(TRUTH)), *how, result)
    assert named in said and '(t_rel 0.00 % instead of' in said if named else not said


@pytest.mark.parametrize('confuse, named', [
    (inverse, 'the inverse of each pose fits the truth'),
    (lambda poses: LIDAR @ poses @ inverse(LIDAR), 'its axes (-y, -z, x) taken for (x, y, z) fits'),
    (lambda poses: winding(len(poses), seed=7), '')])
def test_a_confusion_of_snippets_is_named_if_it_explains_the_error(confuse, named):
    runs = snippets.snippets_of_trajectory(TRUTH, 3)
    sides = snippets.timed(runs), snippets.timed([confuse(run) for run in runs])
    result = snippet_errors.evaluate_snippets(*sides, KITTI_STEP)
    said = hints.snippets_hint(*sides, result, KITTI_STEP)
    assert named in said if named else not said
