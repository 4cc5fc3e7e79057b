"""A command of every program on a small rendered world, each with an output folder."""
import hashlib
import os
import pathlib
import shutil
import zipfile

from geonet_program import ONE_THREAD, SIZE
from programs import CONVLSTM, GEONET, PREPARE, RENDER
from vo_common.files import TEMPORARY_SUFFIX, read_json

TOY = 'test/faults/toy_program.py'
UNPACK = 'test/faults/unpack_program.py'
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
        self._programs.works('scripts/make_rank_table.py', '--output=%s/table.json' % out,
                             '--server_ids=10.0.0.0,10.0.0.1', '--devices=0,1',
                             '--device_ips=10.1.0.0,10.1.0.1,10.1.0.2,10.1.0.3')

    def _make_archives(self, out):
        kitti = pathlib.Path(self.kitti)
        for name, pattern in (('calib', 'sequences/*/*.txt'), ('poses', 'poses/*.txt'),
                              ('color', 'sequences/*/image_2/*.png')):
            with zipfile.ZipFile('%s/data_odometry_%s.zip' % (out, name), 'w') as archive:
                for path in sorted(kitti.glob(pattern)):
                    archive.write(str(path), 'dataset/%s' % path.relative_to(kitti))


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


def train_slowly(name, world, out, *steps):
    """A training that lasts for seconds; `train_toy` alone would be over at once."""
    command = TRAININGS[name](world, out, *steps)
    return command + ('--slow_reading=0.1',) if name == 'train_toy' else command


def predict_pose(world, out, mode='test_pose'):
    return (GEONET, '--mode=' + mode, '--dataset_dir=' + world.kitti, '--pictures',
            '--pose_test_seq=9', '--init_ckpt_file=' + world.rigid, '--output_dir=%s' % out,
            *ONE_THREAD)


def predict_depth(world, out):
    return predict_pose(world, out, 'test_depth')


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
    return (UNPACK, world.archives + '/data_odometry_color.zip', out)


def prepare_from_archives(world, folder):
    """What unpacks to `data` and prepares in `formatted`, for `programs.interpreter`."""
    return ('scripts/prepare_odometry.sh', world.archives, folder / 'data', folder / 'formatted',
            '--sequences=0', *SIZE)


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


def assert_only_complete_files(folder, expected):
    """Asserts that `folder` has some of the files `expected`, its `contents` in the end."""
    for path, digest in contents(folder).items():
        assert expected.get(path) == digest, '%s is incomplete or a leftover' % path


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
