"""Unpacks the archives of a data set and formats it; unpacks only what is needed and missing.

    python scripts/prepare.py DATA_SET ARCHIVES DATA FORMATTED [flags of the program that formats]
    bash scripts/prepare_odometry.sh ARCHIVES DATA FORMATTED [flags]      the same for `odometry`

ARCHIVES   folder with the archives as downloaded
DATA       folder to unpack to
FORMATTED  folder for the formatted set

DATA_SET   archives
odometry   data_odometry_color.zip (for --camera=0 or 1: data_odometry_gray.zip),
           data_odometry_calib.zip, data_odometry_poses.zip
raw        <date>_drive_<number>_sync.zip of the drives, <date>_calib.zip of each date. Leaves out
           Eigen's test scenes, or with --dataset_name=kitti_raw_stereo those of KITTI 2015.
           Unpacks the laser scans (the true depth) of Eigen's test scenes alone.
kitti2015  data_scene_flow.zip (truth), data_scene_flow_multiview.zip (frames before and after),
           data_scene_flow_calib.zip. Formats snippets for test_flow; --cam_id=03 for the right
           camera.
cityscapes leftImg8bit_sequence_trainvaltest.zip, camera_trainvaltest.zip: the training cities

Flags go to kitti_eval/generate_multiview_extension.py (kitti2015), or else to
kitti_data/preparation/prepare_train_data.py.
"""
import argparse
import fnmatch
import glob
import os
import sys
import typing

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from kitti_data import splits
from kitti_data.preparation import prepare_train_data
from kitti_eval import generate_multiview_extension
from scripts.unpack_archive import unpack
from vo_common.errors import UserError, run_main
from vo_common.files import expand_typed, list_folder, make_folder, require_folder


_STRIPPED = 'dataset/'  # prefix of the names in the archives of odometry


class Archive(typing.NamedTuple):
    """An archive, the `fnmatch` patterns of its files to unpack, and a pattern in DATA.

    If files in DATA match the latter, the archive may be missing.
    """
    name: str
    members: typing.List[str]
    unpacked: str


class DataSet(typing.NamedTuple):
    """How to prepare a data set.

    archives: function (flags, ARCHIVES, DATA) -> list of `Archive`.
    site: where to download them.
    write: the program that formats: function of a list of flags that returns an exit status.
    flags: its flags, before those of the user.
    """
    archives: typing.Callable
    site: str
    write: typing.Callable
    flags: typing.List[str]


def odometry_archives(flags, *_):
    result = [Archive('data_odometry_calib.zip', ['dataset/sequences/*'], 'sequences/*/calib.txt'),
              Archive('data_odometry_poses.zip', ['dataset/poses/*'], 'poses')]
    cameras = _value_of('camera', '2', flags)
    for camera in cameras.split(','):
        if camera not in ('0', '1', '2', '3'):
            raise UserError('--camera=%s: must be numbers from 0 to 3' % cameras)
        result.append(Archive(
            'data_odometry_%s.zip' % ('gray' if camera in '01' else 'color'),
            ['dataset/sequences/*/image_%s/*' % camera], 'sequences/*/image_' + camera))
    return result


def raw_archives(_, archives, data):
    drives = sorted(fnmatch.filter(list_folder(archives), '*_drive_*_sync.zip'))
    unpacked = glob.glob(os.path.join(glob.escape(data), '????_??_??'))
    dates = sorted({os.path.basename(path)[:10] for path in drives + unpacked})
    if not dates:
        raise UserError('no <date>_drive_<number>_sync.zip in %s, and no date in %s (drives: %s)' %
                        (archives, data, DATA_SETS['raw'].site))
    result = [Archive(date + '_calib.zip', [date + '/calib_*.txt'], date + '/calib_cam_to_cam.txt')
              for date in dates]
    for drive in drives:
        members = ['*/image_02/*', '*/image_03/*', '*/oxts/*']
        if drive[:-len('.zip')] in splits.test_scenes('eigen'):
            members.append('*/velodyne_points/*')
        result.append(Archive(drive, members, ''))
    return result


def kitti_2015_archives(flags, *_):
    images = 'training/image_' + _value_of('cam_id', '02', flags).lstrip('0')
    return [Archive('data_scene_flow.zip',
                    ['training/flow_*', 'training/disp_*_0/*', images + '/*'], 'training/flow_occ'),
            Archive('data_scene_flow_multiview.zip', [images + '/*'], images),
            Archive('data_scene_flow_calib.zip', ['training/calib_cam_to_cam/*'],
                    'training/calib_cam_to_cam')]


def cityscapes_archives(*_):
    return [Archive('camera_trainvaltest.zip', ['camera/train/*'], 'camera/train'),
            Archive('leftImg8bit_sequence_trainvaltest.zip', ['leftImg8bit_sequence/train/*'],
                    'leftImg8bit_sequence/train')]


DATA_SETS = {
    'odometry': DataSet(odometry_archives, 'www.cvlibs.net/datasets/kitti/eval_odometry.php',
                        prepare_train_data.main, ['--dataset_name=kitti_odom']),
    'raw': DataSet(raw_archives, 'www.cvlibs.net/datasets/kitti/raw_data.php',
                   prepare_train_data.main, ['--dataset_name=kitti_raw_eigen']),
    'kitti2015': DataSet(kitti_2015_archives, 'www.cvlibs.net/datasets/kitti/eval_scene_flow.php',
                         generate_multiview_extension.main, []),
    'cityscapes': DataSet(cityscapes_archives, 'www.cityscapes-dataset.com, after registration',
                          prepare_train_data.main, ['--dataset_name=cityscapes'])}


def _value_of(name, default, flags):
    """The value of `--name` among the flags of the program that formats."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument('--' + name, default=default)
    return getattr(parser.parse_known_args(flags)[0], name)


def main(argv=None):
    argv = sys.argv[1:] if argv is None else argv
    if {'-h', '--help'} & set(argv[:2]):
        print(__doc__)
        return 0
    if len(argv) < 4 or argv[0] not in DATA_SETS:
        raise UserError('found %s, must be DATA_SET ARCHIVES DATA FORMATTED with one of %s (see '
                        '--help)' % (' '.join(argv[:4]) or 'nothing', ', '.join(DATA_SETS)))
    data_set, flags = DATA_SETS[argv[0]], argv[4:]
    archives, data, formatted = (os.path.abspath(expand_typed(path)) for path in argv[1:4])
    require_folder(archives, 'folder of the archives (ARCHIVES)')
    parts = data_set.archives(flags, archives, data)
    stored = set(list_folder(archives))
    missing = [part.name for part in parts if part.name not in stored
               and not glob.glob(os.path.join(glob.escape(data), part.unpacked))]
    if missing:
        raise UserError('not in %s: %s (from %s)' % (
            archives, ' '.join(dict.fromkeys(missing)), data_set.site))
    for part in parts:
        if part.name in stored:
            written, existed = unpack(os.path.join(archives, part.name), make_folder(data),
                                      part.members, _STRIPPED)
            print('%s: %d files unpacked, %d existed' % (part.name, written, existed))
        else:
            print('note: no %s; continuing with the files in %s' % (part.name, data))
    return data_set.write(data_set.flags + ['--dataset_dir=' + data, '--dump_root=' + formatted]
                          + flags)


if __name__ == '__main__':
    run_main(main)
