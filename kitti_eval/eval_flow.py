"""Evaluates predicted optical flow on KITTI 2015, and compares it with zero flow."""
import os
import sys
if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Before the slow imports, because it makes Ctrl-C exit with one line.
from vo_common.errors import UserError, run_main

import dataclasses
import glob
import re

import numpy as np

from kitti_data import splits
from kitti_data.flow_files import (
    FLOW_FILE, flow_to_colour, read_flo, read_kitti_flow, resize_flow)
from kitti_data.images import read_rgb, resize
from kitti_data.kitti_2015 import REFERENCE, reference_names
from kitti_eval import leakage, maps, report
from kitti_eval.flow_errors import evaluate_map, other_readings, summarise
from kitti_eval.predicted_images import flow_cameras, require_flow_images
from vo_common.console import warn
from vo_common.files import make_folder, require_folder
from vo_common.flags import flag, parse_flags, path_flag
from vo_common.parallel import parallel_map

TRUTHS = ('noc', 'occ')
# Folders and endings of predictions, by precedence.
_PREDICTIONS = (('', '.flo'), ('binary', '.flo'), ('', '.png'), ('png', '.png'))
_PREDICTION_NAME = re.compile(r'([0-9]{1,18})(?:_%02d)?' % REFERENCE)
_LONGEST = 1e6  # pixels; Middlebury marks unknown flow by 1e9


@dataclasses.dataclass
class Config(maps.MapFlags):
    """Input."""
    dataset_dir: str = path_flag('', 'KITTI 2015 folder, with training/flow_noc and flow_occ')
    pred_dir: str = path_flag('', 'folder of predictions NNNNNN.flo or NNNNNN.png (KITTI 16-bit), '
                                  'or NNNNNN_10.*, in it or in binary/ or png/ below')
    bilinear: bool = flag(False, 'resize predictions bilinearly (published: nearest neighbour)')


def main(argv=None):
    config, = parse_flags(__doc__, Config, argv=argv)
    training = require_folder(
        os.path.join(require_folder(config.dataset_dir, 'KITTI 2015 folder (--dataset_dir)'),
                     'training'), 'KITTI 2015 training folder')
    pred_dir = require_folder(config.pred_dir, 'folder of predictions (--pred_dir)')
    names = reference_names(require_folder(os.path.join(training, 'flow_occ'), 'KITTI 2015 flow'),
                            'flow')
    cameras = flow_cameras(training)
    require_flow_images(os.path.join(pred_dir, FLOW_FILE), cameras)
    predictions = prediction_paths(pred_dir)
    found = {name: predictions[int(name)] for name in names if int(name) in predictions}
    if not found:
        raise UserError('no prediction such as %s.flo or %s_%02d.png in %s' % (
            names[0], names[0], REFERENCE, pred_dir))
    if len(found) < len(names):
        warn('%d of %d images have no prediction and are left out' % (
            len(names) - len(found), len(names)))
    trained = leakage.warn_if_trained(config.train_list, sorted(splits.test_scenes('stereo')))
    prefix = report.result_prefix(config.output_dir, pred_dir, 'eval_flow')
    result = evaluate_files(training, found, config)
    overlap = report.Overlap(len(found), len(names), len(predictions), 'images')
    shown = print_result(result, 'Flow, KITTI %s, %s, EPE in pixels' % (
        2015 if cameras[0] == 'image_2' else 2012, overlap))
    warn_if_explained(training, found, config, result['occ'])
    report.save_result(prefix, dict(result, missing=len(names) - len(found), trained_on=trained))
    if config.plot:
        report.write_page(prefix, shown, plot_files(
            training, cameras, found, config, make_folder(prefix)), __file__, argv)
    overlap.require_half(config.dataset_dir, config.pred_dir)


def prediction_paths(pred_dir):
    """{image number: path of its prediction}; a UserError if a folder has two for one image."""
    found = {}
    for folder, extension in reversed(_PREDICTIONS):
        pattern, form = os.path.join(glob.escape(pred_dir), folder, '*' + extension), {}
        for path in sorted(glob.glob(pattern)):
            match = _PREDICTION_NAME.fullmatch(os.path.splitext(os.path.basename(path))[0])
            if match and form.setdefault(int(match.group(1)), path) != path:
                raise UserError('%s and %s are predictions of the same image (remove one)' % (
                    form[int(match.group(1))], os.path.basename(path)))
        found.update(form)
    return found


def evaluate_files(training, predictions, config):
    """Evaluates predictions {name NNNNNN of the image: path} on all cores.

    Returns {'noc': summary, 'occ': summary, 'per_image': {name: {'noc': errors, 'occ': errors}}};
    see `flow_errors.summarise`.
    """
    def score(name):
        pred = read_prediction(predictions[name])
        return {kind: evaluate_map(*_read_truth(training, kind, name), pred, config.bilinear)
                for kind in TRUTHS}

    names = sorted(predictions)
    scores = parallel_map(score, names, desc='flow', unit='img')
    result = {kind: summarise([score[kind] for score in scores]) for kind in TRUTHS}
    per_image = {name: {kind: score[kind] and score[kind]['prediction'] for kind in TRUTHS}
                 for name, score in zip(names, scores)}
    return dict(result, per_image=per_image)


def warn_if_explained(training, predictions, config, result):
    """Warns if predictions are hardly better than zero flow, but would fit if read differently.

    `result` is the summary over all pixels.
    """
    zero = result['zero_flow']['epe']
    if result['prediction']['epe'] < 0.9 * zero:
        return

    def errors_of(name):
        gt, valid = _read_truth(training, 'occ', name)
        scores = {words: evaluate_map(gt, valid, flow, config.bilinear) for words, flow in
                  other_readings(read_prediction(predictions[name]), *valid.shape).items()}
        return {words: score['prediction']['epe'] for words, score in scores.items() if score}

    found = maps.best_reading(zero, sorted(predictions), errors_of)
    if found:
        warn('%s: is not clearly better than zero flow, but fits (EPE %.4f) if it holds %s; must '
             'be u, v from the first image to the second, in pixels of its own size' % (
                 config.pred_dir, found[1], found[0]))


def plot_files(training, cameras, predictions, config, folder):
    """Draws images above predicted and true flow; returns the paths.

    The colours span the truth except for its longest 2 %; unknown pixels are black.
    """
    def draw(name):
        gt, valid = _read_truth(training, 'occ', name)
        image = read_rgb(os.path.join(training, cameras[0], '%s_%02d.png' % (name, REFERENCE)))
        pred = resize_flow(read_prediction(predictions[name]), *valid.shape)
        longest = np.percentile(np.linalg.norm(gt[valid], axis=-1), 98) if valid.any() else None
        truth = flow_to_colour(gt, longest) * valid[..., None].astype(np.uint8)
        return np.concatenate([
            resize(image, *valid.shape), flow_to_colour(pred, longest), truth])

    return maps.draw_maps(folder, '%s.png', draw, sorted(predictions), config.num_plots)


def _read_truth(training, kind, name):
    return read_kitti_flow(os.path.join(training, 'flow_' + kind, '%s_%02d.png' % (
        name, REFERENCE)))


def read_prediction(path):
    """Reads <float32>[H, W, 2] from a .flo file or KITTI PNG; a UserError if it is not finite."""
    if path.endswith('.flo'):
        flow = read_flo(path)
    else:
        flow, valid = read_kitti_flow(path)
        if not valid.any():
            raise UserError('%s: marks all pixels as unknown (blue is 0), must mark those whose '
                            'flow is known by 1' % path)
        if not valid.all():
            warn('%s: %d pixels are marked as unknown, and scored as zero flow' % (
                path, np.count_nonzero(valid == 0)))
    with np.errstate(invalid='ignore'):
        if not (np.abs(flow) <= _LONGEST).all():
            raise UserError('%s: holds flow that is not finite or longer than %g pixels' % (
                path, _LONGEST))
    return flow


def print_result(result, title):
    """Prints and returns the table of a result of `evaluate_files`."""
    columns = [('EPE noc', '%.4f'), ('Fl % noc', '%.2f'), ('EPE occ', '%.4f'), ('Fl % occ', '%.2f')]
    rows = []
    for label, key in (('prediction', 'prediction'), ('zero flow', 'zero_flow')):
        epe, fl = ({kind: result[kind][key][name] for kind in TRUTHS} for name in ('epe', 'fl'))
        rows.append((label, {'EPE noc': epe['noc'], 'Fl % noc': 100 * fl['noc'],
                             'EPE occ': epe['occ'], 'Fl % occ': 100 * fl['occ']}))
    return report.Table(title, columns, rows).show()


if __name__ == '__main__':
    run_main(main)
