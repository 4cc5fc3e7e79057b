"""Pose snippets: the published files come out, and what is written is read back."""
import os
from pathlib import Path

import golden_common
import numpy as np
import pytest

import published
from kitti_data import odometry
from kitti_data.poses import relative, rotation_from_euler
from kitti_eval import generate_pose_snippets, snippets
from kitti_eval.constant_motion import constant_motion
from kitti_folders import write_sequence
from winding_drive import winding
from vo_common.errors import UserError

# Snippet files of the published tools on a small trajectory.
PUBLISHED = published.scalars('numpy_pose')['pose']
# Six decimals in the files.
ROUNDING = 1.01e-6
# Rotations of seven digits are not quite orthonormal: the closed-form inverse differs a little
# from the general one of the published tool.
POSE_FILE_ROUNDING = 3e-6


def assert_same_files(folder, files, tolerance):
    """The folder holds these TUM files, numbers equal up to their last digit."""
    assert sorted(os.listdir(folder)) == sorted(files)
    for name, text in files.items():
        ours = np.loadtxt(os.path.join(folder, name))
        np.testing.assert_allclose(ours, np.loadtxt(text.split('\n')), atol=tolerance)


@pytest.mark.parametrize('seq_length', [3, 5])
def test_ground_truth_files_are_the_published_ones(seq_length):
    write_sequence(Path(), '09', [], poses=PUBLISHED['poses'], times=PUBLISHED['times'])
    generate_pose_snippets.main(['--dataset_dir=.', '--output_dir=out', '--seq_id=9',
                                 '--seq_length=%d' % seq_length])
    assert_same_files('out', PUBLISHED['seq%d' % seq_length]['gt_snippets'], POSE_FILE_ROUNDING)


def test_too_few_poses_for_a_snippet_or_for_their_times_are_an_error():
    with pytest.raises(UserError, match='5 frames'):
        snippets.snippets_of_trajectory(np.tile(np.eye(4), (4, 1, 1)), 5)
    write_sequence(Path(), '09', [], poses=PUBLISHED['poses'], times=PUBLISHED['times'][:-1])
    with pytest.raises(UserError, match='23 times, but .* has poses up to frame 23'):
        generate_pose_snippets.main(['--dataset_dir=.', '--output_dir=out'])


@pytest.mark.parametrize('seq_length', [3, 5])
def test_predicted_files_are_the_published_ones(seq_length):
    files = PUBLISHED['seq%d' % seq_length]['pred_snippets']
    vectors = golden_common.make_pose_vectors(len(files), seq_length)
    sources = np.delete(vectors, seq_length // 2, axis=1)
    times = np.array(PUBLISHED['times'], float)
    run_times = times[np.arange(len(files))[:, None] + np.arange(seq_length)]
    snippets.write_snippets('out', range(len(files)), run_times,
                            snippets.snippets_of_vectors(sources))
    assert_same_files('out', files, ROUNDING)


def test_published_files_of_sequence_09(shared):
    poses = odometry.read_pose_file(str(shared / 'kitti_odometry_poses' / '09.txt')).poses
    times = odometry.read_times(str(shared / 'kitti_pose_snippets' / '09_times.txt'))
    runs = snippets.snippets_of_trajectory(poses, 5)
    for path in sorted((shared / 'kitti_pose_snippets' / '09').iterdir()):
        first = int(path.stem)
        snippets.write_snippets('.', [first], [times[first:first + 5]], runs[[first]])
        np.testing.assert_allclose(np.loadtxt(path.name), np.loadtxt(path), atol=3e-5)


def test_snippets_are_read_as_written():
    vectors = np.random.RandomState(0).uniform(-1, 1, (4, 2, 6))
    poses = snippets.snippets_of_vectors(vectors)
    times = np.arange(12).reshape(4, 3) / 10
    snippets.write_snippets('.', [3, 4, 5, 100], times, poses)
    Path('notes.txt').write_text('not a snippet')
    read = snippets.read_snippets('.')
    assert list(read) == [3, 4, 5, 100]
    for index, (read_times, read_poses) in enumerate(read.values()):
        np.testing.assert_allclose(read_times, times[index])
        np.testing.assert_allclose(read_poses, poses[index], atol=5e-6)


def test_a_snippet_of_poses_without_times_is_refused():
    odometry.write_poses('000007.txt', winding(3))
    with pytest.raises(UserError, match='000007.txt: must have 8 columns'):
        snippets.read_snippets('.')


def test_two_snippets_of_one_frame_are_refused():
    for name in ('5.txt', '000005.txt'):
        Path(name).write_text('0 0 0 0 0 0 0 1\n1 0 0 1 0 0 0 1\n')
    with pytest.raises(UserError, match='000005.txt and 5.txt start with the same frame'):
        snippets.read_snippets('.')


def test_only_snippets_of_an_earlier_longer_run_are_removed():
    poses = np.tile(np.eye(4), (5, 3, 1, 1))
    times = np.arange(5)[:, None] + np.arange(3)
    snippets.write_snippets('.', range(5), times, poses)
    for name in ('notes.txt', '7.txt.bak', 'eval_pose.json'):
        Path(name).write_text('mine')
    snippets.write_snippets('.', [1, 2], times[1:3], poses[1:3])
    assert sorted(os.listdir()) == [
        '000001.txt', '000002.txt', '7.txt.bak', 'eval_pose.json', 'notes.txt']


def test_snippets_of_partial_sequences_are_named_by_their_true_frames():
    """Poses with frame numbers: no snippet spans a gap."""
    poses, frames = winding(12), [2, 3, 4, 7, 8, 9, 10, 11]
    write_sequence(Path(), '09', [], times=['%.1f' % (frame / 10) for frame in range(12)])
    odometry.write_poses('poses/09.txt', poses[frames], frames)
    generate_pose_snippets.main(['--dataset_dir=.', '--seq_length=3', '--output_dir=out'])
    found = snippets.read_snippets('out')
    assert list(found) == [2, 7, 8, 9]
    for first, (times, run) in found.items():
        np.testing.assert_allclose(times, np.arange(first, first + 3) / 10, atol=1e-6)
        np.testing.assert_allclose(run, relative(poses[first], poses[first:first + 3]), atol=5e-6)


@pytest.mark.parametrize('overlap', snippets.OVERLAPS)
@pytest.mark.parametrize('seq_length', [2, 3, 5])
def test_exact_snippets_chain_to_the_trajectory(seq_length, overlap):
    gt = winding(40)
    runs = dict(enumerate(snippets.snippets_of_trajectory(gt, seq_length)))
    frames, chained = snippets.chain_snippets(runs, overlap=overlap)
    assert frames.tolist() == list(range(40))
    np.testing.assert_allclose(chained, relative(gt[0], gt), atol=1e-9)


def test_scales_of_snippets_are_found():
    gt = winding(30, step=2.0)
    factors = np.random.RandomState(0).uniform(0.2, 2, 28)
    runs = snippets.snippets_of_trajectory(gt, 3)
    truth, wanted = dict(enumerate(gt)), relative(gt[0], gt)
    for given, scale in ((factors, 'per_snippet'), (np.full(28, 0.3), 'global')):
        scaled = runs.copy()
        scaled[..., :3, 3] *= given[:, None, None]
        _, chained = snippets.chain_snippets(dict(enumerate(scaled)), truth, scale)
        np.testing.assert_allclose(chained, wanted, atol=1e-9)


def test_errors_of_overlapping_snippets_cancel_in_their_mean():
    gt = winding(30)
    runs = snippets.snippets_of_trajectory(gt, 3)
    turn = rotation_from_euler(np.array([0.02, 0, 0.01]))
    for index, run in enumerate(runs):  # a motion is covered by an even and an odd snippet
        error = turn if index % 2 else turn.T
        step = relative(run[:-1], run[1:])
        step[:, :3, :3] = step[:, :3, :3] @ error
        step[:, 2, 3] += 0.1 if index % 2 else -0.1
        run[1:] = np.stack([step[0], step[0] @ step[1]])
    wanted = relative(gt[0], gt)[1:-1]  # the outer motions are in one snippet only
    errors = {}
    for overlap in snippets.OVERLAPS:
        _, chained = snippets.chain_snippets(dict(enumerate(runs)), overlap=overlap)
        steps = relative(chained[1:-2], chained[2:-1])
        errors[overlap] = np.abs(steps - relative(wanted[:-1], wanted[1:])).max()
    assert errors['first'] > 0.09 and errors['mean'] < 1e-9


def test_a_missing_snippet_is_bridged_or_reported():
    gt = winding(12)
    runs = dict(enumerate(snippets.snippets_of_trajectory(gt, 3)))
    del runs[4]
    _, chained = snippets.chain_snippets(runs)
    np.testing.assert_allclose(chained, relative(gt[0], gt), atol=1e-9)
    del runs[3]
    with pytest.raises(UserError, match='from frame 4 to 5'):
        snippets.chain_snippets(runs)


def test_snippets_without_motion_or_far_apart_are_reported():
    with pytest.raises(UserError, match='must have at least two frames'):
        snippets.chain_snippets({0: constant_motion(1)})
    pair = constant_motion(2)
    with pytest.raises(UserError, match=r'from frame 1 to 2 \(%d such gaps\)' % (10 ** 15 - 1)):
        snippets.chain_snippets({0: pair, 10 ** 15: pair})


@pytest.mark.parametrize('numbers', ['5', '["a", "b"]', '[[0], [1]]'])
def test_frame_numbers_that_are_none_are_refused(numbers):
    Path('frames.json').write_text('{"numbers": %s}' % numbers)
    with pytest.raises(UserError, match='frames.json: "numbers" must be a list of frame numbers'):
        snippets.require_successive('.')


@pytest.mark.parametrize('folder, warned', [
    ('/raw/2011_09_30/2011_09_30_drive_0027_sync/image_02/data', True),
    ('/raw/2011_10_03/2011_10_03_drive_0027_sync/image_02/data', False),
    ('/raw/2011_09_26/2011_09_26_drive_0001_sync/image_02/data', False)])
def test_the_raw_drive_of_another_sequence_is_reported(capsys, folder, warned):
    snippets.write_frames('.', 'model', folder, ['0.png'], [0])
    snippets.warn_of_other_sequence('.', '00')
    assert ('is of sequence 07, but is scored as sequence 00' in capsys.readouterr().err) == warned
