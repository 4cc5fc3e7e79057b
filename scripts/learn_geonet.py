"""Shows how far GeoNet learns in a short run: trains on synthetic drives, tests on another one.

    python scripts/learn_geonet.py --output_dir=learn/geonet

Wanted, on a drive never trained on, after 20 minutes on two cores: 5-frame ATE at most half that of
constant motion, depth abs_rel at most 0.6 of the best constant depth's. Ends with status 1 where
they are missed.
"""
import dataclasses
import os
import sys
import time

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from common.errors import run_main
from common.files import expand, read_json, write_json
from common.flags import flag, parse_flags
from geonet import main as geonet
from kitti_data import prepare_train_data
from kitti_data.synthetic import synthetic_dataset
from kitti_eval import eval_depth, eval_pose

TEST_SEQUENCE = '00'
WANTED_ATE_SHARE, WANTED_ABS_REL_SHARE = 0.5, 0.6


@dataclasses.dataclass
class LearnConfig:
    """What is rendered and for how long it trains."""
    output_dir: str = flag('learn/geonet', 'drives, run and results')
    num_sequences: int = flag(8, 'training drives')
    num_frames: int = flag(200, 'frames of a drive')
    img_height: int = flag(32, 'height of the pictures')
    img_width: int = flag(104, 'width of the pictures')
    max_steps: int = flag(1800, 'training steps')
    batch_size: int = flag(2, 'snippets of 5 frames a step')
    learning_rate: float = flag(0.0005, 'step size of Adam')
    device: str = flag('auto', 'where to run')


def main(argv=None):
    """Renders, trains, tests; returns 1 where the wanted share of a baseline is missed."""
    config, = parse_flags(__doc__, LearnConfig, argv=argv)
    folder, begin = expand(config.output_dir), time.time()
    names = ['%02d' % number for number in range(1, config.num_sequences + 1)]
    data, formatted, run = (os.path.join(folder, name) for name in ('data', 'formatted', 'run'))
    synthetic_dataset(data, [TEST_SEQUENCE] + names, config.num_frames, config.img_height,
                      config.img_width, num_workers=0)
    size = ['--img_height=%d' % config.img_height, '--img_width=%d' % config.img_width]
    prepare_train_data.main(size + [
        '--dataset_name=kitti_odom', '--dataset_dir=' + data, '--dump_root=' + formatted,
        '--sequences=' + ','.join(names), '--seq_length=5'])
    geonet.main(size + [
        '--mode=train_rigid', '--dataset_dir=' + formatted, '--checkpoint_dir=' + run,
        '--seq_length=5', '--dispnet_encoder=vgg', '--batch_norm_decay=0.98',
        '--batch_size=%d' % config.batch_size, '--learning_rate=%g' % config.learning_rate,
        '--max_steps=%d' % config.max_steps, '--device=' + config.device, '--noaugment_gamma',
        '--noaugment_brightness', '--noaugment_colour'])
    result = dict(evaluate(config, folder, names), seconds=time.time() - begin)
    write_json(os.path.join(folder, 'results.json'), result)
    print('5-frame ATE %.4f m of baseline %.4f m, abs_rel %.3f of constant depth %.3f, %.0f s' % (
        result['ate'], result['baseline_ate'], result['abs_rel'], result['constant_abs_rel'],
        result['seconds']))
    return 0 if result['reached'] else 1


def evaluate(config, folder, names):
    """Tests the run on the drive that was left out; dict of the figures."""
    data, poses, depth = (os.path.join(folder, name) for name in ('data', 'pose', 'depth'))
    common = ['--dataset_dir=' + data, '--pose_test_seq=' + TEST_SEQUENCE,
              '--init_ckpt_file=' + os.path.join(folder, 'run'), '--device=' + config.device]
    geonet.main(common + ['--mode=test_pose', '--output_dir=' + poses])
    geonet.main(common + ['--mode=test_depth', '--output_dir=' + depth, '--pictures'])
    pose_files = [os.path.join(data, 'poses', name + '.txt') for name in names]
    eval_pose.main(['--pred_dir=' + poses, '--baseline_poses=' + ','.join(pose_files), '--plot',
                    '--gtruth_poses=' + os.path.join(data, 'poses', TEST_SEQUENCE + '.txt')])
    prediction = os.path.join(depth, 'model-%d' % config.max_steps)
    eval_depth.main(['--split=synthetic', '--kitti_dir=' + data, '--sequence=' + TEST_SEQUENCE,
                     '--pred_file=' + prediction + '.npy', '--plot', '--num_plots=4'])
    pose, depths = read_json(os.path.join(poses, 'eval_pose.json')), read_json(
        prediction + '.eval_depth.json')
    result = {'ate': pose['ate_mean'], 'baseline_ate': pose['baseline_ate_mean'],
              'abs_rel': depths['prediction']['abs_rel'],
              'constant_abs_rel': depths['best_constant']['abs_rel']}
    result['reached'] = (result['ate'] <= WANTED_ATE_SHARE * result['baseline_ate'] and
                         result['abs_rel'] <= WANTED_ABS_REL_SHARE * result['constant_abs_rel'])
    return result


if __name__ == '__main__':
    run_main(main)
