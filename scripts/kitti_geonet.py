"""GeoNet on the drives of a KITTI folder: trained in stages, tested, drawn."""
import glob
import os

import numpy as np

from common.console import log
from common.files import make_folder, read_json
from geonet import main as geonet
from geonet.pictures import depth_picture
from kitti_data.images import read_resized, write_png
from kitti_data.preparation import prepare_train_data
from kitti_data.rendering.scene import SCENE_FILE
from kitti_eval import eval_depth, html_report, plots
from scripts import figures
from scripts.stages import Recipe, Stage, run_stages

NUM_PICTURES = 4


# Batch norm's statistics carry the beginning; with batches so small they are in the way of the
# rest, so that it is frozen then. The last steps are small ones, in which the noise averages out.
_FROZEN = ('--freeze_batch_norm',)
# Disparities begin at 1: from the published 5 they can at most double. Half of the snippets are
# mirrored: few drives have too few different turns. A step to the side looks like a turn: snippets
# that only turn tell one from the other. pose_net cannot know that a sequence has another camera:
# all count as one. Warping towards the target alone makes 1.6 times as many steps in the same time.
_FLAGS = ('--mode=train_rigid', '--dispnet_encoder=vgg', '--batch_norm_decay=0.98',
          '--initial_disparity=1', '--augment_flip', '--target_depth_only',
          '--half_pixel_centers', '--precision_mode=allow_mix_precision')
# More turns than the drives have, but not in the end: a step aside goes with a true turn. Nor are
# images enlarged then: they look like those of a longer lens, and turns come out some 5 % short.
# Where the few drives go is known by heart, unless their cameras are mounted otherwise each time.
# Snippets that only turn make the steps of slow turns uncertain: fewer in the end.
_TURNED = ('--augment_turn=0.03', '--augment_pivot=0.1')
_LAST = _FROZEN + ('--noaugment_scale', '--augment_mount=0.03')
RECIPE = Recipe(_FLAGS + ('--batch_size=4',), (
    Stage(0.40, 4e-4, _TURNED), Stage(0.15, 2e-4, _TURNED + _FROZEN),
    Stage(0.25, 2e-4, _LAST + ('--augment_pivot=0.1',)),
    Stage(0.20, 6e-5, _LAST + ('--augment_pivot=0.03',))))
# For a few hundred steps on rendered drives, whose light never changes. In the end pose_net alone,
# whose steps are the cheapest.
_BOTH = ('--augment_turn=0.03', '--batch_size=4')
_POSE_ALONE = _FROZEN + ('--train_nets=pose_net', '--batch_size=8')
SHORT_RECIPE = Recipe(
    _FLAGS + ('--noaugment_gamma', '--noaugment_brightness', '--noaugment_colour'),
    (Stage(0.50, 4e-4, _BOTH), Stage(0.28, 1e-4, _BOTH + _FROZEN),
     Stage(0.22, 1e-4, _POSE_ALONE)))


def learn(config, drives, folder, about, recipe=RECIPE):
    """Trains depth_net and pose_net, and tests them on each test sequence.

    Args:
      config: with img_height, img_width, device, minutes, geonet_steps.
      drives: <Drives>.
      folder: of the run and all that comes of it.
      about: dict that each figure is told with, see `figures.circumstances`.
      recipe: <Recipe>.

    Returns:
      (list of figures as results.json has them, list of blocks of the report).
    """
    call, run = figures.Programs(), os.path.join(folder, 'run')
    plan = _train(config, drives, run, call, recipe)
    about = dict(about, model='GeoNet', minutes=figures.training_minutes(run),
                 frames=sum(len(drives.sequence(name).frames) for name in drives.train),
                 steps=plan['last_steps'][-1])
    curve = os.path.join(folder, 'loss.png')
    plots.plot_losses(curve, {'GeoNet': figures.loss_curve(run)}, 'GeoNet, total loss')
    rows, blocks = [], []
    for name in drives.test:
        found, shown = _test(config, drives, name, call, folder, about)
        rows += found
        blocks += shown
    return rows, [html_report.heading('GeoNet: depth and motion from images alone'),
                  html_report.paragraph('%(steps)d steps, %(minutes)g minutes, %(frames)d training '
                                        'frames.' % about),
                  html_report.commands(call.lines), html_report.picture(curve, 'loss')] + blocks


def _train(config, drives, run, call, recipe):
    """Formats the drives beside the folder `run` and trains all stages; the plan."""
    formatted = run + '_formatted'
    size = ['--img_height=%d' % config.img_height, '--img_width=%d' % config.img_width]
    if call(prepare_train_data, size + [
            '--dataset_name=kitti_odom', '--dataset_dir=' + drives.root, '--dump_root=' + formatted,
            '--camera=%d' % drives.camera, '--sequences=' + ','.join(drives.train)]):
        log('some frames cannot be read: trained without them')

    camera = ['--canonical_camera=' + ','.join('%.4f' % share for share in drives.mean_camera)]

    def train(last_step, stage, log_freq):
        call(geonet, list(recipe.flags) + size + camera + list(stage.flags) + [
            '--dataset_dir=' + formatted, '--checkpoint_dir=' + run, '--device=' + config.device,
            '--learning_rate=%g' % stage.learning_rate, '--max_steps=%d' % last_step,
            '--log_freq=%d' % log_freq])

    return run_stages('GeoNet', run, recipe.stages, train, config.minutes, config.geonet_steps)


def _test(config, drives, name, call, folder, about):
    """The figures and the blocks of one test sequence."""
    depth, pose = (make_folder(os.path.join(folder, kind + '_' + name))
                   for kind in ('depth', 'pose'))
    common = ['--dataset_dir=' + drives.root, '--camera=%d' % drives.camera,
              '--pose_test_seq=' + name, '--init_ckpt_file=' + os.path.join(folder, 'run'),
              '--device=' + config.device, '--flip_average', '--video']
    call(geonet, common + ['--mode=test_depth', '--output_dir=' + depth])
    call(geonet, common + ['--mode=test_pose', '--overlap_average', '--output_dir=' + pose])
    prediction = max(glob.glob(os.path.join(glob.escape(depth), '*.npy')), key=os.path.getmtime)
    about = dict(about, sequence=name, trained_on=name in drives.train)
    title = 'GeoNet, sequence %s' % name
    gt, rows, blocks = figures.poses_if_there(drives, name), [], []
    if gt is None:
        blocks.append(html_report.note('Sequence %s has no poses: predicted, not scored.' % name))
    else:
        found, baseline, curves = figures.snippet_figures(pose, gt, drives.pose_files)
        rows += figures.rows_of(found, baseline, **about)
        blocks += figures.blocks_of(os.path.join(folder, 'trajectory_%s.png' % name), curves,
                                    found, baseline, title, about['trained_on'])
    if os.path.exists(os.path.join(drives.sequence(name).folder, SCENE_FILE)):
        found, block = _depth_scores(drives, name, prediction, call, title)
        rows += figures.rows_of(*found, **about)
        blocks.append(block)
    for path in _depth_pictures(drives.sequence(name), prediction, config):
        blocks.append(html_report.picture(path, 'frame %s' % os.path.basename(path)[:-4]))
    return rows, blocks


def _depth_scores(drives, name, prediction, call, title):
    """Of a rendered drive, whose depth is known: ((figures, baseline's), block of the report)."""
    call(eval_depth, ['--split=synthetic', '--kitti_dir=' + drives.root, '--sequence=' + name,
                      '--pred_file=' + prediction])
    result = read_json(prediction[:-len('.npy')] + '.eval_depth.json')
    best = {'abs_rel': result['best_constant']['abs_rel']}
    return (result['prediction'], best), html_report.table(
        title + ': depth', [figures.FIGURES['abs_rel']],
        [(label, {figures.FIGURES['abs_rel'][0]: values['abs_rel']}) for label, values in (
            ('prediction', result['prediction']), ('best constant depth of each image', best))])


def _depth_pictures(sequence, prediction, config):
    """Paths of a few pictures, each frame over its depth, evenly chosen."""
    depths = np.load(prediction, mmap_mode='r')
    paths = []
    for index in np.linspace(0, len(depths) - 1, NUM_PICTURES + 2).astype(int)[1:-1]:
        number, image_path = sequence.frames[index]
        image, _ = read_resized(image_path, config.img_height, config.img_width)
        paths.append(os.path.join(os.path.dirname(prediction), '%06d.png' % number))
        write_png(paths[-1], depth_picture(image, depths[index]))
    return paths
