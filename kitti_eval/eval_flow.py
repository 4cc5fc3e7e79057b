"""Scores predicted optical flow on KITTI 2015, beside zero flow."""
import os
import sys
if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

import dataclasses

import numpy as np

from common.errors import UserError, run_main
from common.files import make_folder, require_folder
from common.flags import flag, parse_flags, path_flag
from common.parallel import parallel_map
from kitti_data import splits
from kitti_data.flow_files import flow_to_colour, read_flo, read_kitti_flow, resize_flow
from kitti_data.images import read_rgb, write_png
from kitti_eval import html_report, leakage, report
from kitti_eval.flow_errors import evaluate_map, summarise

TRUTHS = ('noc', 'occ')
# Where and in which form the prediction of an image may lie; the first that is there is taken.
_PREDICTIONS = (('', '.flo'), ('binary', '.flo'), ('', '.png'), ('png', '.png'))


@dataclasses.dataclass
class Config:
    """What is compared."""
    dataset_dir: str = path_flag('', 'KITTI 2015 folder, with training/flow_noc and flow_occ')
    pred_dir: str = path_flag('', 'folder of predictions NNNNNN.flo or NNNNNN.png (KITTI 16-bit), or '
                             'with binary/ or png/ that hold them')
    bilinear: bool = flag(False, 'resize predictions bilinearly; published: by the nearest value')
    train_list: str = path_flag('', 'train.txt of the training set: warn of drives that are in it')
    num_plots: int = flag(20, 'pictures that --plot writes, evenly chosen; 0 is one for each image')


def main(argv=None):
    config, output = parse_flags(__doc__, Config, report.ReportFlags, argv=argv)
    training = require_folder(
        os.path.join(require_folder(config.dataset_dir, 'KITTI 2015 folder (--dataset_dir)'),
                     'training'), 'KITTI 2015 training folder')
    pred_dir = require_folder(config.pred_dir, 'folder of predictions (--pred_dir)')
    numbers = truth_numbers(training)
    found = {number: path for number, path in (
        (number, prediction_path(pred_dir, number)) for number in numbers) if path}
    if not found:
        raise UserError('no prediction such as %s.flo in %s' % (numbers[0], pred_dir))
    if len(found) < len(numbers):
        report.warn('%d of %d images have no prediction and are left out' % (
            len(numbers) - len(found), len(numbers)))
    trained = leakage.warn_if_trained(config.train_list, sorted(splits.test_scenes('stereo')))
    folder = report.result_folder(output, pred_dir)
    plot_folder = make_folder(os.path.join(folder, 'eval_flow')) if output.plot else ''
    result = evaluate_files(training, found, config, plot_folder)
    shown = print_result(result)
    report.save_result(folder, 'eval_flow', dict(
        result, missing=len(numbers) - len(found), trained_on=trained))
    if plot_folder:
        print('written: %s/*.png' % plot_folder)
        html_report.evaluation_page(os.path.join(folder, 'eval_flow.html'), shown, plot_folder)


def truth_numbers(training):
    """Sorted six-digit names of the images with true flow in KITTI 2015's training folder."""
    folder = require_folder(os.path.join(training, 'flow_occ'), 'KITTI 2015 flow')
    numbers = sorted(name[:-len('_10.png')] for name in os.listdir(folder)
                     if name.endswith('_10.png'))
    if not numbers:
        raise UserError('no flow NNNNNN_10.png in %s' % folder)
    return numbers


def prediction_path(pred_dir, number):
    """The file of an image's prediction, '' where there is none."""
    paths = (os.path.join(pred_dir, folder, number + extension)
             for folder, extension in _PREDICTIONS)
    return next((path for path in paths if os.path.exists(path)), '')


def evaluate_files(training, predictions, config, plot_folder=''):
    """Scores the predictions of some images on all cores.

    Args:
      training: KITTI 2015's training folder.
      predictions: {six-digit name: path}.
      config: Config, of which bilinear and num_plots are read.
      plot_folder: where pictures go; empty makes none.

    Returns:
      {'noc': summary, 'occ': summary, 'per_image': {name: {'noc': errors, 'occ': errors}}}; see
      `flow_errors.summarise`.
    """
    numbers = sorted(predictions)
    plotted = {numbers[index] for index in np.linspace(
        0, len(numbers) - 1, min(config.num_plots or len(numbers), len(numbers))).astype(int)}

    def score(number):
        pred = read_prediction(predictions[number])
        truths = {kind: read_kitti_flow(os.path.join(training, 'flow_' + kind, number + '_10.png'))
                  for kind in TRUTHS}
        if plot_folder and number in plotted:
            image = read_rgb(os.path.join(training, 'image_2', number + '_10.png'))
            write_picture(os.path.join(plot_folder, number + '.png'), image, pred, *truths['occ'])
        return {kind: evaluate_map(gt, valid, pred, config.bilinear)
                for kind, (gt, valid) in truths.items()}
    scores = parallel_map(score, numbers, desc='flow', unit='img')
    result = {kind: summarise([score[kind] for score in scores]) for kind in TRUTHS}
    per_image = {number: {kind: score[kind] and score[kind]['prediction'] for kind in TRUTHS}
                 for number, score in zip(numbers, scores)}
    return dict(result, per_image=per_image)


def read_prediction(path):
    """<float32>[H, W, 2] of a .flo file or a KITTI PNG."""
    return read_flo(path) if path.endswith('.flo') else read_kitti_flow(path)[0]


def print_result(result):
    """Prints, and returns, the table of `evaluate_files`' result."""
    columns = [('%s %s' % (name, kind), form) for kind in TRUTHS
               for name, form in (('EPE', '%.4f'), ('Fl %', '%.2f'))]
    rows = []
    for label, key in (('prediction', 'prediction'), ('zero flow', 'zero_flow')):
        values = {}
        for kind in TRUTHS:
            values['EPE ' + kind] = result[kind][key]['epe']
            values['Fl % ' + kind] = 100 * result[kind][key]['fl']
        rows.append((label, values))
    return report.print_table(
        'Flow, KITTI 2015, %d images, EPE in pixels' % result['occ']['images'], columns, rows)


def write_picture(path, image, pred, gt, valid):
    """Writes the image, the predicted flow and the truth, one above the other, as PNG.

    Args:
      path: the PNG file.
      image: <uint8>[H, W, 3].
      pred: <float>[h, w, 2], pixels.
      gt, valid: <float>[H, W, 2], <bool>[H, W]; both flows are coloured by the truth's range
        without its longest 2 %.
    """
    longest = np.percentile(np.linalg.norm(gt[valid], axis=-1), 98) if valid.any() else None
    truth = flow_to_colour(gt, longest) * valid[..., None].astype(np.uint8)
    colour = flow_to_colour(resize_flow(pred, *valid.shape), longest)
    write_png(path, np.concatenate([image, colour, truth]))


if __name__ == '__main__':
    run_main(main)
