"""Trains GeoNet's optical flow from images alone, tests it and draws the results."""
import glob
import os

from experiments import figures
from experiments.drives import RENDERED_SPEEDS
from experiments.learn_geonet import train
from experiments.stages import Recipe, Stage
from geonet import main as geonet
from kitti_data.rendering.layouts import kitti_2015_dataset
from kitti_eval import eval_flow, html_report
from vo_common.console import log
from vo_common.files import read_json

TITLE = 'GeoNet: optical flow from images alone'
# Flow starts near 0 instead of the published noise of many pixels. Occluded pixels are not masked:
# at first the mask would hide everything that moves fast. Batch norm sees 16 pairs per step, so
# short averages suffice.
RECIPE = Recipe((
    '--mode=train_flow', '--flownet_type=direct', '--batch_size=4', '--batch_norm_decay=0.9',
    '--initial_flow_gain=0.01', '--flow_consistency_weight=0', '--flow_smooth_weight=0.1'),
                (Stage(0.65, 5e-4), Stage(0.20, 2e-4), Stage(0.15, 5e-5)), half_size=True)
NUM_IMAGES, NUM_SHOWN = 40, 4


def learn(config, drives, folder, about):
    """Trains direct flow and tests it on KITTI 2015, if given.

    If the drives are rendered, tests on rendered images in the layout of KITTI 2015. Without truth,
    draws the flow of the first validation or test sequence. See `learn_geonet.learn`; `config` also
    has flow_dir and flow_steps.
    """
    call, run, flow = figures.Programs(), os.path.join(folder, 'run'), os.path.join(folder, 'flow')
    recipe = RECIPE
    if drives.rendered:
        recipe = recipe._replace(flags=recipe.flags + ('--augment=scale',))
    steps = train('GeoNet flow', config, drives, run, call, recipe, config.flow_steps)
    about = figures.about_run(about, 'GeoNet flow', run, steps, drives.num_frames)
    truth = config.flow_dir
    if drives.rendered and not truth:
        truth = os.path.join(folder, 'kitti_2015')
        kitti_2015_dataset(truth, NUM_IMAGES, config.img_height, config.img_width, num_workers=0,
                           **RENDERED_SPEEDS)
    common = ['--mode=test_flow', '--output_dir=' + flow, '--init_ckpt_file=' + run,
              '--device=' + config.device]
    if truth:
        call(geonet, common + ['--dataset_dir=' + truth])
        call(eval_flow, ['--dataset_dir=' + truth, '--pred_dir=' + flow, '--plot',
                         '--num_plots=%d' % NUM_SHOWN])
        results = _scores(flow, about)
    else:
        name = drives.evaluated[0]
        call(geonet, common + ['--dataset_dir=' + drives.root, '--pose_test_seq=' + name, '--video',
                               '--camera=%d' % drives.camera])
        text = ('Flow is not evaluated: --flow_dir= is empty, and the drives have no true flow. '
                'The video shows that of sequence %s.' % name)
        log(text)
        results = figures.Results([], [html_report.note(text)] + figures.video_blocks(
            os.path.join(flow, 'pictures'), folder, 'flow of sequence ' + name))
    return figures.results_of_model(TITLE, about, call.lines, run, [results])


def _scores(flow, about):
    """The `Results` of predictions in the folder `flow` that `eval_flow` evaluated."""
    result = read_json(os.path.join(flow, 'eval_flow.json'))['occ']
    rows = figures.rows_of(result['prediction'], result['zero_flow'], **dict(
        about, sequence='KITTI 2015', trained_on=False, split='test'))
    pictures = sorted(glob.glob(os.path.join(glob.escape(flow), 'eval_flow', '*.png')))
    return figures.Results(rows, [figures.comparison('Flow', rows, 'zero flow').block()] + [
        html_report.picture(path, os.path.basename(path)) for path in pictures[:NUM_SHOWN]])
