"""Shows how far GeoNet learns in a short run: trains on synthetic drives, tests on another one.

    python scripts/learn_geonet.py --output_dir=learn/geonet

Two parts, each from scratch: `rigid` (depth and pose) and `flow` (direct optical flow). Expected on
pictures never trained on, each after 20 minutes on two cores: 5-frame ATE at most half that of
constant motion and depth abs_rel at most 0.6 of the best constant depth's; end-point error at most
half that of zero flow. Ends with status 1 where they are missed.

The settings are for little time. Half the size first, on which depth and motion find each other,
then the whole size, whose finer pixels tell a turn from a step aside. Disparities begin at 1: from
the published 5 they can at most double, too little for near things among far ones until the scale
of everything has drifted. Likewise flow begins near 0 and not, as published, with noise of many
pixels. Batch norm's statistics carry the first steps of depth and motion; with batches and pictures
so small they are in the way of the rest, so that it is frozen then. Half of those snippets are
mirrored: so few drives have too few different turns.
"""
import dataclasses
import os
import sys
import time
from typing import List

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from common.errors import UserError, run_main
from common.files import read_json, write_json
from common.flags import flag, parse_flags, path_flag
from geonet import main as geonet
from kitti_data.preparation import prepare_train_data
from kitti_data.rendering.kitti_2015 import kitti_2015_dataset
from kitti_eval import eval_depth, eval_flow, eval_pose, snippets
from kitti_eval.chaining import chain_snippets
from scripts.learning import TEST_SEQUENCE, LearnConfig, render_drives, write_report

PARTS = ('rigid', 'flow')
WANTED_ATE_SHARE, WANTED_ABS_REL_SHARE, WANTED_EPE_SHARE = 0.5, 0.6, 0.5
FROZEN = ['--freeze_batch_norm']
WHOLE_SIZE, HALF_SIZE = 1, 2
NUM_FLOW_PICTURES = 40


@dataclasses.dataclass
class Config(LearnConfig):
    """What is rendered and for how long it trains."""
    output_dir: str = path_flag('learn/geonet', 'drives, runs and results')
    parts: List[str] = flag(list(PARTS), 'rigid, flow')
    num_sequences: int = flag(12, 'training drives')
    test_frames: int = flag(200, 'frames of the test drive')
    img_height: int = flag(64, 'height of the pictures; flow sees half of it')
    img_width: int = flag(208, 'width of the pictures; flow sees half of it')
    min_speed: float = flag(0.5, 'metres a frame where the car is slowest')
    max_speed: float = flag(1.8, 'metres a frame where it is fastest')
    coarse_steps: int = flag(900, 'steps of depth and pose at half the size, of 4 snippets')
    fine_steps: int = flag(1000, 'steps of depth and pose at the whole size, of 2 snippets')
    flow_steps: int = flag(700, 'steps of flow at half the size, of 4 snippets')

    def __post_init__(self):
        if not self.parts or set(self.parts) - set(PARTS):
            raise UserError('--parts=%s: must be some of %s' % (
                ','.join(self.parts), ', '.join(PARTS)))


def main(argv=None):
    """Renders, trains, tests; returns 1 where the wanted share of a baseline is missed."""
    config, = parse_flags(__doc__, Config, argv=argv)
    folder, begin = os.path.abspath(config.output_dir), time.time()
    data = render_drives(config, folder, camera=2)
    results = {'render_seconds': time.time() - begin}
    for part in config.parts:
        learn = learn_rigid if part == 'rigid' else learn_flow
        begin = time.time()
        results[part] = learn(config, data, os.path.join(folder, part))
        results[part]['seconds'] = time.time() - begin
        write_json(os.path.join(folder, 'results.json'), results)
    reached = True
    for part in config.parts:
        for name, (found, baseline, share) in results[part]['figures'].items():
            reached = reached and found <= share * baseline
            print('%s: %s %.4f of baseline %.4f, a share of %.2f, wanted %.2f; %.0f s' % (
                part, name, found, baseline, found / baseline, share, results[part]['seconds']))
    write_report(folder, 'GeoNet on rendered drives', [
        ('%s: %s' % (part, name),) + tuple(values) for part in config.parts
        for name, values in results[part]['figures'].items()],
                 ('rigid/pose_5/*.png', 'rigid/depth/*_depth/*.png', 'flow/flow/eval_flow/*.png'))
    return 0 if reached else 1


def learn_rigid(config, data, folder):
    """Trains depth_net and pose_net and tests them on the drive left out; dict of the figures."""
    coarse, fine, threes, fives, depth = (
        os.path.join(folder, name) for name in ('coarse', 'fine', 'pose_3', 'pose_5', 'depth'))
    flags = ['--mode=train_rigid', '--dispnet_encoder=vgg', '--batch_norm_decay=0.98',
             '--disp_smooth_weight=0.4', '--initial_disparity=1', '--augment_flip']
    train(config, data, coarse, flags + ['--batch_size=4'], HALF_SIZE, [
        (0.45 * config.coarse_steps, 5e-4, []), (config.coarse_steps, 5e-4, FROZEN)])
    # The last steps are small ones, in which the noise of batches of two averages out.
    onward = flags + ['--batch_size=2', '--init_ckpt_file=' + coarse]
    train(config, data, fine, onward, WHOLE_SIZE, [
        (0.6 * config.fine_steps, 3e-4, FROZEN), (0.8 * config.fine_steps, 1e-4, FROZEN),
        (config.fine_steps, 2e-5, FROZEN)])
    common = ['--dataset_dir=' + data, '--pose_test_seq=' + TEST_SEQUENCE,
              '--init_ckpt_file=' + fine, '--device=' + config.device]
    geonet.main(common + ['--mode=test_depth', '--output_dir=' + depth, '--pictures'])
    geonet.main(common + ['--mode=test_pose', '--output_dir=' + threes, '--pictures'])
    rejoin_snippets(threes, fives, 5)
    pose_files = [os.path.join(data, 'poses', name + '.txt') for name in config.training_names]
    eval_pose.main(['--pred_dir=' + fives, '--baseline_poses=' + ','.join(pose_files), '--plot',
                    '--gtruth_poses=' + os.path.join(data, 'poses', TEST_SEQUENCE + '.txt')])
    prediction = os.path.join(depth, 'model-%d' % config.fine_steps)
    eval_depth.main(['--split=synthetic', '--kitti_dir=' + data, '--sequence=' + TEST_SEQUENCE,
                     '--pred_file=' + prediction + '.npy', '--plot', '--num_plots=4'])
    pose, depths = (read_json(path) for path in (os.path.join(fives, 'eval_pose.json'),
                                                 prediction + '.eval_depth.json'))
    return {'figures': {
        'ATE in metres': (pose['ate_mean'], pose['baseline_ate_mean'], WANTED_ATE_SHARE),
        'abs_rel': (depths['prediction']['abs_rel'], depths['best_constant']['abs_rel'],
                    WANTED_ABS_REL_SHARE)}}


def rejoin_snippets(pred_dir, output_dir, seq_length):
    """Chains the snippets in `pred_dir` and cuts the path into snippets of `seq_length` frames.

    A motion that two snippets cover is the mean of both.
    """
    pred = snippets.read_snippets(pred_dir)
    seconds = {first + index: time for first, (times, _) in pred.items()
               for index, time in enumerate(times)}
    frames, poses = chain_snippets({first: poses for first, (_, poses) in pred.items()},
                                   overlap='mean')
    runs = snippets.snippets_of_trajectory(poses, seq_length)
    times = [[seconds[frame] for frame in frames[first:first + seq_length]]
             for first in range(len(runs))]
    snippets.write_snippets(output_dir, frames[:len(runs)], times, runs)


def learn_flow(config, data, folder):
    """Trains flow_net from images alone and tests it on other pictures; dict of the figures."""
    run, pictures, flow = (os.path.join(folder, name) for name in ('run', 'kitti_2015', 'flow'))
    kitti_2015_dataset(pictures, NUM_FLOW_PICTURES, config.img_height, config.img_width,
                       min_speed=config.min_speed, max_speed=config.max_speed, num_workers=0)
    # Without the mask of hidden pixels, which at first hides what moves much. Batch norm sees 16
    # pairs a step, which need no long averages.
    flags = ['--mode=train_flow', '--flownet_type=direct', '--batch_size=4',
             '--batch_norm_decay=0.9', '--initial_flow_gain=0.01', '--flow_consistency_weight=0',
             '--flow_smooth_weight=0.1']
    train(config, data, run, flags, HALF_SIZE, [
        (0.65 * config.flow_steps, 5e-4, []), (0.85 * config.flow_steps, 2e-4, []),
        (config.flow_steps, 5e-5, [])])
    geonet.main(['--mode=test_flow', '--dataset_dir=' + pictures, '--output_dir=' + flow,
                 '--init_ckpt_file=' + run, '--device=' + config.device])
    eval_flow.main(['--dataset_dir=' + pictures, '--pred_dir=' + flow, '--plot', '--num_plots=4'])
    occ = read_json(os.path.join(flow, 'eval_flow.json'))['occ']
    return {'figures': {'EPE in pixels': (occ['prediction']['epe'], occ['zero_flow']['epe'],
                                          WANTED_EPE_SHARE)}}


def train(config, data, run, flags, divisor, stages):
    """Formats the drives and trains, from the first step or from where it was stopped.

    Args:
      config: <Config>.
      data: odometry folder of the drives.
      run: folder of the checkpoints; the formatted set lies beside it.
      flags: of geonet/main.py.
      divisor: by which pictures are made smaller.
      stages: list of (last step, learning rate, more flags).
    """
    formatted = run + '_formatted'
    size = ['--img_height=%d' % (config.img_height // divisor),
            '--img_width=%d' % (config.img_width // divisor)]
    prepare_train_data.main(size + [
        '--dataset_name=kitti_odom', '--dataset_dir=' + data, '--dump_root=' + formatted,
        '--sequences=' + ','.join(config.training_names)])
    for last_step, rate, more in stages:
        geonet.main(flags + size + more + [
            '--dataset_dir=' + formatted, '--checkpoint_dir=' + run, '--device=' + config.device,
            '--noaugment_gamma', '--noaugment_brightness', '--noaugment_colour',
            '--learning_rate=%g' % rate, '--max_steps=%d' % round(last_step)])


if __name__ == '__main__':
    run_main(main)
