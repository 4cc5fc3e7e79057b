"""scripts/prepare.py turns downloaded archives into formatted sets."""
import json
import shutil
import sys
import zipfile

import numpy as np
import pytest

from kitti_data import images
from kitti_data.rendering.synthetic import synthetic_dataset
from kitti_data.rendering.layouts import kitti_2015_dataset
from kitti_data.rendering.layouts import raw_dataset
from repository import ROOT, run

SIZE = ['--img_height=32', '--img_width=104']


def prepare(data_set, folder, *flags):
    """Prepares folder/archives; what is unpacked and formatted goes beside them."""
    program = {'odometry': ['scripts/prepare_odometry.sh']}.get(
        data_set, ['scripts/prepare.py', data_set])
    return run(*program, *(folder / part for part in ('archives', 'data', 'formatted')),
               *SIZE, *flags, PYTHON=sys.executable)


def zip_files(archive, root, patterns, prefix=''):
    with zipfile.ZipFile(str(archive), 'w') as stream:
        for pattern in patterns:
            for path in sorted(root.glob(pattern)):
                stream.write(str(path), prefix + str(path.relative_to(root)))


@pytest.fixture(scope='module')
def odometry_archives(tmp_path_factory):
    root = tmp_path_factory.mktemp('odometry')
    synthetic_dataset(str(root), ('00', '09'), num_frames=4, img_height=32, img_width=104,
                      cameras=(0, 2))
    archives = tmp_path_factory.mktemp('odometry archives')
    for name, patterns in (('color', ['sequences/*/image_2/*.png']),
                           ('gray', ['sequences/*/image_0/*.png']),
                           ('calib', ['sequences/*/calib.txt', 'sequences/*/times.txt']),
                           ('poses', ['poses/*.txt'])):
        zip_files(archives / ('data_odometry_%s.zip' % name), root, patterns, 'dataset/')
    return archives


@pytest.fixture
def odometry(tmp_path, odometry_archives):
    shutil.copytree(str(odometry_archives), str(tmp_path / 'archives'))
    return tmp_path


def test_odometry_archives_become_a_formatted_set_and_a_second_run_adds_what_is_missing(odometry):
    done = prepare('odometry', odometry)
    assert done.returncode == 0, done.stderr
    data = odometry / 'data' / 'sequences'
    kept = data / '00' / 'image_2' / '000000.png'
    assert (odometry / 'data' / 'poses' / '09.txt').is_file()
    assert (data / '09' / 'image_2' / '000003.png').is_file()
    assert not (data / '00' / 'image_0').exists()
    examples = [(odometry / 'formatted' / ('%s.txt' % name)).read_text().split('\n')[:-1]
                for name in ('train', 'val')]
    assert sorted(sum(examples, [])) == ['00 000001', '00 000002']

    before = kept.stat().st_mtime_ns
    kept.with_name('000001.png').unlink()
    kept.with_name('000002.png').write_bytes(b'half a file')
    (odometry / 'archives' / 'data_odometry_poses.zip').unlink()
    done = prepare('odometry', odometry)
    assert done.returncode == 0, done.stderr
    assert 'data_odometry_color.zip: 2 files unpacked, 6 existed' in done.stdout
    assert 'no data_odometry_poses.zip; continuing with the files in' in done.stdout
    assert kept.stat().st_mtime_ns == before


def test_gray_cameras_come_from_the_gray_archive(odometry):
    (odometry / 'archives' / 'data_odometry_color.zip').unlink()
    done = prepare('odometry', odometry, '--camera=0')
    assert done.returncode == 0, done.stderr
    assert (odometry / 'formatted' / '00' / '000001.jpg').is_file()


def test_all_missing_archives_are_reported_at_once(odometry):
    for name in ('color', 'poses'):
        (odometry / 'archives' / ('data_odometry_%s.zip' % name)).unlink()
    done = prepare('odometry', odometry)
    assert done.returncode == 2
    assert 'data_odometry_poses.zip data_odometry_color.zip' in done.stderr
    assert 'www.cvlibs.net' in done.stderr
    assert not (odometry / 'data').exists()


def test_raw_archives_become_a_formatted_set_without_test_scenes(tmp_path):
    drives = ['2011_09_26_drive_0001_sync', '2011_09_26_drive_0009_sync']
    raw_dataset(str(tmp_path / 'raw'), drives, num_frames=4, img_height=32, img_width=104)
    archives = tmp_path / 'archives'
    archives.mkdir()
    for drive in drives:
        zip_files(archives / (drive + '.zip'), tmp_path / 'raw', ['2011_09_26/%s/**/*.*' % drive])
    zip_files(archives / '2011_09_26_calib.zip', tmp_path / 'raw', ['2011_09_26/calib_*.txt'])
    done = prepare('raw', tmp_path)
    assert done.returncode == 0, done.stderr
    folders = json.loads((tmp_path / 'formatted' / 'prepared.json').read_text())['folders']
    assert folders == {drives[0] + '_02': 2, drives[0] + '_03': 2}
    scans = [(tmp_path / 'data' / '2011_09_26' / drive / 'velodyne_points').exists()
             for drive in drives]
    assert scans == [False, True]  # the truth of depth is that of test scenes

    (archives / '2011_09_26_calib.zip').unlink()
    shutil.rmtree(str(tmp_path / 'data'))
    done = prepare('raw', tmp_path)
    assert done.returncode == 2 and '2011_09_26_calib.zip' in done.stderr


def test_kitti_2015_archives_become_snippets(tmp_path):
    kitti_2015_dataset(str(tmp_path / 'kitti'), 2, img_height=32, img_width=104)
    archives = tmp_path / 'archives'
    archives.mkdir()
    for name, patterns in (
            ('data_scene_flow', ['training/flow_*/*', 'training/disp_*/*',
                                 'training/image_?/*_1[01].png']),
            ('data_scene_flow_multiview', ['training/image_?/*']),
            ('data_scene_flow_calib', ['training/calib_cam_to_cam/*'])):
        zip_files(archives / (name + '.zip'), tmp_path / 'kitti', patterns)
    done = prepare('kitti2015', tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / 'formatted' / 'test_flow.txt').read_text() == (
        'sub_folder_02 000000\nsub_folder_02 000001\n')
    assert (tmp_path / 'data' / 'training' / 'flow_noc' / '000001_10.png').is_file()
    assert not (tmp_path / 'data' / 'training' / 'image_3').exists()


def test_cityscapes_archives_become_a_formatted_set(tmp_path):
    archives = tmp_path / 'archives'
    archives.mkdir()
    camera = {'intrinsic': {'fx': 90., 'fy': 90., 'u0': 52., 'v0': 21.}}
    images.write_png(str(tmp_path / 'image.png'), np.full((42, 104, 3), 90, np.uint8))
    sequences = archives / 'leftImg8bit_sequence_trainvaltest.zip'
    with zipfile.ZipFile(str(sequences), 'w') as stream:
        for part in ('train', 'val'):
            for frame in range(6):
                stream.write(str(tmp_path / 'image.png'), 'leftImg8bit_sequence/%s/ulm/'
                             'ulm_000000_%06d_leftImg8bit.png' % (part, frame))
    with zipfile.ZipFile(str(archives / 'camera_trainvaltest.zip'), 'w') as stream:
        stream.writestr('camera/train/ulm/ulm_000000_000003_camera.json', json.dumps(camera))
    done = prepare('cityscapes', tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / 'data' / 'leftImg8bit_sequence' / 'val').exists()
    assert json.loads((tmp_path / 'formatted' / 'prepared.json').read_text())['examples'] == 2


@pytest.mark.parametrize('typed,read', [
    ('~', '/h o'), ('~/data', '/h o/data'), ('~user/data', '~user/data'), ('a/~/b', 'a/~/b'),
    ('$HOME/a', '$HOME/a'), ('-n', '-n'), ('a b;c', 'a b;c')])
def test_only_a_leading_tilde_is_expanded(typed, read):
    command = ('bash', '-c', 'set -u; source scripts/shell.sh; expand_home "$1"', 'bash', typed)
    assert run(*command, cwd=ROOT, HOME='/h o').stdout == read + '\n'
    assert run(*command, cwd=ROOT, without=('HOME',)).stdout == typed + '\n'


@pytest.mark.parametrize('program', ['scripts/prepare_odometry.sh', 'scripts/prepare.py'])
def test_help_lists_the_required_archives(program):
    done = run(program, '--help', PYTHON=sys.executable)
    assert done.returncode == 0
    assert 'bash scripts/prepare_odometry.sh ARCHIVES DATA FORMATTED' in done.stdout
    assert all(name in done.stdout for name in (
        'data_odometry_color.zip', '<date>_calib.zip', 'data_scene_flow_calib.zip',
        'camera_trainvaltest.zip'))


@pytest.mark.parametrize('arguments,message', [
    ([], 'found nothing, must be DATA_SET ARCHIVES DATA FORMATTED with one of odometry, raw'),
    (['kitti', 'a', 'b', 'c'], 'found kitti a b c'), (['raw', 'a', 'b'], 'found raw a b'),
    (['raw', 'nowhere', 'b', 'c'], 'nowhere does not exist'),
    (['odometry', '.', 'b', 'c', '--camera=2,4'], '--camera=2,4: must be numbers from 0 to 3')])
def test_wrong_arguments_are_reported(arguments, message, tmp_path):
    done = run(ROOT / 'scripts' / 'prepare.py', *arguments, cwd=tmp_path)
    assert done.returncode == 2 and message in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('recipe, arguments', [
    ('depth_scale_normalized', 2), ('depth_kitti', 2), ('flow', 3), ('pose_5_frames', 1)])
def test_a_flag_in_place_of_the_output_folder_is_refused(recipe, arguments):
    given = ['residual', 'raw', 'list'][:arguments] + (
        [] if recipe == 'depth_scale_normalized' else ['--l2_weight=1'])
    ended = run('bash', str(ROOT / 'scripts' / 'recipes' / (recipe + '.sh')), *given)
    assert ended.returncode == 2 and 'OUTPUT=--' in ended.stderr and not ended.stdout
