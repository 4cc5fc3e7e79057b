"""Input formats, each with a file to mutate and the programs that read it."""
import glob
import os
import shutil
import typing

import numpy as np
from PIL import Image

import cases
from mutations import mutate_bytes, mutate_json, mutate_text
from programs import CONVLSTM, GEONET, ONE_THREAD, SIZE


class Format(typing.NamedTuple):
    """An input format.

    Attributes:
      parts: names of the parts of the world that its readers need.
      file: function World -> path of the file to mutate.
      mutate: function (rng, bytes) -> bytes.
      readers: functions (World, output folder) -> command line; the first reads most mutations, the
        others, which are slow, only some.
      prepare: function World that prepares the data; called once.
    """
    parts: typing.Tuple[str, ...]
    file: typing.Callable
    mutate: typing.Callable
    readers: typing.Tuple[typing.Callable, ...]
    prepare: typing.Optional[typing.Callable] = None

    @property
    def starts_tensorflow(self):
        """Whether every attempt starts a session, which takes a few seconds."""
        return self.readers[0] in (read_formatted, resume_toy)


def _frame(world):
    return world.kitti + '/sequences/00/image_2/000001.png'


def _few_frames(world):
    """Keeps four frames of each sequence, enough for all readers."""
    for sequence in ('00', '09'):
        folder = os.path.join(world.kitti, 'sequences', sequence, 'image_2')
        for name in sorted(os.listdir(folder))[4:]:
            os.remove(os.path.join(folder, name))
        for path in (os.path.join(world.kitti, 'poses', sequence + '.txt'),
                     os.path.join(world.kitti, 'sequences', sequence, 'times.txt')):
            with open(path) as stream:
                lines = stream.readlines()[:4]
            with open(path, 'w') as stream:
                stream.writelines(lines)


def _jpeg_frames(world):
    _few_frames(world)
    folder = os.path.join(world.kitti, 'sequences', '00', 'image_2')
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        Image.open(path).save(path[:-4] + '.jpg', quality=95)
        os.remove(path)


def predict_00(world, out):
    return (GEONET, '--mode=test_pose', '--dataset_dir=' + world.kitti, '--pose_test_seq=0',
            '--init_ckpt_file=' + world.rigid, '--output_dir=%s' % out, *ONE_THREAD)


def motion_00(world, out):
    return (CONVLSTM, '--mode=train', '--datapath=' + world.kitti, '--outputpath=%s' % out,
            '--bsize=1', '--train_sequences=0', '--camera=2', '--total_steps=1',
            '--val_sequences=', *SIZE, *ONE_THREAD)


def read_formatted(world, out):
    return (cases.TOY, '--folder=%s' % out, '--steps=3', '--ballast=1', '--eval_every=0',
            '--formatted=' + world.formatted)


def score_eigen(world, out):
    return ('kitti_eval/eval_depth.py', '--split=eigen', '--kitti_dir=' + world.raw,
            '--test_file_list=%s/list.txt' % world.raw, '--pred_file=%s/depth.npy' % world.raw,
            '--min_depth=0.001', '--output_dir=%s' % out)


def _eigen_files(world):
    names = ['2011_09_26/%s/image_02/data/%010d.png' % (cases.DRIVE, frame) for frame in range(3)]
    with open(os.path.join(world.raw, 'list.txt'), 'w') as stream:
        stream.writelines(name + '\n' for name in names)
    np.save(os.path.join(world.raw, 'depth.npy'), np.full([3, 32, 104], 9, np.float32))


def predict_listed(world, out):
    return (GEONET, '--mode=test_depth', '--dataset_dir=' + world.raw,
            '--test_file_list=%s/list.txt' % world.raw, '--init_ckpt_file=' + world.rigid,
            '--output_dir=%s' % out, *ONE_THREAD)


def check_rank_table(world, out):
    return ('scripts/make_rank_table.py', '--check=%s/table.json' % world.ranks)


def resume_toy(world, out):
    """Resumes a copy of `toy` in the output folder."""
    shutil.copytree(world.toy, str(out))
    return cases.train_toy(world, out, 9, '--ballast=10')


def report_toy(world, out):
    return ('scripts/report_case.py', '--metrics=%s/metrics.jsonl' % world.toy, '--network=N',
            '--results_dir=%s' % out)


def _toy(name):
    return lambda world: os.path.join(world.toy, name)


def _raw(name):
    return lambda world: os.path.join(world.raw, '2011_09_26', cases.DRIVE, name)


def _formatted(ending):
    return lambda world: sorted(glob.glob(world.formatted + '/*/*' + ending))[0]


FORMATS = {
    'png': Format(('kitti', 'rigid'), _frame, mutate_bytes,
                  (cases.prepare, predict_00, motion_00), _few_frames),
    'jpeg': Format(('kitti', 'rigid'), lambda world: _frame(world)[:-4] + '.jpg', mutate_bytes,
                   (cases.prepare, predict_00), _jpeg_frames),
    'formatted jpeg': Format(('formatted',), _formatted('.jpg'), mutate_bytes,
                             (read_formatted,)),
    'formatted camera': Format(('formatted',), _formatted('_cam.txt'), mutate_text,
                               (read_formatted,)),
    'formatted list': Format(('formatted',), lambda world: world.formatted + '/train.txt',
                             mutate_text, (read_formatted,)),
    'poses': Format(('kitti',), lambda world: world.kitti + '/poses/09.txt', mutate_text,
                    (cases.score_odometry, cases.write_snippets)),
    'times': Format(('kitti',), lambda world: world.kitti + '/sequences/09/times.txt',
                    mutate_text, (cases.write_snippets,)),
    'calib': Format(('kitti',), lambda world: world.kitti + '/sequences/00/calib.txt',
                    mutate_text, (cases.prepare,), _few_frames),
    'raw calib': Format(('raw',), lambda world: world.raw + '/2011_09_26/calib_cam_to_cam.txt',
                        mutate_text, (cases.prepare_raw, score_eigen), _eigen_files),
    'oxts': Format(('raw',), _raw('oxts/data/0000000001.txt'), mutate_text,
                   (cases.prepare_raw,)),
    'laser scan': Format(('raw',), _raw('velodyne_points/data/0000000001.bin'), mutate_bytes,
                         (score_eigen,), _eigen_files),
    'list of images': Format(('raw', 'rigid'), lambda world: world.raw + '/list.txt', mutate_text,
                             (score_eigen, predict_listed), _eigen_files),
    'depth': Format(('raw',), lambda world: world.raw + '/depth.npy', mutate_bytes,
                    (score_eigen,), _eigen_files),
    'flow png': Format(('kitti_2015', 'flow'), lambda world: world.flow + '/000000.png',
                       mutate_bytes, (cases.score_flow,)),
    'true flow': Format(('kitti_2015', 'flow'),
                        lambda world: world.kitti_2015 + '/training/flow_noc/000000_10.png',
                        mutate_bytes, (cases.score_flow,)),
    'snippets': Format(('kitti', 'pose'), lambda world: world.pose + '/000001.txt', mutate_text,
                       (cases.score_pose,)),
    'config': Format(('kitti', 'rigid'), lambda world: world.rigid + '/config.json', mutate_json,
                     (predict_00,), _few_frames),
    'metrics': Format(('toy',), _toy('metrics.jsonl'), mutate_json, (report_toy, resume_toy)),
    'checkpoint index': Format(('toy',), _toy('model-7.index'), mutate_bytes, (resume_toy,)),
    'checkpoint data': Format(('toy',), _toy('model-7.data-00000-of-00001'), mutate_bytes,
                              (resume_toy,)),
    'checkpoint state': Format(('toy',), _toy('checkpoint'), mutate_text, (resume_toy,)),
    'rank table': Format(('ranks',), lambda world: world.ranks + '/table.json', mutate_json,
                         (check_rank_table,)),
    'archive': Format(('archives',), lambda world: world.archives + '/data_odometry_color.zip',
                      mutate_bytes, (cases.unpack,)),
}
