"""ConvLSTM visual odometry in an experiment: trained in stages, tested, drawn."""
import os

from convlstm_vo import main as convlstm_vo
from experiments import figures
from experiments.stages import Recipe, Stage, run_stages
from kitti_data import odometry
from kitti_eval import html_report
from kitti_eval.constant_motion import step_from_files
from vo_common.console import log, warn

TITLE = 'ConvLSTM visual odometry: motion from known poses'
# Rotations in radians are small numbers: at the published weight of 100 they contribute less than
# translations in metres. Mirrored windows double the number of drives.
_FLAGS = ('--mode=train', '--time_steps=5', '--bsize=4', '--loss_reduction=mean',
          '--initializer=he', '--gradient_clip=5', '--rotation_weight=300', '--augment_mirror',
          '--val_sequences=', '--precision_mode=allow_mix_precision')
# The learning rate stays high for long: few frames take many epochs to fit. Added turns multiply
# the drives but hide the step length, so the first and the last stages go without them. Cars rarely
# turn on the spot, and a net takes that for a rule: some windows only turn.
_TURNED = ('--augment_turn=0.03',)
RECIPE = Recipe(_FLAGS + ('--augment_pivot=0.1',), (
    Stage(0.30, 4e-4), Stage(0.25, 3e-4, _TURNED), Stage(0.30, 2e-4), Stage(0.15, 5e-5)),
    test_flags=('--overlap_average', '--chunk=80'))
# For a few hundred steps on rendered drives.
SHORT_RECIPE = Recipe(_FLAGS, (Stage(0.60, 4e-4), Stage(0.25, 1.5e-4), Stage(0.15, 3e-5)))
_ENDLESS = '1000000'
# As in training, no state outlives a window: carried on, it turns the whole path.
_TEST = ['--mode=test', '--noevo', '--stateless', '--flip_average']


def learn(config, drives, folder, about, recipe=RECIPE):
    """Trains on the sequences with poses and tests on all; see `learn_geonet.learn`."""
    if not drives.posed:
        text = ('ConvLSTM VO needs the poses of its training sequences, and none of %s has any in '
                '%s: skipped' % (', '.join(drives.train), os.path.join(drives.root, 'poses')))
        warn(text)
        return [], [html_report.heading(TITLE), html_report.note(text)]
    without = sorted(set(drives.train) - set(drives.posed))
    if without:
        log('ConvLSTM VO trains without sequence %s, which has no poses' % ', '.join(without))
    run, call = os.path.join(folder, 'run'), figures.Programs()
    data = ['--datapath=' + drives.root, '--outputpath=' + run, '--camera=%d' % drives.camera,
            '--device=' + config.device]

    def train(last_step, stage, log_freq):
        call(convlstm_vo, data + list(recipe.flags) + list(stage.flags) + [
            '--img_height=%d' % config.img_height, '--img_width=%d' % config.img_width,
            '--train_sequences=' + ','.join(drives.posed), '--lr=%g' % stage.learning_rate,
            '--save_epochs=' + _ENDLESS,
            '--total_steps=%d' % last_step, '--log_freq=%d' % log_freq])

    steps = run_stages('ConvLSTM VO', run, recipe.stages, train, config.minutes,
                       config.convlstm_steps)
    tested = list(dict.fromkeys(drives.evaluated + drives.posed))
    call(convlstm_vo, data + _TEST + list(recipe.test_flags)
         + ['--test_sequences=' + ','.join(tested)])
    about = dict(about, model='ConvLSTM VO', minutes=figures.training_minutes(run), steps=steps,
                 frames=drives._replace(train=drives.posed).num_frames)
    rows, blocks = [], figures.run_blocks(TITLE, about, call.lines, run)
    for name in tested:
        gt = drives.poses(name)
        if gt is None:
            blocks.append(figures.not_scored(name))
            continue
        pred = odometry.read_poses(os.path.join(run, 'test', name + '.txt'))
        found, shown = figures.trajectory_results(
            *figures.trajectory_figures(pred, gt, *step_from_files(drives.pose_files)),
            os.path.join(folder, 'trajectory_%s.png' % name), dict(about, **drives.place(name)))
        rows, blocks = rows + found, blocks + shown
    return rows, blocks
