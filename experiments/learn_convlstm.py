"""Trains ConvLSTM visual odometry in stages, tests it and draws the results."""
import os

from convlstm_vo import main as convlstm_vo
from experiments import figures
from experiments.stages import Recipe, Stage, run_stages, settings_of
from kitti_data import odometry
from kitti_eval import html_report
from kitti_eval.constant_motion import step_from_files
from vo_common.console import log, warn

TITLE = 'ConvLSTM visual odometry: motion from known poses'
_FLAGS = ('--mode=train', '--time_steps=5', '--bsize=4', '--loss_reduction=mean',
          '--initializer=he', '--gradient_clip=5', '--val_sequences=',
          '--precision_mode=allow_mix_precision')
# Few frames take many epochs at a high learning rate to fit. A net that always sees a street at one
# speed recognises the street instead of measuring the motion: windows of distant frames, also in
# reverse, show it at others. A car pitches and rolls by a fifth of a degree from frame to frame,
# which the net ignores unless frames are shaken by more and rotations, small numbers in radians,
# weigh more than the published 100. The last stage returns to true motions. Added turns make the
# drives more varied, but hide the length of motions, so one stage has them. Cars rarely turn on the
# spot, and a net would learn that they never do, so some windows only turn. Mirrored windows double
# the number of drives. Errors that do not change their sign with the order of the frames, such as a
# constant pitch, cancel in the mean over both orders. A car needs about a second to change its
# speed, so the lengths of successive motions are smoothed.
_TURNED = ('--augment_turn=0.03',)
_DISTANCES = '--frame_distance=1,2,3'
_VARIED = (_DISTANCES, '--augment_shake=0.02')
RECIPE = Recipe(
    _FLAGS + ('--rotation_weight=1500', '--augment=mirror,reverse', '--augment_pivot=0.1'), (
        Stage(0.25, 4e-4, _VARIED), Stage(0.20, 3e-4, _VARIED + _TURNED),
        Stage(0.35, 2e-4, _VARIED), Stage(0.13, 1e-4, (_DISTANCES, '--augment_shake=0.01')),
        Stage(0.07, 3e-5)),
    test_flags=('--overlap_average', '--reverse_average', '--smooth_speed=0.5', '--chunk=80'))
# Recipe for a few hundred steps on rendered drives. At full size, a step takes twice as long as a
# step of GeoNet.
SHORT_RECIPE = Recipe(_FLAGS + ('--rotation_weight=300', '--augment=mirror'),
                      (Stage(0.70, 5e-4), Stage(0.30, 1e-4)), tests_trained=False, half_size=True)
_ENDLESS = '1000000'
_TEST = ['--mode=test', '--noevo', '--flip_average']


def learn(config, drives, folder, about, recipe=RECIPE):
    """Trains on the sequences with poses and tests on all; see `learn_geonet.learn`."""
    if not drives.posed:
        text = ('ConvLSTM VO needs the poses of its training sequences, and none of %s has any in '
                '%s: skipped' % (', '.join(drives.train), os.path.join(drives.root, 'poses')))
        warn(text)
        return figures.Results([], [html_report.heading(TITLE), html_report.note(text)])
    without = sorted(set(drives.train) - set(drives.posed))
    if without:
        log('ConvLSTM VO trains without sequence %s, which has no poses' % ', '.join(without))
    run, call = os.path.join(folder, 'run'), figures.Programs()
    data = ['--datapath=' + drives.root, '--outputpath=' + run, '--camera=%d' % drives.camera,
            '--device=' + config.device]
    height, width = recipe.size(config)

    def train(last_step, stage, log_freq):
        call(convlstm_vo, data + list(recipe.flags) + list(stage.flags) + [
            '--img_height=%d' % height, '--img_width=%d' % width,
            '--train_sequences=' + ','.join(drives.posed), '--lr=%g' % stage.learning_rate,
            '--save_epochs=' + _ENDLESS, '--seed=%d' % config.seed,
            '--total_steps=%d' % last_step, '--log_freq=%d' % log_freq])

    steps = run_stages('ConvLSTM VO', run, recipe.stages, train, config.minutes,
                       config.convlstm_steps,
                       settings_of(config, drives._replace(train=drives.posed)))
    tested = list(dict.fromkeys(
        drives.evaluated + (drives.posed if recipe.tests_trained else [])))
    call(convlstm_vo, data + _TEST + list(recipe.test_flags)
         + ['--test_sequences=' + ','.join(tested)])
    about = figures.about_run(about, 'ConvLSTM VO', run, steps,
                              drives._replace(train=drives.posed).num_frames)
    return figures.results_of_model(TITLE, about, call.lines, run, [
        _results(drives, name, run, folder, about) for name in tested])


def _results(drives, name, run, folder, about):
    """The `Results` of a sequence that the run in the folder `run` predicted."""
    gt = drives.poses(name)
    scores = None if gt is None else figures.trajectory_figures(
        odometry.read_pose_file(os.path.join(run, 'test', name + '.txt')).poses, gt,
        *step_from_files(drives.pose_files), drives.sequence(name).frame_numbers)
    return figures.sequence_results(scores, os.path.join(folder, 'trajectory_%s.png' % name),
                                    dict(about, **drives.place(name)))
