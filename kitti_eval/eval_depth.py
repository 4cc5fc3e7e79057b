"""Evaluates predicted depth on KITTI or rendered drives, and compares it with constant depth."""
import os
import sys
if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Before the slow imports, because it makes Ctrl-C exit with one line.
from vo_common.errors import UserError, run_main

import dataclasses

import numpy as np

from kitti_data.depth_files import read_depths
from kitti_data.images import read_rgb, resize
from kitti_eval import leakage, maps, report
from kitti_eval.depth_errors import MAX_DEPTH, MIN_DEPTH, ERRORS, evaluate_map, inverse, summarise
from kitti_eval.depth_splits import annotated_split, eigen_split, odometry_split, stereo_split
from kitti_eval.predicted_images import depths_in_order
from vo_common.console import warn
from vo_common.files import make_folder
from vo_common.flags import as_typed, flag, parse_flags, path_flag
from vo_common.opencv import cv2
from vo_common.parallel import parallel_map

ROWS = (('prediction', 'prediction'), ("constant: each image's median", 'median_depth'),
        ('constant: least abs_rel in each image', 'best_constant'))
# The split that reads a flag. The published program takes --test_file_list with every split.
_READERS = {'sequence': 'odometry', 'camera': 'odometry', 'disparity_dir': 'stereo'}


@dataclasses.dataclass
class Config(maps.MapFlags):
    """Input."""
    split: str = flag('eigen', 'images to evaluate',
                      choices=('eigen', 'eigen_benchmark', 'stereo', 'odometry'))
    kitti_dir: str = path_flag('', 'KITTI raw folder for eigen, data_depth_annotated for '
                                   'eigen_benchmark, KITTI 2015 folder for stereo, odometry folder '
                                   'for odometry, with the depth of rendered drives or '
                                   'depth/NN.npz')
    pred_file: str = path_flag('', 'predicted depth, .npy, float32 [n, H, W]; the .json that '
                                   'test_depth writes with it names the images')
    test_file_list: str = path_flag('', 'eigen, eigen_benchmark: list of the images, in the order '
                                        'of the predictions if no .json names them')
    disparity_dir: str = flag('disp_noc_0', 'stereo: folder of the truth',
                              choices=('disp_noc_0', 'disp_occ_0'))
    sequence: str = flag('9', 'odometry: sequence to evaluate')
    camera: int = flag(2, 'odometry: camera of the predictions, 0 to 3', choices=(0, 1, 2, 3))
    min_depth: float = flag(MIN_DEPTH, 'minimum depth, metres', above=0)
    max_depth: float = flag(MAX_DEPTH, 'maximum depth, metres', above=0)
    crop: bool = flag(True, 'eigen_benchmark: only score pixels in the crop of Garg et al. and '
                            'within the limits; --nocrop scores all, as Monodepth2 does')
    scale: bool = flag(True, 'scale each prediction by the ratio of medians')

    def __post_init__(self):
        super().__post_init__()
        if self.min_depth >= self.max_depth:
            raise UserError('--min_depth=%g: must be below --max_depth=%g' % (
                self.min_depth, self.max_depth))
        if not self.crop and self.split != 'eigen_benchmark':
            raise UserError('--nocrop: must be given with --split=eigen_benchmark, not %s' %
                            self.split)
        for name, split in _READERS.items():
            if split != self.split and not self.is_default(name):
                raise UserError('--%s=%s: must not be given with --split=%s (read by %s)' % (
                    name, as_typed(getattr(self, name)), self.split, split))
        if self.split.startswith('eigen') and not self.test_file_list:
            raise UserError('--test_file_list= is empty: must be the list of the images that '
                            '--split=%s scores (Eigen\'s has 697)' % self.split)


def main(argv=None):
    config, = parse_flags(__doc__, Config, argv=argv)
    pred = read_depths(config.pred_file)
    split = open_split(config)
    pred = depths_in_order(split.paths, pred, config.pred_file)
    trained = leakage.warn_if_trained(config.train_list, split.drives)
    prefix = report.result_prefix(config.output_dir, config.pred_file, 'eval_depth')
    scores = parallel_map(lambda index: score_image(split, index, pred[index], config)[0],
                          range(len(pred)), desc='depth', unit='img')
    result = summarise(scores)
    shown = print_result(result, config)
    scored = [index for index, score in enumerate(scores) if score]
    warn_if_explained(split, pred, config, result, scored)
    report.save_result(prefix, dict(result, split=config.split, trained_on=trained))
    if config.plot:
        folder = make_folder(os.path.splitext(prefix)[0] + '_depth')
        report.write_page(prefix, shown, plot_images(split, pred, config, scored, folder), __file__,
                          argv)
    if config.split.startswith('eigen'):  # drives of the others may have few images with depth
        report.Overlap(len(scored), len(scored), len(pred), 'images').require_half(
            config.kitti_dir, config.pred_file)


def open_split(config):
    """The <Split> that `config` selects."""
    limits = (config.min_depth, config.max_depth)
    if config.split == 'eigen':
        return eigen_split(config.kitti_dir, config.test_file_list, limits)
    if config.split == 'eigen_benchmark':
        return annotated_split(config.kitti_dir, config.test_file_list, limits, config.crop)
    if config.split == 'odometry':
        return odometry_split(config.kitti_dir, config.sequence, config.camera, limits)
    return stereo_split(config.kitti_dir, config.disparity_dir)


def score_image(split, index, pred, config):
    """(errors, scaled depth [H, W], <DepthTruth>) of the depth `pred` [h, w] of an image.

    For the errors, see `evaluate_map`. Without truth, returns (None, None, None).
    """
    truth = split.truth(index)
    if truth is None or not truth.valid.any():
        return None, None, None
    try:
        errors, depth = evaluate_map(truth.depth, pred, truth.valid, config.scale,
                                     (config.min_depth, config.max_depth), truth.focal_baseline)
    except ValueError as error:
        raise UserError('%s: prediction %d (%s): %s' % (
            config.pred_file, index, split.paths[index], error)) from error
    return errors, depth, truth


def warn_if_explained(split, pred, config, result, scored):
    """Warns if the prediction is worse than a constant, but would fit if read differently.

    `result` is the summary of the images with the indices `scored`.
    """
    constant = result['best_constant']['abs_rel']
    if result['prediction']['abs_rel'] <= constant:
        return
    scaled = dataclasses.replace(config, scale=True)

    def errors_of(index):
        readings = {'1 / prediction, scaled by medians,': inverse(pred[index]),
                    'the prediction, scaled by medians,': pred[index]}
        return {words: score_image(split, index, depth, scaled)[0]['prediction']['abs_rel']
                for words, depth in readings.items()}

    found = maps.best_reading(constant, scored, errors_of)
    if found:
        warn('%s: is worse than a constant, but %s fits (abs_rel %.4f): must hold depth, %s' % (
            (config.pred_file,) + found + ('in any scale' if config.scale else 'in metres',)))


def plot_images(split, pred, config, scored, folder):
    """Draws images with the indices `scored`, if there, above predicted and true depth.

    True points are drawn 3 pixels wide. Returns the paths.
    """
    from kitti_eval.plots import depth_colours  # matplotlib is slow to import.

    def draw(index):
        _, depth, truth = score_image(split, index, pred[index], config)
        low, high = np.percentile(truth.depth[truth.depth > 0], [2, 98])
        points = cv2.dilate(depth_colours(truth.depth, low, high), np.ones((3, 3)))
        path = split.paths[index]
        image = [resize(read_rgb(path), *depth.shape)] if os.path.exists(path) else []
        return np.concatenate(image + [depth_colours(depth, low, high), points])

    return maps.draw_maps(folder, '%06d.png', draw, scored, config.num_plots)


def print_result(result, config):
    """Prints the table and the spread of the scales; returns the table."""
    if result['without_truth']:
        warn('%d images have no ground truth and are left out' % result['without_truth'])
    columns = [(name, '%.4f') for name in ERRORS]
    if 'd1_all' in result['prediction']:
        columns.insert(4, ('d1_all', '%.4f'))
    shown = report.Table(
        'Depth, %s split, %d images, %s%s %g to %g m, %s' % (
            config.split, result['images'],
            "Garg's crop, " if config.split.startswith('eigen') and config.crop else '',
            'predictions limited to' if config.split == 'stereo' or not config.crop else 'from',
            config.min_depth, config.max_depth,
            'scaled by medians' if config.scale else 'not scaled'),
        columns, [(label, result[key]) for label, key in ROWS]).show()
    if config.scale:
        print('scale: mean %.4f, std / mean %.4f' % (result['scale_mean'], result['scale_std']))
    return shown


if __name__ == '__main__':
    run_main(main)
