"""test_flow from the command line: every layout and every file format."""
import os
import shutil

import cv2
import numpy as np
import pytest

from geonet_program import geonet, geonet_fails
from kitti_data.flow_files import flow_to_colour, read_flo, read_kitti_flow, resize_flow
from kitti_data.images import read_rgb
from kitti_eval import generate_multiview_extension
from kitti_eval.predicted_images import require_flow_images
from vo_common.errors import UserError


def flows_of(folder):
    binary = os.path.join(str(folder), 'binary')
    return {name: read_flo(os.path.join(binary, name)) for name in sorted(os.listdir(binary))}


@pytest.fixture
def predict(residual_run, tmp_path):
    """Function that runs test_flow on a folder or video, to `tmp_path`/name; returns the flows."""
    def run(name, dataset_dir, *arguments, **flags):
        geonet('test_flow', *arguments, dataset_dir=str(dataset_dir), init_ckpt_file=residual_run,
               output_dir=str(tmp_path / name), **flags)
        return flows_of(tmp_path / name)
    return run


def test_kitti_2015_gives_flow_in_three_formats_at_the_size_of_its_images(
        predict, synthetic_2015, tmp_path):
    small, large = tmp_path / 'small', tmp_path / 'large'
    for name in ('binary/000009.flo', 'png/000009.png', 'color/000009.png', 'png/mine.png'):
        (small / name).parent.mkdir(parents=True, exist_ok=True)
        (small / name).write_bytes(b'of an earlier, longer run')
    small_flows = predict('small', synthetic_2015, batch_size=2)
    flows = predict('large', synthetic_2015, '--pictures', batch_size=1, flow_size='original')
    assert sorted(flows) == sorted(small_flows) == ['000000.flo', '000001.flo']
    assert sorted(os.listdir(str(small / 'png'))) == ['000000.png', '000001.png', 'mine.png']
    for name, flow in flows.items():
        assert flow.shape == (48, 156, 2)
        own = small_flows[name]
        assert own.shape == (32, 104, 2)
        np.testing.assert_allclose(flow, resize_flow(own, 48, 156, bilinear=True), atol=1e-3)
        png = name.replace('.flo', '.png')
        kitti, valid = read_kitti_flow(str(large / 'png' / png))
        assert valid.all()
        np.testing.assert_allclose(kitti, flow, atol=1 / 64)
        np.testing.assert_array_equal(read_rgb(str(large / 'color' / png)), flow_to_colour(flow))
        assert read_rgb(str(large / 'pictures' / png)).shape == (4 * 64, 4 * 104, 3)


def test_formatted_kitti_2015_gives_the_flow_of_its_images(predict, synthetic_2015, tmp_path):
    formatted = str(tmp_path / 'formatted')
    generate_multiview_extension.main([
        '--dataset_dir=' + synthetic_2015, '--dump_root=' + formatted, '--img_height=32',
        '--img_width=104', '--jpeg_quality=100'])
    root, folder, images = (predict(name, path) for name, path in (
        ('root', formatted), ('folder', formatted + '/sub_folder_02'), ('images', synthetic_2015)))
    for name in ('root', 'folder', 'images'):
        require_flow_images(str(tmp_path / name / 'flow.json'))
    assert list(root) == list(folder) == list(images)
    for name in images:
        np.testing.assert_array_equal(root[name], folder[name])
        distances = {other: np.abs(root[name] - flow).mean() for other, flow in images.items()}
        assert min(distances, key=distances.get) == name


def test_a_sequence_has_its_calibration_and_a_folder_needs_the_flag(
        predict, residual_run, synthetic_kitti, tmp_path, capsys):
    folder = os.path.join(synthetic_kitti, 'sequences', '09')
    with open(os.path.join(folder, 'calib.txt')) as stream:
        numbers = dict(line.split(': ') for line in stream)['P2'].split()
    camera = ','.join(numbers[place] for place in (0, 5, 2, 6))
    images = os.path.join(folder, 'image_2')
    expected = predict('sequence', synthetic_kitti)
    found = predict('folder', images, intrinsics=camera)
    with pytest.raises(UserError, match='flow.json: .* such as .*09/image_2/000001.png'):
        require_flow_images(str(tmp_path / 'sequence' / 'flow.json'))
    assert list(found) == list(expected) == ['%06d.flo' % target for target in range(1, 11)]
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-3, atol=1e-3)
    said = geonet_fails(capsys, 'test_flow', dataset_dir=images, init_ckpt_file=residual_run,
                        output_dir=str(tmp_path / 'none'))
    assert '--intrinsics=fx,fy,cx,cy' in said and images in said


def test_a_video_gives_the_flow_of_its_frames_and_a_video_of_pictures(
        predict, synthetic_video, tmp_path):
    video, frames = (predict(name, path, '--video', intrinsics='60,60,52,16')
                     for path, name in zip(synthetic_video, ('video', 'frames')))
    assert list(video) == list(frames) == ['%06d.flo' % target for target in range(1, 11)]
    for name in video:
        np.testing.assert_allclose(video[name], frames[name], rtol=1e-4, atol=1e-4)
    shown = cv2.VideoCapture(str(tmp_path / 'video' / 'pictures.mp4'))
    shapes = [np.shape(shown.read()[1]) for _ in range(11)]
    assert shapes == [(4 * 64, 4 * 104, 3)] * 10 + [()]


def test_a_checkpoint_without_flow_leaves_earlier_predictions_whole(
        predict, rigid_run, synthetic_2015, tmp_path, capsys):
    predict('flow', synthetic_2015)
    before = sorted(path.name for path in (tmp_path / 'flow').iterdir())
    said = geonet_fails(capsys, 'test_flow', dataset_dir=synthetic_2015, init_ckpt_file=rigid_run,
                        output_dir=str(tmp_path / 'flow'))
    assert 'variables: all of flow_net' in said
    assert sorted(path.name for path in (tmp_path / 'flow').iterdir()) == before
    assert 'flow.json' in before


def test_a_run_that_fails_leaves_no_flow_of_an_earlier_one(
        predict, residual_run, synthetic_kitti, tmp_path, capsys):
    before = sorted(predict('flow', synthetic_kitti, batch_size=1))
    shutil.copytree(synthetic_kitti, str(tmp_path / 'kitti'))
    image = sorted((tmp_path / 'kitti' / 'sequences' / '09' / 'image_2').iterdir())[-1]
    image.write_bytes(image.read_bytes()[:-200])
    assert str(image) in geonet_fails(
        capsys, 'test_flow', dataset_dir=str(tmp_path / 'kitti'), init_ckpt_file=residual_run,
        output_dir=str(tmp_path / 'flow'), batch_size=1)
    left = sorted(flows_of(tmp_path / 'flow'))
    assert left == before[:len(left)] and 0 < len(left) < len(before)
    assert not (tmp_path / 'flow' / 'flow.json').exists()
