"""A command of every program on a small rendered world, each with an output folder."""
import hashlib
import json
import os
import shutil
import zipfile

from programs import (CONVLSTM, GEONET, ONE_THREAD, PREPARE, RENDER, SIZE, UNPACK)
from vo_common.files import TEMPORARY_SUFFIX, read_json

TOY = 'test/faults/toy_program.py'
DRIVE = '2011_09_26_drive_0001_sync'


class World:
    """Input data of the programs; each part is made by its program on first access.

    Attributes are folders: kitti (odometry, 00 and 09), raw (a drive), kitti_2015, formatted,
    rigid (two steps of train_rigid), motion (two steps of the ConvLSTM), toy (seven steps of the
    toy), pose, depth, flow, snippets (predictions), archives (of `kitti`), ranks (a rank table).

    Args:
      programs: <Programs>.
      folder: <pathlib.Path> for all parts.
      source: a <World> to whose parts links are made, instead of making new ones.
    """

    def __init__(self, programs, folder, source=None):
        self._programs = programs
        self._source = source
        self.folder = folder

    def __getattr__(self, part):
        if part not in _MADE and not hasattr(type(self), '_make_' + part):
            raise AttributeError(part)
        folder = self.folder / part
        if not folder.exists():
            if self._source:
                folder.symlink_to(getattr(self._source, part))
            else:
                self._make(part, str(folder))
        return str(folder)

    def copied_to(self, folder, *parts):
        """A <World> in the new `folder` with copies of these parts and links to the others."""
        folder.mkdir(parents=True)
        for part in parts:
            shutil.copytree(getattr(self, part), str(folder / part))
        return World(self._programs, folder, self)

    def _make(self, part, out):
        if part in _MADE:
            self._programs.works(*_MADE[part](self, out))
        else:
            os.mkdir(out)
            getattr(self, '_make_' + part)(out)

    def _make_flow(self, out):
        for number in range(2):
            shutil.copy('%s/training/flow_occ/%06d_10.png' % (self.kitti_2015, number),
                        '%s/%06d.png' % (out, number))

    def _make_ranks(self, out):
        servers = [{'server_id': '10.0.0.%d' % server, 'device': [
            {'device_id': str(card), 'device_ip': '192.168.10%d.1' % card,
             'rank_id': str(2 * server + card)} for card in range(2)]} for server in range(2)]
        with open(os.path.join(out, 'table.json'), 'w') as stream:
            json.dump({'version': '1.0', 'server_count': '2', 'server_list': servers,
                       'status': 'completed'}, stream)

    def _make_archives(self, out):
        for name, top in (('calib', 'sequences'), ('poses', 'poses'), ('color', 'sequences')):
            path = os.path.join(out, 'data_odometry_%s.zip' % name)
            with zipfile.ZipFile(path, 'w') as archive:
                for folder, _, files in sorted(os.walk(os.path.join(self.kitti, top))):
                    for file in sorted(files):
                        inside = os.path.relpath(os.path.join(folder, file), self.kitti)
                        if name == 'poses' or (name == 'color') == ('image_2' in inside):
                            archive.write(os.path.join(folder, file), 'dataset/' + inside)


def render(world, out):
    # Like all functions below, returns a program, relative to the repository, and its arguments.
    return (RENDER, '--output_dir=%s' % out, '--sequences=1', '--num_frames=9', '--num_workers=1',
            *SIZE)


def prepare(world, out):
    return (PREPARE, '--dataset_name=kitti_odom', '--dataset_dir=' + world.kitti, '--sequences=0',
            '--dump_root=%s' % out, *SIZE)


def prepare_raw(world, out):
    return (PREPARE, '--dataset_name=kitti_raw_eigen', '--dataset_dir=' + world.raw,
            '--remove_static', '--dump_root=%s' % out, *SIZE)


def train_rigid(world, out, steps=8, *more):
    return (GEONET, '--mode=train_rigid', '--dataset_dir=' + world.formatted,
            '--checkpoint_dir=%s' % out, '--max_steps=%d' % steps, '--batch_size=1', '--log_freq=1',
            '--save_ckpt_freq=3', *SIZE, *ONE_THREAD, *more)


def train_motion(world, out, steps=8, *more):
    return (CONVLSTM, '--mode=train', '--datapath=' + world.kitti, '--outputpath=%s' % out,
            '--bsize=2', '--time_steps=2', '--train_sequences=0', '--camera=2',
            '--val_sequences=9', '--val_freq=4', '--save_epochs=1', '--max_to_keep=2',
            '--total_steps=%d' % steps, *SIZE, *ONE_THREAD, *more)


def train_toy(world, out, steps=20, *more):
    return (TOY, '--folder=%s' % out, '--steps=%d' % steps, *more)


def predict_pose(world, out):
    return (GEONET, '--mode=test_pose', '--dataset_dir=' + world.kitti, '--pictures',
            '--pose_test_seq=9', '--init_ckpt_file=' + world.rigid, '--output_dir=%s' % out,
            *ONE_THREAD)


def predict_depth(world, out):
    return (GEONET, '--mode=test_depth', '--dataset_dir=' + world.kitti, '--pictures',
            '--pose_test_seq=9', '--init_ckpt_file=' + world.rigid, '--output_dir=%s' % out,
            *ONE_THREAD)


def predict_motion(world, out):
    return (CONVLSTM, '--mode=test', '--datapath=' + world.kitti, '--noevo', '--camera=2',
            '--init_checkpoint=' + world.motion, '--outputpath=%s' % out, '--test_sequences=9',
            *ONE_THREAD)


def export_pose(world, out):
    return (GEONET, '--mode=export_pose', '--init_ckpt_file=' + world.rigid,
            '--output_dir=%s' % out, *ONE_THREAD)


def write_snippets(world, out):
    return ('kitti_eval/generate_pose_snippets.py', '--dataset_dir=' + world.kitti,
            '--output_dir=%s' % out, '--seq_length=3')


def extend_views(world, out):
    return ('kitti_eval/generate_multiview_extension.py', '--dataset_dir=' + world.kitti_2015,
            '--dump_root=%s' % out, *SIZE)


def score_pose(world, out):
    return ('kitti_eval/eval_pose.py', '--pred_dir=' + world.pose, '--plot',
            '--gtruth_poses=%s/poses/09.txt' % world.kitti, '--output_dir=%s' % out)


def score_odometry(world, out):
    return ('kitti_eval/eval_odometry.py', '--pred=%s/poses/09.txt' % world.kitti, '--plot',
            '--gtruth=%s/poses/09.txt' % world.kitti, '--lengths=1,2', '--output_dir=%s' % out)


def score_depth(world, out):
    return ('kitti_eval/eval_depth.py', '--split=odometry', '--kitti_dir=' + world.kitti, '--plot',
            '--sequence=9', '--pred_file=%s/model-2.npy' % world.depth, '--output_dir=%s' % out)


def score_flow(world, out):
    return ('kitti_eval/eval_flow.py', '--dataset_dir=' + world.kitti_2015, '--plot',
            '--pred_dir=' + world.flow, '--output_dir=%s' % out)


def unpack(world, out):
    return (UNPACK, '--archive=%s/data_odometry_color.zip' % world.archives, '--target=%s' % out,
            '--strip=dataset/')


# Parts of the world that a program makes: name -> function (World, folder) -> command line.
_MADE = {
    'kitti': lambda world, out: (RENDER, '--output_dir=' + out, '--sequences=0,9', '--cameras=0,2',
                                 '--num_frames=12', '--num_workers=1', *SIZE),
    'raw': lambda world, out: (RENDER, '--layout=raw', '--output_dir=' + out,
                               '--sequences=' + DRIVE, '--num_frames=11', '--num_workers=1', *SIZE),
    'kitti_2015': lambda world, out: (RENDER, '--layout=kitti_2015', '--output_dir=' + out,
                                      '--num_workers=1', '--num_sequences=2', '--img_height=48',
                                      '--img_width=156'),
    'formatted': prepare, 'pose': predict_pose, 'depth': predict_depth, 'snippets': write_snippets,
    'rigid': lambda world, out: train_rigid(world, out, 2),
    'motion': lambda world, out: train_motion(world, out, 2),
    'toy': lambda world, out: train_toy(world, out, 7, '--ballast=10')}

# Programs whose output folder depends only on their input.
WRITERS = {case.__name__: case for case in (
    prepare, predict_pose, unpack, render, prepare_raw, predict_depth, predict_motion, export_pose,
    write_snippets, extend_views, score_pose, score_odometry, score_depth, score_flow)}
TRAININGS = {case.__name__: case for case in (train_toy, train_rigid, train_motion)}
COMMANDS = dict(WRITERS, **TRAININGS)
# Files that also describe the run: how many files existed, and the folders of the input.
DIARIES = ('prepared.json', '.html')


def contents(folder, names_only=False):
    """{relative path: digest} of the files below `folder`, or with `names_only` {path: ''}.

    Ignores temporary files, as all programs do.
    """
    found = {}
    for top, _, files in os.walk(str(folder)):
        for name in files:
            if name.startswith('.') and name.endswith(TEMPORARY_SUFFIX):
                continue
            path = os.path.join(top, name)
            digest = ''
            if not names_only and not name.endswith(DIARIES):
                with open(path, 'rb') as stream:
                    digest = hashlib.sha1(stream.read()).hexdigest()
            found[os.path.relpath(path, str(folder))] = digest
    return found


def of_any_place(folder):
    """`contents` without the paths of checkpoints and frames."""
    found = contents(folder)
    for path in found:
        if path.endswith('.json') and not path.endswith(DIARIES):
            content = read_json(os.path.join(str(folder), path))
            found[path] = {key: content[key] for key in set(content) - {'checkpoint', 'folder'}}
    return found


def size_of(folder):
    """Kilobytes that the files below `folder` take on a tmpfs, with blocks of 4 kB."""
    return 4 * sum(-(-os.path.getsize(os.path.join(top, name)) // 4096)
                   for top, _, files in os.walk(str(folder)) for name in files)


def too_small(needed, rng):
    """Random size in kilobytes of a tmpfs that is too small for `needed`."""
    return 4 * rng.randint(1, max(1, needed // 4 - 1))


class References:
    """The undisturbed output of each command, made once per session by `of`."""

    def __init__(self, programs, world, folder):
        self._programs, self._world, self._folder = programs, world, folder
        self._made = {}

    def of(self, name):
        """(output folder <pathlib.Path>, duration in seconds) of the command `name`."""
        if name not in self._made:
            folder = self._folder / name
            ended = self._programs.works(*COMMANDS[name](self._world, folder))
            self._made[name] = folder, ended.seconds
        return self._made[name]
