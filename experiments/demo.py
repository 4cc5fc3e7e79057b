"""Demonstrates both models on a small rendered world, in a few minutes on two cores.

    python experiments/demo.py

Renders drives in KITTI's odometry layout, trains GeoNet and ConvLSTM visual odometry on four of
them in parallel, tests on a fifth and writes demo/report.html. Reports whether GeoNet's 3-frame
ATE and refined depth error are at most 0.7 of their baselines. A second run starts over.
"""
import contextlib
import dataclasses
import os
import shutil
import sys
import time

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from experiments.drives import RENDERED_SPEEDS, open_drives
from experiments.time_left import TimeLeft
from kitti_data.rendering.synthetic import synthetic_dataset
from kitti_eval import html_report
from npu_runtime.devices.flags import DEVICES
from npu_runtime.engine import start_tensorflow
from npu_runtime.run_folder import RunFolder
from vo_common.console import log
from vo_common.errors import UserError, run_main
from vo_common.files import make_folder, write_json, write_text
from vo_common.flags import Flags, flag, parse_flags, path_flag

TRAIN, TEST = ('00', '01', '02', '03'), ('09',)
CAMERA = 2
_MARK = '.demo'  # file that identifies the folder of a demo
TARGETS = {'ate_3': 0.7, 'abs_rel_refined': 0.7}  # largest fractions of the baseline
# Seconds of each part, for the progress bar; only the proportions matter. A ConvLSTM that trains in
# parallel ends before GeoNet.
DURATIONS = {'rendering': 25, 'GeoNet': 95, 'ConvLSTM': 75, 'tests of GeoNet': 25}
BESIDE = dict(DURATIONS, ConvLSTM=1)


@dataclasses.dataclass
class Config(Flags):
    """Demo."""
    output_dir: str = path_flag('demo', 'drives, runs and results; replaces those of an earlier '
                                       'demo')
    num_frames: int = flag(100, 'frames of each of the five drives', at_least=20)
    img_height: int = flag(56, 'height of the images; half of it for the ConvLSTM', at_least=32)
    img_width: int = flag(184, 'width of the images; half of it for the ConvLSTM', at_least=32)
    geonet_steps: int = flag(600, 'training steps of GeoNet', at_least=6)
    convlstm_steps: int = flag(240, 'training steps of the ConvLSTM', at_least=3)
    seed: int = flag(8964, 'seed of both trainings')
    device: str = flag('auto', 'where to run', choices=DEVICES)
    minutes = 0.0  # not a flag, and unused, because the numbers of steps are given


def main(argv=None):
    argv = sys.argv[1:] if argv is None else argv
    config, = parse_flags(__doc__, Config, argv=argv)
    with RunFolder(config.output_dir):  # a second demo must not empty it
        _demo(config, argv)


def _demo(config, argv):
    begin = time.time()
    start_tensorflow()
    from experiments import figures, learn_geonet
    folder = emptied(config.output_dir)
    data = os.path.join(folder, 'kitti')
    durations = BESIDE if learn_geonet.can_share(config) else DURATIONS
    with contextlib.closing(TimeLeft(durations)) as time_left:
        log('== a small world, rendered into the KITTI odometry layout')
        with time_left.part('rendering'):
            synthetic_dataset(data, TRAIN + TEST, config.num_frames, config.img_height,
                              config.img_width, cameras=(CAMERA,), num_workers=0,
                              **RENDERED_SPEEDS)
        drives = open_drives(data, CAMERA, TRAIN, TEST)
        about = figures.circumstances(argv, 'experiments/demo.py')
        geonet, convlstm = learn_both(config, drives, folder, about, time_left)
    seconds = time.time() - begin
    write_json(os.path.join(folder, 'results.json'),
               {'geonet': geonet.rows, 'convlstm_vo': convlstm.rows, 'seconds': seconds})
    html_report.write_page(os.path.join(folder, 'report.html'), 'Demo on a rendered world', [
        html_report.paragraph('Everything here was rendered, trained and tested in %.1f minutes '
                              'on %s with %s.' % (seconds / 60, about['machine'],
                                                  about['engine'])),
        html_report.commands([about['command']])] + geonet.blocks + convlstm.blocks)
    _compare(geonet.rows)


def emptied(folder):
    """Creates the folder, or removes the results of an earlier demo from it; returns its path.

    Raises:
      UserError: the folder holds other files that a demo would overwrite.
    """
    folder = make_folder(folder)
    mark = os.path.join(folder, _MARK)
    for name in ('kitti', 'geonet', 'convlstm_vo'):
        part = os.path.join(folder, name)
        if os.path.exists(part):
            if not os.path.exists(mark):
                raise UserError('--output_dir=%s: holds %s, which no demo wrote: must be a new '
                                'folder or that of a demo' % (folder, name))
            shutil.rmtree(part)
    write_text(mark, 'experiments/demo.py removes its earlier results from this folder.\n')
    return folder


def learn_both(config, drives, folder, about, time_left):
    """Trains and tests GeoNet and the ConvLSTM; returns the `Results` of both.

    Trains and tests the ConvLSTM while GeoNet trains, if the device allows several processes.
    """
    from experiments import learn_convlstm, learn_geonet
    geonet_folder = os.path.join(folder, 'geonet')
    convlstm_folder = make_folder(os.path.join(folder, 'convlstm_vo'))
    recipe = learn_geonet.SHORT_RECIPE
    with learn_geonet.in_parallel(
            learn_convlstm.TITLE + ' trains', config, os.path.join(convlstm_folder, 'log.txt'),
            _learn_convlstm, config, drives, convlstm_folder, about) as convlstm_results:
        log('== ' + learn_geonet.TITLE)
        with time_left.part('GeoNet', os.path.join(geonet_folder, 'run'), config.geonet_steps,
                            recipe.stages):
            trained = learn_geonet.train_rigid(config, drives, geonet_folder, about, recipe)
        log('== ' + learn_convlstm.TITLE)
        with time_left.part('ConvLSTM', os.path.join(convlstm_folder, 'run'),
                            config.convlstm_steps):
            convlstm = convlstm_results()
    log('== tests of GeoNet')
    with time_left.part('tests of GeoNet'):
        return learn_geonet.test(config, drives, geonet_folder, trained, recipe), convlstm


def _learn_convlstm(*args):
    start_tensorflow()  # if this is another process
    from experiments import learn_convlstm
    return learn_convlstm.learn(*args, learn_convlstm.SHORT_RECIPE)


def _compare(rows):
    """Logs how each value with a target compares with its baseline."""
    for row in rows:
        target = TARGETS.get(row['figure'])
        if target:
            share = row['value'] / row['baseline']
            log('%s %.4f, baseline %.4f: %.2f of it, %s %.2f' % (
                row['meaning'], row['value'], row['baseline'], share,
                'at most' if share <= target else 'missed the target of', target))


if __name__ == '__main__':
    run_main(main)
