"""test_pose from the command line writes a TUM file per snippet, as the evaluation reads it."""
import os
import re
import shutil

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from checkpoint_values import write_with_nan
from geonet import predict_pose
from geonet.pictures import trajectory_picture
from geonet_program import geonet, geonet_fails
from kitti_data.calibration import resized
from kitti_data.canonical_camera import camera_of
from kitti_data.images import image_size, read_rgb, write_png
from kitti_data.odometry import OdometrySequence, read_pose_file
from kitti_data.poses import relative
from kitti_eval import eval_pose, snippets
from kitti_eval.snippets import read_snippets
from kitti_eval.trajectories import read_trajectories
from npu_runtime import checkpoints
from vo_common.errors import UserError


CANONICAL = (0.58, 1.92, 0.49, 0.48)
FLAG = '--canonical_camera=0.58,1.92,0.49,0.48'


@pytest.fixture(scope='module')
def poses(rigid_run, synthetic_kitti, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp('poses'))
    geonet('test_pose', '--pictures', dataset_dir=synthetic_kitti, init_ckpt_file=rigid_run,
           output_dir=folder, batch_size=4)
    return folder


@pytest.fixture
def predict(rigid_run, synthetic_kitti, tmp_path):
    """Function that runs test_pose with changed flags, to `tmp_path`/name; returns its snippets."""
    def run(name, *arguments, **flags):
        given = dict(dataset_dir=synthetic_kitti, init_ckpt_file=rigid_run)
        geonet('test_pose', *arguments, output_dir=str(tmp_path / name), **dict(given, **flags))
        return read_snippets(str(tmp_path / name))
    return run


def test_there_is_a_file_for_each_snippet_numbered_by_its_first_frame_and_a_drawing(poses):
    assert sorted(name for name in os.listdir(poses) if name.endswith('.txt')) == [
        '%06d.txt' % first for first in range(10)] + ['trajectory.txt', 'trajectory_tum.txt']
    assert os.path.getsize(os.path.join(poses, 'trajectory.png')) > 1000


def test_the_chained_path_is_written_for_kitti_and_tum(poses):
    found = read_pose_file(os.path.join(poses, 'trajectory.txt')).poses
    singles = [snippet for _, snippet in read_snippets(poses).values()]
    # Each motion is the first one of the snippet that begins there; the last snippet gives two.
    path = [np.eye(4)]
    for snippet in singles:
        path.append(path[-1] @ relative(snippet[0], snippet[1]))
    path.append(path[-1] @ relative(singles[-1][1], singles[-1][2]))
    np.testing.assert_allclose(found, path, atol=1e-4)  # the snippets have six decimals
    tum = np.loadtxt(os.path.join(poses, 'trajectory_tum.txt'))
    np.testing.assert_allclose(tum[:, 0], 0.1 * np.arange(12), atol=1e-6)
    np.testing.assert_allclose(tum[:, 1:4], found[:, :3, 3], atol=1e-8)
    np.testing.assert_allclose(Rotation.from_quat(tum[:, 4:]).as_matrix(), found[:, :3, :3],
                               atol=1e-7)


@pytest.fixture(scope='module')
def every_second(synthetic_kitti, tmp_path_factory):
    """<str> a folder of every second frame of sequence 09."""
    folder = tmp_path_factory.mktemp('every second')
    images = os.path.join(synthetic_kitti, 'sequences', '09', 'image_2')
    for name in sorted(os.listdir(images))[::2]:
        shutil.copy(os.path.join(images, name), str(folder))
    return str(folder)


def test_frame_step_2_equals_a_folder_of_every_second_frame(predict, every_second, capsys):
    step = predict('step', frame_step=2)
    assert 'uses 5 frames per second' in capsys.readouterr().err
    folder = predict('folder', dataset_dir=every_second)
    assert list(step) == list(folder) == [0, 2, 4, 6]
    for first in step:
        np.testing.assert_allclose(step[first][0], 0.1 * (first + np.array([0, 2, 4])), atol=1e-6)
        np.testing.assert_array_equal(step[first][0], folder[first][0])
        np.testing.assert_allclose(step[first][1], folder[first][1], atol=2e-6)


def test_predictions_that_skip_frames_are_scored_by_frame_number(
        predict, synthetic_kitti, every_second, tmp_path):
    folder, truth = str(tmp_path / 'out'), os.path.join(synthetic_kitti, 'poses', '09.txt')
    predict('out', dataset_dir=every_second)
    content = read_pose_file(os.path.join(folder, 'trajectory.txt'))
    assert content.frames.tolist() == [0, 2, 4, 6, 8, 10]
    assert read_trajectories(
        truth, os.path.join(folder, 'trajectory.txt')).frames.tolist() == content.frames.tolist()
    with pytest.raises(UserError, match='such as 0 and 2, must be of consecutive frames'):
        read_trajectories(truth, folder)
    with pytest.raises(UserError, match='such as 0 and 2, must be of consecutive frames'):
        eval_pose.main(['--pred_dir=' + folder, '--gtruth_poses=' + truth])


def test_each_snippet_begins_at_the_origin_and_has_the_times_of_its_frames(poses):
    for first, (times, snippet) in read_snippets(poses).items():
        np.testing.assert_allclose(times, 0.1 * (first + np.arange(3)), atol=1e-6)
        np.testing.assert_allclose(snippet[0], np.eye(4), atol=1e-6)
        assert np.abs(snippet[1:, :3, 3]).max() > 0


def test_overlap_average_is_the_mean_over_the_snippets_with_a_motion(poses, predict):
    single, found = read_snippets(poses), predict('mean', '--overlap_average', batch_size=4)
    assert sorted(found) == sorted(single)
    steps = {first: relative(snippet[:-1], snippet[1:]) for first, (_, snippet) in single.items()}
    for first in range(1, 9):
        step = relative(found[first][1][0], found[first][1][1])
        expected = (steps[first][0] + steps[first - 1][1])[:3, 3] / 2
        np.testing.assert_allclose(step[:3, 3], expected, atol=2e-6)
        # Files have six decimals, of quaternions half of an angle.
        np.testing.assert_allclose(found[first][1][1], relative(*found[first - 1][1][1:]),
                                   atol=4e-6)


def test_opposite_biases_of_first_and_last_motions_cancel_in_the_average():
    steps = np.tile(np.eye(4), (8, 1, 1))
    steps[:, 2, 3] = np.arange(8)
    biased = snippets.snippets_of_trajectory(steps, 3)
    biased[:, 1, 2, 3] += 0.04
    np.testing.assert_allclose(predict_pose.averaged(biased)[1:-1],
                               snippets.snippets_of_trajectory(steps, 3)[1:-1], atol=1e-12)


def test_a_canonical_model_gives_the_motion_of_the_camera_that_took_the_frames(
        predict, synthetic_kitti, capsys, monkeypatch):
    monkeypatch.setattr(snippets, '_NUMBER_FORMAT', '%.12f')
    sequence = OdometrySequence(synthetic_kitti, '09', 2)
    camera, (height, width) = sequence.intrinsics, image_size(sequence.image_paths[0])
    folder = os.path.dirname(sequence.image_paths[0])
    same, wide = ('--intrinsics=%r,%r,%r,%r' % tuple(map(float, (
        share * camera[0, 0], share * camera[1, 1], *camera[:2, 2]))) for share in (1, 0.5))
    found = {}
    for name, path, flags in (('plain', synthetic_kitti, ()),
                              ('odometry', synthetic_kitti, (FLAG,)),
                              ('folder', folder, (FLAG, same)),
                              ('wide', synthetic_kitti, (FLAG, wide)),
                              ('unknown', folder, (FLAG,))):
        capsys.readouterr()
        found[name] = predict(name, *flags, dataset_dir=path)
        assert ('no calibration found' in capsys.readouterr().err) == (name == 'unknown')
    camera[:2, :2] *= 0.5
    change = np.linalg.solve(resized(camera, (height, width), (32, 104)),
                             camera_of(CANONICAL, 32, 104))
    for first, (_, plain) in found['plain'].items():
        for one, other in (('folder', 'odometry'), ('unknown', 'plain')):
            np.testing.assert_allclose(found[one][first][1], found[other][first][1], atol=1e-9)
        # From the second frame of a snippet, the target, to the third: points move by R X + t.
        before, after = (relative(snippet[2], snippet[1])[:3, 3]
                         for snippet in (plain, found['wide'][first][1]))
        np.testing.assert_allclose(after, change @ before, rtol=1e-3, atol=1e-8)
        assert np.abs(after - before).max() > 0.1 * np.abs(before).max()


def test_with_flip_average_mirrored_images_have_mirrored_motions(
        predict, synthetic_kitti, tmp_path, monkeypatch):
    monkeypatch.setattr(snippets, '_NUMBER_FORMAT', '%.12f')
    folder = os.path.join(synthetic_kitti, 'sequences', '09', 'image_2')
    mirrored = tmp_path / 'mirrored'
    mirrored.mkdir()
    for name in sorted(os.listdir(folder))[:5]:
        write_png(str(mirrored / name), read_rgb(os.path.join(folder, name))[:, ::-1])
    plain = predict('plain', '--flip_average', dataset_dir=folder)
    other = predict('other', '--flip_average', dataset_dir=str(mirrored))
    mirror = np.diag([-1.0, 1, 1, 1])
    assert len(other) == 3
    for first, (_, snippet) in other.items():
        np.testing.assert_allclose(snippet, mirror @ plain[first][1] @ mirror, atol=1e-8)
        assert np.abs(snippet[1:, 0, 3]).max() > 1e-6


def test_a_video_gives_the_motion_of_its_frames_at_its_own_times(
        predict, synthetic_video, tmp_path):
    video, frames = (predict(name, '--pictures', dataset_dir=path)
                     for path, name in zip(synthetic_video, ('video', 'frames')))
    assert list(video) == list(frames) == list(range(10))
    for first, (times, poses) in video.items():
        np.testing.assert_allclose(times, 0.1 * (first + np.arange(3)), atol=1e-6)  # 10 frames/s
        np.testing.assert_allclose(poses, frames[first][1], atol=2e-6)
    assert os.path.getsize(str(tmp_path / 'video' / 'trajectory.png')) > 1000


@pytest.mark.parametrize('flags, message', [
    (dict(pose_test_seq=4), 'sequences/04'),
    (dict(camera=3), 'image_3'),
    (dict(seq_length=4), '--seq_length=4: must be odd'),
    (dict(init_ckpt_file='/nowhere/model-1'), 'no checkpoint /nowhere/model-1'),
    (dict(output_dir=''), '--output_dir= is empty: must be the folder for poses'),
    (dict(dataset_dir=''), '--dataset_dir is empty'),
    (dict(frame_step=6), 'holds 2 frames with --frame_step=6; a snippet needs 3'),
    (dict(test_file_list='list.txt'),
     '--test_file_list=list.txt: must not be given with --mode=test_pose (read by test_depth)')])
def test_missing_inputs_are_reported(rigid_run, synthetic_kitti, tmp_path, capsys, flags, message):
    given = dict(dict(dataset_dir=synthetic_kitti, init_ckpt_file=rigid_run,
                      output_dir=str(tmp_path)), **flags)
    assert message in geonet_fails(capsys, 'test_pose', **given)


def test_a_folder_without_a_checkpoint_and_an_output_that_is_a_file_are_reported(
        rigid_run, synthetic_kitti, tmp_path, capsys):
    said = geonet_fails(capsys, 'test_pose', dataset_dir=synthetic_kitti,
                        init_ckpt_file=str(tmp_path), output_dir=str(tmp_path / 'out'))
    assert 'folder %s: holds no checkpoint' % tmp_path in said
    (tmp_path / 'file').write_text('')
    said = geonet_fails(capsys, 'test_pose', dataset_dir=synthetic_kitti,
                        init_ckpt_file=rigid_run, output_dir=str(tmp_path / 'file'))
    assert str(tmp_path / 'file') in said


def test_the_video_shows_every_frame_over_the_path_so_far(predict, tmp_path):
    predict('out', '--video')
    video = cv2.VideoCapture(str(tmp_path / 'out' / 'trajectory.mp4'))
    shown = [frame for found, frame in iter(video.read, (False, None)) if found]
    assert len(shown) == 12
    assert shown[0].shape[1] == 416 and shown[0].shape[0] == 3 * 128
    drawn = [int((frame[128:].min(axis=-1) < 200).sum()) for frame in shown]
    assert drawn[-1] > drawn[0] > 0  # a dot at first, then a line


def test_a_stationary_trajectory_is_drawn_as_a_dot():
    picture = trajectory_picture(np.zeros((8, 26, 3), np.uint8), np.zeros((4, 2)), 3)
    assert picture.shape == (3 * 128, 416, 3)
    assert 0 < (picture[128:] < 255).any(axis=-1).sum() < 200


@pytest.fixture(scope='module')
def nan_run(rigid_run, tmp_path_factory):
    """<str> a checkpoint of the net of `rigid_run` whose weights are all NaN."""
    folder = tmp_path_factory.mktemp('nan run')
    shutil.copy(os.path.join(rigid_run, 'config.json'), str(folder))
    write_with_nan(checkpoints.latest(rigid_run), str(folder / 'model-4'))
    return str(folder / 'model-4')


@pytest.mark.parametrize('mode', ['test_pose', 'test_depth'])
def test_nothing_is_written_if_weights_are_nan(nan_run, synthetic_kitti, tmp_path, capsys, mode):
    said = geonet_fails(capsys, mode, dataset_dir=synthetic_kitti, init_ckpt_file=nan_run,
                        output_dir=str(tmp_path / 'out'))
    assert 'checkpoint %s: is damaged (variable ' % nan_run in said and 'holds NaN' in said
    assert not os.listdir(str(tmp_path / 'out'))


def test_a_broken_video_exits_with_status_2_after_its_intact_frames(
        rigid_run, synthetic_video, tmp_path, capsys):
    with open(synthetic_video[0], 'rb') as stream:
        content = stream.read()
    (tmp_path / 'broken.avi').write_bytes(content[:len(content) // 2])
    (tmp_path / 'out').mkdir()
    stale = tmp_path / 'out' / '000009.txt'
    stale.write_text('0 0 0 0 0 0 0 1\n')
    said = geonet_fails(capsys, 'test_pose', dataset_dir=str(tmp_path / 'broken.avi'),
                        init_ckpt_file=rigid_run, output_dir=str(tmp_path / 'out'))
    found = re.search(r'broken.avi is broken: (\d+) of its 12 frames can be decoded', said)
    assert list(read_snippets(str(tmp_path / 'out'))) == list(range(int(found.group(1)) - 2))
    assert not stale.exists()


@pytest.mark.parametrize('mode, flags', [('test_pose', {}), ('test_depth', dict(refine_steps=2))])
def test_a_gap_between_frames_is_reported_before_prediction(
        rigid_run, synthetic_kitti, tmp_path, capsys, mode, flags):
    folder = tmp_path / 'frames'
    shutil.copytree(os.path.join(synthetic_kitti, 'sequences', '09', 'image_2'), str(folder))
    (folder / '000005.png').unlink()
    said = geonet_fails(capsys, mode, dataset_dir=str(folder), init_ckpt_file=rigid_run,
                        output_dir=str(tmp_path / 'out'), **flags)
    assert 'frames 5 to 5 are missing between' in said and not (tmp_path / 'out').exists()


def test_refinement_changes_motions_and_is_repeatable(poses, predict):
    plain = read_snippets(poses)
    one, other = (predict(name, '--refine_steps=3', batch_size=4) for name in ('one', 'other'))
    assert list(one) == list(other) == list(plain)
    for first, (times, found) in one.items():
        np.testing.assert_array_equal(found, other[first][1])
        np.testing.assert_array_equal(times, plain[first][0])
    assert any(np.abs(one[first][1] - plain[first][1]).max() > 1e-4 for first in one)


def test_refinement_without_a_calibration_names_the_flag_to_set(
        rigid_run, synthetic_kitti, tmp_path, capsys):
    folder = os.path.join(synthetic_kitti, 'sequences', '09', 'image_2')
    said = geonet_fails(capsys, 'test_pose', '--refine_steps=2', dataset_dir=folder,
                        init_ckpt_file=rigid_run, output_dir=str(tmp_path))
    assert '--refine_steps=2: must be 0 without a calibration (set --intrinsics=fx,fy' in said
