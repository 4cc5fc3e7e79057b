"""Trains GeoNet's depth and pose in stages, tests them and draws the results."""
import contextlib
import functools
import glob
import os

import numpy as np

from experiments import figures
from experiments.stages import Recipe, Stage, run_stages, settings_of
from geonet import main as geonet
from kitti_data.preparation import prepare_train_data
from kitti_eval import eval_depth, html_report
from kitti_eval.depth_splits import has_depth
from npu_runtime.devices.choose import choose_device
from vo_common.console import log
from vo_common.files import make_folder, read_json
from vo_common.parallel import beside, num_cores

TITLE = 'GeoNet: depth and motion from images alone'
NUM_PICTURES = 4

# Batch norm's moving statistics lag behind at first, but batch statistics are noisy with small
# batches, so the later stages freeze it. The last learning rates are small, to average out noise.
_FROZEN = ('--freeze_batch_norm',)
# Disparities start at 1: from the published 5, they can at most double. Motions start near 0: with
# a random direction of travel, depth_net learns depths that agree with it, and short runs do not
# recover. Half of the snippets are mirrored, because few drives have few turns. A sideways motion
# looks like a turn; snippets that only turn teach the difference. pose_net cannot infer the camera,
# so all frames are treated as taken by one. Warping only towards the target gives 1.6 times as many
# steps in the same time.
_FLAGS = ('--mode=train_rigid', '--batch_norm_decay=0.98', '--initial_disparity=1',
          '--initial_pose_gain=0.01', '--target_depth_only',
          '--augment=scale,gamma,brightness,colour,flip',
          '--half_pixel_centers', '--precision_mode=allow_mix_precision')
# Turns are added only at first, because true turns include a sideways motion. At the end, images
# are not enlarged, which would look like a longer focal length and make turns 5 % too small, and
# the mount varies, since few drives would be memorised otherwise. The last stage has fewer snippets
# that only turn, because they impair slow turns.
_TURNED = ('--augment_turn=0.03', '--augment_pivot=0.1')
_LAST = _FROZEN + ('--augment=gamma,brightness,colour,flip', '--augment_mount=0.03')
# On images below 64x208, splitting an operation among threads costs more than it gains: at 56x184 a
# step takes 0.82 CPU seconds on two cores, and 0.69 without. At 32x104, running operations in
# parallel costs more as well.
_WHOLE_OPERATIONS = ('--intra_op_threads=1',)
_ONE_THREAD = _WHOLE_OPERATIONS + ('--inter_op_threads=1',)
# Half of the steps see images of half the size, in a quarter of the time; batch norm then adapts to
# the full size before it is frozen.
RECIPE = Recipe(_FLAGS + ('--dispnet_encoder=vgg', '--batch_size=4'), (
    Stage(0.50, 4e-4, _TURNED + _ONE_THREAD, scale=0.5), Stage(0.15, 3e-4, _TURNED),
    Stage(0.20, 2e-4, _LAST + ('--augment_pivot=0.1',)),
    Stage(0.15, 6e-5, _LAST + ('--augment_pivot=0.03',))),
                test_flags=('--refine_steps=20',))
# Recipe for short runs on rendered drives, whose light never changes. vgg128 takes 0.4 times the
# time of vgg per step.
CONSTANT_LIGHT = ('--augment=scale,flip',)
_BOTH = ('--augment_turn=0.03', '--batch_size=4')
SHORT_RECIPE = Recipe(
    _FLAGS + CONSTANT_LIGHT + _WHOLE_OPERATIONS + ('--dispnet_encoder=vgg128',),
    (Stage(0.55, 1.2e-3, _BOTH + _ONE_THREAD, scale=0.57), Stage(0.23, 6e-4, _BOTH),
     Stage(0.22, 2e-4, _BOTH + _FROZEN)),
    test_flags=('--refine_steps=30',))


def learn(config, drives, folder, about):
    """Trains depth_net and pose_net, and tests them on each validation and test sequence.

    Args:
      config: has img_height, img_width, device, seed, minutes, geonet_steps.
      drives: <Drives>.
      folder: folder of the run and its results.
      about: dict stored with each value, see `figures.circumstances`.

    Returns:
      <figures.Results>.
    """
    return test(config, drives, folder, train_rigid(config, drives, folder, about, RECIPE), RECIPE)


def train_rigid(config, drives, folder, about, recipe):
    """Trains depth_net and pose_net by a <Recipe>, see `learn`.

    Returns:
      (`about` with the model, the <figures.Programs> it called), for `test`.
    """
    call, run = figures.Programs(), os.path.join(folder, 'run')
    camera = '--canonical_camera=' + ','.join('%.4f' % share for share in drives.mean_camera)
    steps = train('GeoNet', config, drives, run, call,
                  recipe._replace(flags=[*recipe.flags, camera]), config.geonet_steps)
    return figures.about_run(about, 'GeoNet', run, steps, drives.num_frames), call


def test(config, drives, folder, trained, recipe):
    """Tests what `train_rigid` has trained; returns the `Results`, see `learn`."""
    about, call = trained
    tested = [_test(config, drives, name, folder, about, call, recipe.test_flags)
              for name in drives.evaluated]
    return figures.results_of_model(TITLE, about, call.lines, os.path.join(folder, 'run'), tested)


def train(name, config, drives, run, call, recipe, steps):
    """Formats the training drives into `<run>_formatted_*` and trains all stages of a recipe.

    Args:
      name: name of the model, for messages.
      config: has img_height, img_width, device, seed and minutes.
      steps: number of steps; 0: determined by config.minutes.

    Returns:
      The last step.
    """
    def set_and_size(stage):
        height, width = stage.scaled(recipe.size(config))
        return ('%s_formatted_%dx%d' % (run, height, width),
                ('--img_height=%d' % height, '--img_width=%d' % width))

    for data, size_flags in dict(map(set_and_size, recipe.stages)).items():
        if call(prepare_train_data, [
                *size_flags, '--dataset_name=kitti_odom', '--dataset_dir=' + drives.root,
                '--dump_root=' + data, '--camera=%d' % drives.camera,
                '--sequences=' + ','.join(drives.train)]):
            log('training without the frames that cannot be read')

    def train_stage(last_step, stage, log_freq):
        data, size_flags = set_and_size(stage)
        call(geonet, [
            *recipe.flags, *size_flags, *stage.flags, '--dataset_dir=' + data,
            '--checkpoint_dir=' + run, '--device=' + config.device, '--seed=%d' % config.seed,
            '--learning_rate=%g' % stage.learning_rate, '--max_steps=%d' % last_step,
            '--log_freq=%d' % log_freq])

    return run_stages(name, run, recipe.stages, train_stage, config.minutes, steps,
                      settings_of(config, drives))


def prediction_flags(drives, name, checkpoint, device):
    """Flags of `geonet/main.py` that predict on a sequence with a checkpoint."""
    return ['--dataset_dir=' + drives.root, '--camera=%d' % drives.camera,
            '--pose_test_seq=' + name, '--init_ckpt_file=' + checkpoint, '--device=' + device,
            '--flip_average']


def _test(config, drives, name, folder, about, call, flags):
    """Predicts and evaluates one sequence; returns its `Results`.

    Predicts depth twice: from each frame alone, and refined on its neighbours by `flags`. Predicts
    poses at the same time, if the device can be shared.
    """
    single, refined, pose = (make_folder(os.path.join(folder, kind + '_' + name))
                             for kind in ('depth', 'refined_depth', 'pose'))
    common = prediction_flags(drives, name, os.path.join(folder, 'run'), config.device)
    refining = [*common, *flags, '--video']
    pose_args = [*refining, '--mode=test_pose', '--output_dir=' + pose, '--overlap_average']
    with in_parallel('poses are predicted', config, os.path.join(folder, 'pose_%s.log' % name),
                     _run_geonet, pose_args) as predict_poses:
        call(geonet, common + ['--mode=test_depth', '--output_dir=' + single])
        call(geonet, refining + ['--mode=test_depth', '--output_dir=' + refined, '--pictures'])
        call.lines += predict_poses()
    about = dict(about, **drives.place(name))
    rows, blocks = figures.sequence_results(
        figures.snippet_figures(pose, drives, name),
        os.path.join(folder, 'trajectory_%s.png' % name), about)
    if has_depth(drives.sequence(name)):
        found = {key: _depth_scores(drives, name, _newest(path), call)
                 for key, path in (('abs_rel', single), ('abs_rel_refined', refined))}
        depth_rows = figures.rows_of(*(
            {key: result[kind]['abs_rel'] for key, result in found.items()}
            for kind in ('prediction', 'best_constant')), **about)
        blocks.append(figures.comparison('GeoNet, sequence %s: depth' % name, depth_rows,
                                         "each image's best constant").block())
        rows += depth_rows
    shown = _newest(refined)[:-len('.npy')]
    for stem, what in ((shown, 'depth'), (os.path.join(pose, 'trajectory'), 'path')):
        blocks += figures.video_blocks(stem, folder, what)
    pictures = sorted(glob.glob(os.path.join(glob.escape(shown), '*.png')))
    for index in np.linspace(0, len(pictures) - 1, NUM_PICTURES + 2).astype(int)[1:-1]:
        blocks.append(html_report.picture(pictures[index], 'frame %d' % index))
    return figures.Results(rows, blocks)


def can_share(config):
    """Whether two processes can compute at the same time on the device of `config`."""
    return choose_device(config).own.SHARED and num_cores() > 1


def in_parallel(what, config, log_path, function, *args):
    """`beside` if the device can be shared; else a context whose function calls `function(*args)`.

    Logs `what` is done in parallel, such as 'poses are predicted'.
    """
    if not can_share(config):
        return contextlib.nullcontext(functools.partial(function, *args))
    log('%s in parallel, see %s' % (what, log_path))
    return beside(function, *args, log_path=log_path)


def _run_geonet(argv):
    """Runs GeoNet's program; returns its command line in a list."""
    call = figures.Programs()
    call(geonet, argv)
    return call.lines


def _newest(folder):
    """The newest file of depth in a folder."""
    return max(glob.glob(os.path.join(glob.escape(folder), '*.npy')), key=os.path.getmtime)


def _depth_scores(drives, name, prediction, call):
    """The result of `eval_depth`."""
    call(eval_depth, ['--split=odometry', '--kitti_dir=' + drives.root, '--sequence=' + name,
                      '--camera=%d' % drives.camera, '--pred_file=' + prediction])
    return read_json(prediction[:-len('.npy')] + '.eval_depth.json')
