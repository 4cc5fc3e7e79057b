"""Depth errors: the published numbers from the same files, exact truth without error."""
import os
import shutil
from pathlib import Path

import cv2
import golden_common
import numpy as np
import pytest

import published
from kitti_data import depth_files
from kitti_data.calibration import RawCalibration
from kitti_data.images import write_png
from kitti_data.rendering import layouts
from kitti_eval import depth_errors, depth_splits, eval_depth
from kitti_folders import write_drive
from vo_common.errors import UserError
from vo_common.files import read_json

DATE = '2011_09_26'
DRIVE = '2011_09_26_drive_0002_sync'
ARRAYS, SCALARS = published.arrays('numpy_depth'), published.scalars('numpy_depth')


def score(pred, *flags):
    """The result for depth maps [n, H, W] of the data set, with its list of images."""
    np.save('pred.npy', pred)
    eval_depth.main(['--kitti_dir=.', '--pred_file=pred.npy', '--test_file_list=files.txt', *flags])
    return read_json('pred.eval_depth.json')


def abs_rel(pred, *flags):
    return score(pred, '--noscale', *flags)['prediction']['abs_rel']


def errors_of(result):
    return [result['prediction'][name] for name in depth_errors.ERRORS]


def write_raw(scans, shapes=((375, 1242),) * 3):
    """Writes a raw drive of scans and black images, with their list; returns its calibration."""
    write_drive(Path(), DRIVE, [np.zeros(tuple(shape) + (3,), np.uint8)
                              for shape, _ in zip(shapes, scans)], (2,), scans=scans,
                calib_cam_to_cam=golden_common.CALIB_CAM_TO_CAM,
                calib_velo_to_cam=golden_common.CALIB_VELO_TO_CAM)
    write_list(len(scans))
    return RawCalibration(DATE)


def write_list(count, root=''):
    Path(root, 'files.txt').write_text(''.join(
        '%s/%s/image_02/data/%010d.png l\n' % (DATE, DRIVE, frame) for frame in range(count)))


def test_errors_are_the_published_ones():
    ours = depth_errors.depth_errors(ARRAYS['compute_errors_gt'], ARRAYS['compute_errors_pred'])
    np.testing.assert_allclose(list(ours.values()), ARRAYS['compute_errors_f64'], rtol=1e-9)
    np.testing.assert_allclose(list(ours.values()), ARRAYS['compute_errors_f32'], rtol=1e-5)


def test_projected_scans_and_the_camera_are_the_published_ones():
    calibration = write_raw([None])
    for index, (height, width) in enumerate(SCALARS['eval_depth_eigen']['shapes']):
        depth = depth_splits.project_velodyne(golden_common.make_velodyne(index),
                                             calibration.velo_to_image(2), height, width)
        known = np.flatnonzero(depth)
        np.testing.assert_array_equal(known, ARRAYS['eigen_gt_index_%d' % index])
        np.testing.assert_allclose(depth.ravel()[known], ARRAYS['eigen_gt_depth_%d' % index],
                                   rtol=1e-6)
    np.testing.assert_allclose(
        depth_splits.focal_and_baseline(DATE + '/calib_cam_to_cam.txt',
                                        (375, 1242)), SCALARS['focal_baseline'][0])


def test_eigen_split_scores_as_published(capsys):
    case = SCALARS['eval_depth_eigen']
    write_raw([golden_common.make_velodyne(index) for index in range(3)], case['shapes'])
    pred = [golden_common.make_pred_depth(index) for index in range(3)]
    result = score(np.stack(pred), '--plot')
    wanted = np.mean([call['errors'] for call in case['calls']], axis=0)
    np.testing.assert_allclose(errors_of(result), wanted, rtol=1e-5)
    assert sorted(os.listdir('pred_depth')) == ['%06d.png' % index for index in range(3)]
    assert cv2.imread('pred_depth/000000.png').shape == (3 * 375, 1242, 3)
    assert 'least abs_rel' in capsys.readouterr().out
    page = Path('pred.eval_depth.html').read_text()
    assert page.count('data:image/png;base64,') == 3 and 'least abs_rel' in page


def test_stereo_split_scores_as_published():
    folder = Path('training/disp_noc_0')
    folder.mkdir(parents=True)
    for index in range(200):
        write_png(str(folder / ('%06d_10.png' % index)), golden_common.make_gt_disp_png(index))
    pred = [golden_common.make_pred_depth(index, 12, 104, 0.01, 0.5) for index in range(200)]
    result = score(np.stack(pred), '--split=stereo')
    assert result['images'] == 200
    np.testing.assert_allclose(errors_of(result), ARRAYS['stereo_errors'].mean(axis=0), rtol=1e-5)
    d1_all = float(SCALARS['eval_depth_stereo']['stdout'][1].split(',')[4])
    # One of the 1.8 million pixels is 6e-5: OpenCV's resize changed by a rounding since.
    assert result['prediction']['d1_inverse_depth'] == pytest.approx(d1_all, abs=1e-4)


def test_a_perfect_prediction_up_to_scale_has_no_error():
    def evaluated(gt, pred, scale=True):
        return depth_errors.summarise([
            depth_errors.evaluate_map(truth, guess, depth_errors.valid_pixels(truth), scale)[0]
            for truth, guess in zip(gt, pred)])

    gt = np.random.RandomState(0).uniform(2, 70, (3, 20, 30))
    gt[:, :5] = 0
    result = evaluated(gt, gt / 7)
    assert result['prediction']['abs_rel'] < 1e-6 and result['prediction']['a1'] == 1
    assert result['scale_mean'] == pytest.approx(7) and result['scale_std'] < 1e-6
    assert result['median_depth']['abs_rel'] > result['best_constant']['abs_rel'] > 0.1
    constant = evaluated(gt, np.full((3, 4, 4), 0.3))
    assert constant['prediction'] == pytest.approx(result['median_depth'], rel=1e-5)
    unscaled = evaluated(gt, gt / 7, scale=False)
    assert unscaled['prediction']['abs_rel'] == pytest.approx(6 / 7)


def test_no_constant_beats_the_best_one():
    gt = np.random.RandomState(0).uniform(1, 60, 401)
    best = depth_errors.depth_errors(gt, np.full(401, depth_errors.best_constant(gt)))['abs_rel']
    others = [depth_errors.depth_errors(gt, np.full(401, c))['abs_rel'] for c in np.sort(gt)]
    assert best == pytest.approx(min(others), abs=1e-12)


@pytest.mark.parametrize('value', [0, -1, np.nan, 1e-38])
def test_a_prediction_that_cannot_be_scaled_is_reported(value):
    write_raw([golden_common.make_velodyne(0)] * 2)
    pred = np.ones((2, 8, 26), np.float32)
    pred[1] = value
    with pytest.raises(UserError, match=r'pred.npy: prediction 1 \(.*0000000001.png\): its'):
        score(pred)


def test_synthetic_stereo_truth_has_no_error_through_all_files():
    scene, frames = layouts.kitti_2015_dataset('.', num_images=2)
    pred = np.stack([np.minimum(scene.depth(frame), 1e3) for frame in frames]).astype(np.float32)
    result = score(pred, '--split=stereo', '--noscale', '--max_depth=1e9', '--plot')['prediction']
    # Disparities in the files are rounded to 1/256 px, those of the far ones are a few pixels.
    assert result['abs_rel'] < 1e-3 and result['a1'] == 1 and result['d1_all'] == 0
    assert len(os.listdir('pred_depth')) == 2
    path = 'training/disp_noc_0/000000_10.png'
    cv2.imwrite(path, cv2.imread(path, cv2.IMREAD_UNCHANGED)[::2, ::2])
    with pytest.raises(
            UserError, match=r'is for images of (\d+)x(\d+) pixels, must be for .* like'):
        score(pred, '--split=stereo')


def test_missing_scans_are_counted_and_training_drives_are_reported(capsys):
    write_raw([golden_common.make_velodyne(0), None, golden_common.make_velodyne(0)])
    Path('train.txt').write_text('2011_09_26_drive_0002_sync_02 0000000001\n')
    pred = np.ones((3, 8, 26), np.float32)
    result = score(pred, '--train_list=train.txt', '--plot')
    assert result['without_truth'] == 1
    assert sorted(os.listdir('pred_depth')) == ['000000.png', '000002.png']
    said = capsys.readouterr().err
    assert '1 images have no ground truth' in said and '2011_09_26_drive_0002' in said
    os.remove('%s/%s/velodyne_points/data/0000000002.bin' % (DATE, DRIVE))
    with pytest.raises(UserError, match='share 1 images of 1 and 3: must be at least half'):
        score(pred)
    assert read_json('pred.eval_depth.json')['without_truth'] == 2
    shutil.rmtree('%s/%s/velodyne_points' % (DATE, DRIVE))
    with pytest.raises(UserError, match='none of 3 images has a laser scan, such as .*'
                                        'velodyne_points/data/0000000000.bin'):
        score(pred)


def test_the_result_is_written_before_a_picture_fails():
    write_raw([golden_common.make_velodyne(0)])
    Path('pred_depth').write_text('in the way')
    with pytest.raises(UserError, match='pred_depth'):
        score(np.ones((1, 8, 26), np.float32), '--plot')
    assert Path('pred.eval_depth.json').exists()


def test_bad_inputs_are_reported():
    write_raw([golden_common.make_velodyne(0)])
    with pytest.raises(UserError, match='holds 2 depth maps.*1 images'):
        score(np.ones((2, 8, 26), np.float32))
    with pytest.raises(UserError, match=r'must be float32 \[n, H, W\]'):
        score(np.ones((8, 26), np.float32))
    Path('files.txt').write_text('some/picture.png\n')
    with pytest.raises(UserError, match='files.txt: 1 of its 1 images .*picture.png .line 1'):
        score(np.ones((1, 8, 26), np.float32))


@pytest.fixture(scope='module')
def drive(tmp_path_factory):
    """(raw folder of a rendered drive of 4 frames, its exact depth as the raw split has it)."""
    root = tmp_path_factory.mktemp('drive')
    scene, = layouts.raw_dataset(str(root), [DRIVE], 4, 64, 208, cameras=(2,))
    write_list(4, root)
    depth = np.array([scene.depth(frame) for frame in range(4)], np.float32)
    return root, np.where(depth > 0, depth, 1e3)


@pytest.fixture
def depth(drive, monkeypatch):
    """The depth of a copy of `drive`, in which the test runs."""
    shutil.copytree(str(drive[0]), 'rendered')
    monkeypatch.chdir('rendered')
    return drive[1].copy()


def test_downsized_images_are_scored_like_full_ones(depth, capsys):
    before = score(depth)
    for path in Path(DATE, DRIVE, 'image_02', 'data').iterdir():
        write_png(str(path), np.zeros((32, 105, 3), np.uint8))
    assert score(depth, '--plot') == before
    assert capsys.readouterr().err.count(
        'is for images of 208x64 pixels, but these are 105x32') == 1


@pytest.mark.parametrize('flags, change, words', [
    ((), lambda depth: 3 / depth, 'but 1 / prediction, scaled by medians, fits (abs_rel 0.1'),
    (('--noscale',), lambda depth: 1e3 * depth, 'but the prediction, scaled by medians, fits'),
    (('--noscale',), lambda depth: 5 / depth, 'but 1 / prediction, scaled by medians, fits'),
    ((), lambda depth: depth, None), ((), lambda depth: depth[:, ::-1], None)])
def test_a_depth_that_fits_in_another_convention_is_reported(depth, capsys, flags, change, words):
    score(change(depth), *flags)
    said = capsys.readouterr().err
    assert words in said if words else 'but' not in said


def test_the_annotated_split_scores_the_652_published_images(capsys):
    """Of Eigen's 697 test images KITTI's annotated depth has 652 (Monodepth2's eigen_benchmark)."""
    drives = DRIVE, DRIVE.replace('0002', '0009')
    folders = [Path(part, drive, 'proj_depth/groundtruth/image_02')
               for part, drive in zip(('train', 'val'), drives)]
    for folder, count in zip(folders, (400, 252)):
        folder.mkdir(parents=True)
        depth_files.write_kitti_depth(str(folder / '0000000000.png'), np.full((4, 4), 5.0))
        for frame in range(1, count):
            os.link(str(folder / '0000000000.png'), str(folder / ('%010d.png' % frame)))
    Path('files.txt').write_text(''.join(
        '%s/%s %d l\n' % (DATE, drives[frame // 400], frame % 400) for frame in range(697)))
    result = score(np.ones((697, 2, 2), np.float32), '--split=eigen_benchmark')
    assert (result['images'], result['without_truth']) == (652, 45)
    assert result['prediction']['abs_rel'] == 0
    assert result['scale_mean'] == 5 and '45 images have no ground truth' in capsys.readouterr().err
    (folders[1] / '0000000251.png').unlink()
    with pytest.raises(UserError, match='651 of the 697 images of .* must be 652 .unpack train'):
        score(np.ones((697, 2, 2), np.float32), '--split=eigen_benchmark')
    with pytest.raises(UserError, match='give --split=eigen_benchmark'):
        score(np.ones((697, 2, 2), np.float32))


def test_annotated_depth_is_scored_in_the_crop_or_everywhere():
    folder = Path('val', DRIVE, 'proj_depth/groundtruth/image_02')
    folder.mkdir(parents=True)
    truth = np.full((100, 200), 8.0)
    truth[:40] = 4  # above Garg's crop, which begins at 40.8 %
    depth_files.write_kitti_depth(str(folder / '0000000000.png'), truth)
    Path('files.txt').write_text('%s/%s 0 l\n' % (DATE, DRIVE))
    for flags, expected in (((), 0), (('--nocrop',), 0.4 * 1)):
        assert abs_rel(np.full((1, 5, 5), 8, np.float32), '--split=eigen_benchmark',
                       '--plot', *flags) == pytest.approx(expected)
    # Without the image, which is not there.
    assert cv2.imread('pred_depth/000000.png').shape == (200, 200, 3)
    with pytest.raises(UserError, match='--nocrop: must be given with --split=eigen_benchmark'):
        score(np.ones((1, 5, 5), np.float32), '--nocrop')


@pytest.mark.parametrize('flag', ['--camera=3', '--sequence=4', '--disparity_dir=disp_occ_0'])
def test_a_flag_of_another_split_is_refused(flag):
    with pytest.raises(UserError, match=flag + ': must not be given with --split=eigen'):
        eval_depth.main(['--split=eigen', '--test_file_list=files.txt', flag])
