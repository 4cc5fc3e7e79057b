"""Flow errors: the published numbers from the same files, exact truth without error."""
import os
from pathlib import Path

import cv2
import golden_common
import numpy as np
import pytest

import published
from kitti_data.flow_files import read_kitti_flow, write_flo, write_kitti_flow
from kitti_data.images import write_png
from kitti_eval import eval_flow, flow_errors
from vo_common.errors import UserError
from vo_common.files import read_json, write_json

ARRAYS, SCALARS = published.arrays('numpy_flow'), published.scalars('numpy_flow')

def write_truth(count):
    """Writes `count` published cases: truth in training/, predictions in pred/binary/."""
    for name in ('training/flow_noc', 'training/flow_occ', 'training/image_2', 'pred/binary'):
        os.makedirs(name)
    for index in range(count):
        noc, occ, pred = golden_common.make_flow_eval(index)
        for name, flow in (('flow_noc', noc), ('flow_occ', occ)):
            write_kitti_flow('training/%s/%06d_10.png' % (name, index), flow[..., :2], flow[..., 2])
        write_png('training/image_2/%06d_10.png' % index, np.zeros(noc.shape, np.uint8))
        write_flo('pred/binary/%06d.flo' % index, pred)


def run(*flags):
    eval_flow.main(['--dataset_dir=.', '--pred_dir=pred', *flags])
    return read_json('pred/eval_flow.json')


def test_errors_of_one_flow_are_the_published_ones():
    wanted = SCALARS['flow']
    all_but_first_row = np.ones_like(ARRAYS['flow_mask'])
    all_but_first_row[0] = 0
    for key, mask in (('flow_kitti_error', ARRAYS['flow_mask']),
                      ('evaluate_kitti_flow_3ch', ARRAYS['flow_mask']),
                      ('flow_kitti_mask_error', ARRAYS['flow_mask'] * ARRAYS['flow_pmask']),
                      # What the published evaluation scores without a mask.
                      ('evaluate_kitti_flow_2ch', all_but_first_row)):
        ours = flow_errors.flow_errors(ARRAYS['flow_gt'], mask, ARRAYS['flow_pred'])
        # There the share of right pixels is given.
        assert [ours['epe'], 1 - ours['fl']] == pytest.approx(wanted[key], rel=1e-9)
    known = (np.abs(ARRAYS['flow_gt_unknown']) < 1e7).all(axis=-1)
    ours = flow_errors.flow_errors(ARRAYS['flow_gt_unknown'], known, ARRAYS['flow_pred'])
    assert ours['epe'] == pytest.approx(wanted['flow_error'], rel=1e-9)


def test_two_hundred_images_score_as_published():
    write_truth(200)
    result = run()
    rows = np.array([[image[kind]['epe'], 1 - image[kind]['fl']]
                     for _, image in sorted(result['per_image'].items())
                     for kind in ('noc', 'occ')]).reshape(200, 4)
    np.testing.assert_allclose(
        rows, ARRAYS['eval_flow_rows_nocEPE_nocACC_occEPE_occACC'], atol=5.1e-5)
    means = np.ravel([(score['epe'], 1 - score['fl']) for score in (
        result[kind]['prediction'] for kind in ('noc', 'occ'))])
    for mean, line in zip(means, SCALARS['eval_flow']['stdout']):
        assert '%.4f' % mean == line.split('=')[1].strip()


def test_real_sample_has_its_known_errors(shared):
    sample = shared / 'kitti_flow2015_sample'
    gt, valid = read_kitti_flow(str(sample / 'flow_gt.png'))
    pred, _ = read_kitti_flow(str(sample / 'flow_est.png'))
    assert valid.sum() == 111326
    ours = flow_errors.flow_errors(gt, valid, pred)
    assert ours['epe'] == pytest.approx(12.200723, rel=1e-6)
    assert ours['fl'] == pytest.approx(0.206879, abs=5e-7)


def test_any_number_of_images_in_any_form(capsys):
    write_truth(4)
    os.remove('pred/binary/000001.flo')
    os.remove('pred/binary/000002.flo')
    Path('pred/png').mkdir()
    pred = golden_common.make_flow_eval(2)[2]
    valid = np.ones(pred.shape[:2], bool)
    valid[:2] = False
    write_kitti_flow('pred/png/000002.png', pred, valid)
    Path('train.txt').write_text('2011_09_26_drive_0005_sync_02 0000000001\n')
    result = run('--plot', '--num_plots=2', '--train_list=train.txt')
    assert result['occ']['images'] == 3 and result['missing'] == 1
    assert result['trained_on'] == ['2011_09_26_drive_0005']
    out, err = capsys.readouterr()
    assert '1 of 4 images have no prediction' in err and '2011_09_26_drive_0005' in err
    assert '000002.png: %d pixels are marked as unknown' % (2 * pred.shape[1]) in err
    assert 'zero flow' in out
    assert sorted(os.listdir('pred/eval_flow')) == ['000000.png', '000003.png']
    picture = cv2.imread('pred/eval_flow/000000.png')
    assert picture.shape == (90, 100, 3)
    page = Path('pred/eval_flow.html').read_text()
    assert page.count('data:image/png;base64,') == 2 and 'zero flow' in page


def test_a_mask_without_any_known_pixel_is_refused():
    flow = np.ones((4, 6, 2))
    write_kitti_flow('000000.png', flow, np.zeros((4, 6)))
    with pytest.raises(UserError, match='000000.png: marks all pixels as unknown'):
        eval_flow.read_prediction('000000.png')


def test_arrays_are_scored_beside_zero_flow():
    gt = np.random.RandomState(0).uniform(-9, 9, (2, 6, 8, 2))
    valid = [np.ones((6, 8)), np.zeros((6, 8))]
    result = flow_errors.summarise([flow_errors.evaluate_map(*one) for one in zip(gt, valid, gt)])
    assert result['images'] == 1
    assert result['prediction'] == {'epe': 0, 'fl': 0}
    assert result['zero_flow']['epe'] == pytest.approx(
        np.linalg.norm(gt[0], axis=-1).mean())
    with pytest.raises(UserError, match='none of 1'):
        flow_errors.summarise([flow_errors.evaluate_map(gt[0], valid[1], gt[0])])


def test_missing_files_are_reported():
    write_truth(1)
    os.remove('pred/binary/000000.flo')
    with pytest.raises(UserError, match='no prediction such as 000000.flo'):
        run()
    os.remove('training/flow_occ/000000_10.png')
    with pytest.raises(UserError, match='no flow NNNNNN_10.png'):
        run()


def test_predictions_may_be_named_as_the_truth_is():
    write_truth(2)
    wanted = run()
    folder = Path('pred/binary')
    for number in range(2):
        (folder / ('%06d.flo' % number)).rename(folder / ('%06d_10.flo' % number))
    (folder / '._000000_10.flo').write_bytes(b'\0\5\26\7')
    Path('training/flow_occ/._000000_10.png').write_bytes(b'\0\5\26\7')
    assert run() == wanted
    (folder / '1.flo').write_bytes((folder / '000001_10.flo').read_bytes())
    with pytest.raises(
            UserError, match='000001_10.flo and 1.flo are predictions of the same image'):
        run()


@pytest.mark.parametrize('value', [np.nan, np.inf, 1e30])
def test_flow_that_cannot_be_scored_is_reported(value):
    write_truth(1)
    flow = np.zeros((8, 9, 2), np.float32)
    flow[3, 4] = value
    write_flo('pred/binary/000000.flo', flow)
    with pytest.raises(UserError, match='000000.flo: holds flow that is not finite or longer'):
        run()


def test_the_result_is_written_before_a_picture_fails():
    write_truth(1)
    Path('training/image_2/000000_10.png').write_bytes(b'broken')
    with pytest.raises(UserError, match='000000_10.png'):
        run('--plot')
    assert read_json('pred/eval_flow.json')['occ']['images'] == 1


@pytest.mark.parametrize('words, change', [
    ('v before u', lambda flow: flow[..., ::-1]), ('the flow from the second', lambda flow: -flow),
    ('fractions of width and height', lambda flow: flow / flow.shape[1::-1]),
    ('pixels of the truth, in another size', lambda flow: flow[::2, ::2]),
    (None, lambda flow: flow), (None, lambda flow: 0 * flow + 99)])
def test_a_flow_that_fits_in_another_convention_is_reported(capsys, words, change):
    write_truth(1)
    flow = np.random.RandomState(0).uniform((4, -9), (20, -5), (8, 16, 2)).astype(np.float32)
    flow = np.kron(flow, np.ones((2, 2, 1), np.float32))
    for name in ('flow_noc', 'flow_occ'):
        write_kitti_flow('training/%s/000000_10.png' % name, flow)
    write_flo('pred/binary/000000.flo', change(flow))
    run()
    said = capsys.readouterr().err
    assert 'better than zero flow, but fits (EPE 0.0' in said if words else 'fits' not in said
    assert (words or '') in said


@pytest.mark.parametrize('folder, image, fits', [
    ('/data/training/image_2', '000000_10.png', True), ('/set', 'sub_folder_02/000000.jpg', True),
    ('/data/testing/image_2', '000000_10.png', False),
    ('/data/training/image_3', '000000_10.png', False),
    ('/set', 'sub_folder_03/000000.jpg', False),
    ('/kitti_2012/training/colored_0', '000000_10.png', False),
    ('/kitti/sequences/09', 'image_2/000000.png', False)])
def test_flow_of_images_without_truth_is_refused(folder, image, fits):
    write_truth(1)
    write_json('pred/flow.json', {'folder': folder, 'images': [image], 'numbers': [0]})
    if fits:
        assert run()['occ']['images'] == 1
    else:
        with pytest.raises(UserError, match='flow.json: the flow is for images such as .*%s, '
                                            'must be for training/image_2/NNNNNN_10.png of the'
                                            % image):
            run()


@pytest.mark.parametrize('camera, size', [('image_2', (19, 31)), ('colored_0', (7, 9))])
def test_pictures_are_drawn_for_every_benchmark_and_size_of_image(capsys, camera, size):
    write_truth(1)
    images = Path('training/image_2')
    images.rename(images.parent / camera)
    write_png(str(images.parent / camera / '000000_10.png'), np.zeros(size + (3,), np.uint8))
    run('--plot')
    assert 'Flow, KITTI %d, 1 images' % (2015 if camera == 'image_2' else 2012) in (
        capsys.readouterr().out)
    shown = cv2.imread('pred/eval_flow/000000.png')
    height, width = golden_common.make_flow_eval(0)[0].shape[:2]
    assert shown.shape == (3 * height, width, 3)


def test_flow_of_less_than_half_of_the_images_is_scored_but_is_an_error(capsys):
    write_truth(3)
    for number in (0, 1):
        os.remove('pred/binary/%06d.flo' % number)
    with pytest.raises(UserError, match='share 1 images of 3 and 1: must be at least half'):
        run()
    assert '1 common images (3 in the truth, 1 in the prediction)' in capsys.readouterr().out
    assert read_json('pred/eval_flow.json')['missing'] == 2
