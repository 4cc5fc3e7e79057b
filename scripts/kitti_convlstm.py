"""ConvLSTM visual odometry on the drives of a KITTI folder: trained in stages, tested, drawn."""
import os

from common.console import log, warn
from convlstm_vo import main as convlstm_vo
from kitti_data import odometry
from kitti_eval import html_report, plots
from kitti_eval.constant_motion import step_from_files
from scripts import figures
from scripts.stages import Recipe, Stage, run_stages

# Radians are small numbers: at the published weight of 100 a turn counts less than metres. Mirrored
# windows make two drives out of one.
_FLAGS = ('--mode=train', '--time_steps=5', '--bsize=4', '--loss_reduction=mean',
          '--initializer=he', '--gradient_clip=5', '--rotation_weight=300', '--augment_mirror',
          '--val_sequences=', '--precision_mode=allow_mix_precision')
# The learning rate stays large for long: so few frames take many rounds to learn by heart. Added
# turns make many drives out of one, but hide how far a step goes: not in the beginning, and not in
# the end. Cars rarely turn without going far, which a net takes for a rule: some windows only turn.
_TURNED = ('--augment_turn=0.03',)
RECIPE = Recipe(_FLAGS + ('--augment_pivot=0.1',), (
    Stage(0.30, 4e-4), Stage(0.25, 3e-4, _TURNED), Stage(0.30, 2e-4), Stage(0.15, 5e-5)),
    test_flags=('--overlap_average', '--chunk=80'))
# For a few hundred steps on rendered drives.
SHORT_RECIPE = Recipe(_FLAGS, (Stage(0.60, 4e-4), Stage(0.25, 1.5e-4), Stage(0.15, 3e-5)))
_ENDLESS = '1000000'
# As in training, where no state lives longer than a window: carried on, it turns the whole path.
_TEST = ['--mode=test', '--noevo', '--stateless', '--flip_average']


def learn(config, drives, folder, about, recipe=RECIPE):
    """Trains the ConvLSTM on the sequences with poses, and tests it on all; see `kitti_geonet`."""
    if not drives.posed:
        text = ('ConvLSTM VO needs the poses of its training sequences, and none of %s has any in '
                '%s: left out' % (', '.join(drives.train), os.path.join(drives.root, 'poses')))
        warn(text)
        return [], [html_report.heading('ConvLSTM visual odometry'), html_report.note(text)]
    without = sorted(set(drives.train) - set(drives.posed))
    if without:
        log('ConvLSTM VO trains without sequence %s, which has no poses' % ', '.join(without))
    run = os.path.join(folder, 'run')
    data = ['--datapath=' + drives.root, '--outputpath=' + run, '--camera=%d' % drives.camera,
            '--device=' + config.device]
    size = ['--img_height=%d' % config.img_height, '--img_width=%d' % config.img_width]

    call = figures.Programs()

    def train(last_step, stage, log_freq):
        call(convlstm_vo, data + size + list(recipe.flags) + list(stage.flags) + [
            '--train_sequences=' + ','.join(drives.posed), '--lr=%g' % stage.learning_rate,
            '--train_iter=' + _ENDLESS, '--save_epochs=' + _ENDLESS,
            '--total_steps=%d' % last_step, '--log_freq=%d' % log_freq])

    plan = run_stages('ConvLSTM VO', run, recipe.stages, train, config.minutes,
                      config.convlstm_steps)
    tested = list(dict.fromkeys(drives.test + drives.posed))
    call(convlstm_vo, data + _TEST + list(recipe.test_flags)
         + ['--test_sequences=' + ','.join(tested)])
    about = dict(about, model='ConvLSTM VO', minutes=figures.training_minutes(run),
                 frames=sum(len(drives.sequence(name).frames) for name in drives.posed),
                 steps=plan['last_steps'][-1])
    curve = os.path.join(folder, 'loss.png')
    plots.plot_losses(curve, {'ConvLSTM VO': figures.loss_curve(run)},
                      'ConvLSTM VO, total loss')
    rows, blocks = [], [html_report.heading('ConvLSTM visual odometry: motion from known poses'),
                        html_report.paragraph('%(steps)d steps, %(minutes)g minutes, %(frames)d '
                                              'training frames.' % about),
                        html_report.commands(call.lines), html_report.picture(curve, 'loss')]
    for name in tested:
        gt = figures.poses_if_there(drives, name)
        if gt is None:
            blocks.append(html_report.note('Sequence %s has no poses: predicted, not scored.'
                                           % name))
            continue
        pred = odometry.read_poses(os.path.join(run, 'test', name + '.txt'))
        found, baseline, curves = figures.trajectory_figures(
            pred, gt, *step_from_files(drives.pose_files))
        trained = name in drives.posed
        rows += figures.rows_of(found, baseline, sequence=name, trained_on=trained, **about)
        blocks += figures.blocks_of(os.path.join(folder, 'trajectory_%s.png' % name), curves,
                                    found, baseline, 'ConvLSTM VO, sequence %s' % name, trained)
    return rows, blocks
