"""test_depth from the command line: a depth map per frame, with its name, in frame order."""
import json
import os

import cv2
import numpy as np
import pytest

from geonet_program import SIZE, geonet, geonet_fails
from geonet import predict_pose
from geonet.refinement import Refined
from kitti_data.images import read_rgb, resize, write_png
from kitti_eval import eval_depth
from vo_common.errors import UserError


def images_of(kitti):
    folder = os.path.join(kitti, 'sequences', '09', 'image_2')
    return folder, sorted(os.listdir(folder))


@pytest.fixture
def predict(rigid_run, tmp_path):
    """Function that runs test_depth on frames, to `tmp_path`/name; returns the depth."""
    def run(name, dataset_dir, *arguments, **flags):
        geonet('test_depth', *arguments, dataset_dir=str(dataset_dir), init_ckpt_file=rigid_run,
               output_dir=str(tmp_path / name), **flags)
        return np.load(str(tmp_path / name / 'model-4.npy'))
    return run


def test_each_frame_gets_its_depth_name_picture_and_place_in_the_video(
        predict, synthetic_kitti, tmp_path):
    output = tmp_path / 'with space'
    depth = predict('with space', synthetic_kitti, '--pictures', '--video', batch_size=5)
    assert depth.dtype == np.float32 and depth.shape == (12, 32, 104) and (depth > 0).all()
    _, names = images_of(synthetic_kitti)
    assert json.loads((output / 'model-4.json').read_text())['images'] == names
    assert sorted(os.listdir(str(output / 'model-4'))) == names
    picture = read_rgb(str(output / 'model-4' / names[3]))
    frame = read_rgb(os.path.join(images_of(synthetic_kitti)[0], names[3]))
    assert picture.shape == (4 * 64, 4 * 104, 3)  # so small a picture is enlarged
    np.testing.assert_array_equal(picture[:4 * 32:4, ::4], frame)
    video = cv2.VideoCapture(str(output / 'model-4.mp4'))
    shapes = [np.shape(video.read()[1]) for _ in range(13)]
    assert shapes == [(4 * 64, 4 * 104, 3)] * 12 + [()]


def test_depth_does_not_depend_on_the_batch_or_on_how_frames_are_listed(
        predict, synthetic_kitti, tmp_path):
    folder, names = images_of(synthetic_kitti)
    listing = tmp_path / 'list.txt'
    listing.write_text('\n'.join(names[:3]))
    one = predict('folder', folder, batch_size=3)
    other = predict('list', folder, batch_size=2, test_file_list=str(listing))
    assert len(one) == 12 and len(other) == 3
    np.testing.assert_allclose(other, one[:3], rtol=1e-4)


def test_a_video_gives_the_depth_of_its_frames(predict, synthetic_video):
    video, frames = (predict(name, path)
                     for path, name in zip(synthetic_video, ('video', 'frames')))
    assert video.shape == (12, 32, 104)
    np.testing.assert_allclose(video, frames, rtol=1e-5)


def test_every_frame_is_refined_on_the_neighbours_it_has(predict, synthetic_kitti, monkeypatch):
    windows = []

    class Recorder:
        """Instead of Refiner: doubles depth and records what it is given."""

        def __init__(self, camera, steps):
            assert camera.shape == (3, 3) and steps == 5

        @staticmethod
        def prepared(frame):
            return frame

        def __call__(self, window, depth, vectors):
            windows.append(window)
            return Refined(vectors, 2 * depth)

    plain = predict('plain', synthetic_kitti)
    monkeypatch.setattr(predict_pose, 'Refiner', Recorder)
    refined = predict('refined', synthetic_kitti, '--refine_steps=5', batch_size=5)
    np.testing.assert_allclose(refined, 2 * plain, rtol=1e-4)
    folder, names = images_of(synthetic_kitti)
    frames = [None] + [read_rgb(os.path.join(folder, name)) for name in names] + [None]
    assert len(windows) == len(names)
    for place, window in enumerate(windows):
        for found, expected in zip(window, frames[place:place + 3]):
            np.testing.assert_array_equal(found, expected)


def test_refined_depth_is_positive_and_does_not_depend_on_the_batch(
        predict, synthetic_kitti, tmp_path):
    one, other = (predict(name, synthetic_kitti, '--refine_steps=5', '--video', batch_size=size)
                  for name, size in (('one', 4), ('other', 5)))
    assert one.shape == (12, 32, 104) and one.dtype == np.float32 and (one > 0).all()
    np.testing.assert_allclose(one, other, rtol=1e-3)
    assert (tmp_path / 'one' / 'model-4.mp4').exists()


def test_flags_on_the_command_line_override_saved_ones(predict, synthetic_kitti, capsys):
    depth = predict('out', synthetic_kitti, *SIZE, '--scale_normalize')
    np.testing.assert_allclose((1 / depth).mean(axis=(1, 2)), 1, rtol=1e-4)
    said = capsys.readouterr().err
    assert '--scale_normalize=true: the checkpoint was trained with false' in said


def test_a_broken_frame_is_reported_and_no_partial_file_is_left(
        rigid_run, synthetic_kitti, tmp_path, capsys):
    folder, names = images_of(synthetic_kitti)
    frames = tmp_path / 'frames'
    frames.mkdir()
    for name in names[:3]:
        with open(os.path.join(folder, name), 'rb') as stream:
            (frames / name).write_bytes(stream.read())
    (frames / names[2]).write_bytes((frames / names[2]).read_bytes()[:200])
    said = geonet_fails(capsys, 'test_depth', '--video', dataset_dir=str(frames), batch_size=1,
                        init_ckpt_file=rigid_run, output_dir=str(tmp_path / 'out'))
    assert names[2] in said
    assert not [name for name in os.listdir(str(tmp_path / 'out')) if name.endswith(('npy', 'mp4'))]


def test_depth_in_16_bits_has_the_scale_and_size_of_kitti(
        predict, synthetic_kitti, tmp_path, capsys):
    folder, _ = images_of(synthetic_kitti)
    frames = tmp_path / 'frames'
    frames.mkdir()
    for number, size in enumerate(((32, 104), (40, 130))):
        image = resize(read_rgb(os.path.join(folder, '000000.png')), *size)
        write_png(str(frames / ('%03d.png' % number)), image)
    output = tmp_path / 'out' / 'model-4_16bit'
    output.mkdir(parents=True)
    (output / '0000000009.png').write_bytes(b'of an earlier run')
    depth = predict('out', frames, '--pictures=16bit', '--depth_scale=50')
    assert sorted(os.listdir(str(output))) == ['0000000000.png', '0000000001.png']
    steps = cv2.imread(str(output / '0000000000.png'), cv2.IMREAD_UNCHANGED)
    assert steps.dtype == np.uint16 and steps.max() > 256
    assert np.abs(steps / 256.0 - 50 * depth[0]).max() <= 0.5 / 256 + 1e-4
    assert cv2.imread(str(output / '0000000001.png'), cv2.IMREAD_UNCHANGED).shape == (40, 130)
    predict('out', frames, '--pictures=16bit', '--depth_scale=5e5')
    assert '100 % of the pixels' in capsys.readouterr().err
    assert not cv2.imread(str(output / '0000000000.png'), cv2.IMREAD_UNCHANGED).any()


def test_depth_of_one_sequence_is_not_scored_on_another(predict, synthetic_kitti, tmp_path):
    predict('out', synthetic_kitti, pose_test_seq=9)
    flags = ['--split=odometry', '--kitti_dir=' + synthetic_kitti,
             '--pred_file=%s' % (tmp_path / 'out' / 'model-4.npy')]
    eval_depth.main(flags + ['--sequence=9'])
    with pytest.raises(UserError, match='image 1 of the split is 00/2/000000, where .*model-4.json '
                                        'names 09/2/000000'):
        eval_depth.main(flags + ['--sequence=0'])
