"""Input formats, each with a file to mutate and the programs that read it."""
import os
import shutil
import typing

import numpy as np
from PIL import Image

import cases
from geonet_program import ONE_THREAD
from mutations import mutate_bytes, mutate_json, mutate_text
from programs import GEONET


class Format(typing.NamedTuple):
    """An input format.

    Attributes:
      pattern: glob pattern of the file to mutate, below the folder of the world; the first match
        counts. Its first folder is a part of the world, of which the readers get a copy.
      mutate: function (rng, bytes) -> bytes.
      readers: functions (World, output folder) -> command line; the first reads most mutations, the
        others, which are slow, only some.
      prepare: function World that prepares the copied part; called once.
    """
    pattern: str
    mutate: typing.Callable
    readers: typing.Tuple[typing.Callable, ...]
    prepare: typing.Optional[typing.Callable] = None

    @property
    def part(self):
        """Name of the part of the world that holds the file."""
        return self.pattern.split('/')[0]

    @property
    def starts_tensorflow(self):
        """Whether every attempt starts a session, which takes a few seconds."""
        return self.readers[0] in (read_formatted, resume_toy)


def _jpeg_frames(world):
    folder = os.path.join(world.kitti, 'sequences', '00', 'image_2')
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        Image.open(path).save(path[:-4] + '.jpg', quality=95)
        os.remove(path)


def predict_00(world, out):
    # Of repeated flags the last one applies.
    return cases.predict_pose(world, out) + ('--pose_test_seq=0', '--nopictures')


def motion_00(world, out):
    return cases.train_motion(world, out, 1, '--bsize=1', '--val_sequences=')


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


_FRAME = 'kitti/sequences/00/image_2/000001.'
_DATE = 'raw/2011_09_26/'
FORMATS = {
    'png': Format(_FRAME + 'png', mutate_bytes, (cases.prepare, predict_00, motion_00)),
    'jpeg': Format(_FRAME + 'jpg', mutate_bytes, (cases.prepare, predict_00), _jpeg_frames),
    'formatted jpeg': Format('formatted/*/*.jpg', mutate_bytes, (read_formatted,)),
    'formatted camera': Format('formatted/*/*_cam.txt', mutate_text, (read_formatted,)),
    'formatted list': Format('formatted/train.txt', mutate_text, (read_formatted,)),
    'poses': Format('kitti/poses/09.txt', mutate_text,
                    (cases.score_odometry, cases.write_snippets)),
    'times': Format('kitti/sequences/09/times.txt', mutate_text, (cases.write_snippets,)),
    'calib': Format('kitti/sequences/00/calib.txt', mutate_text, (cases.prepare,)),
    'raw calib': Format(_DATE + 'calib_cam_to_cam.txt', mutate_text,
                        (cases.prepare_raw, score_eigen), _eigen_files),
    'oxts': Format(_DATE + cases.DRIVE + '/oxts/data/0000000001.txt', mutate_text,
                   (cases.prepare_raw,)),
    'laser scan': Format(_DATE + cases.DRIVE + '/velodyne_points/data/0000000001.bin',
                         mutate_bytes, (score_eigen,), _eigen_files),
    'list of images': Format('raw/list.txt', mutate_text, (score_eigen, predict_listed),
                             _eigen_files),
    'depth': Format('raw/depth.npy', mutate_bytes, (score_eigen,), _eigen_files),
    'flow png': Format('flow/000000.png', mutate_bytes, (cases.score_flow,)),
    'true flow': Format('kitti_2015/training/flow_noc/000000_10.png', mutate_bytes,
                        (cases.score_flow,)),
    'snippets': Format('pose/000001.txt', mutate_text, (cases.score_pose,)),
    'config': Format('rigid/config.json', mutate_json, (predict_00,)),
    'metrics': Format('toy/metrics.jsonl', mutate_json, (report_toy, resume_toy)),
    'checkpoint index': Format('toy/model-7.index', mutate_bytes, (resume_toy,)),
    'checkpoint data': Format('toy/model-7.data-00000-of-00001', mutate_bytes, (resume_toy,)),
    'checkpoint state': Format('toy/checkpoint', mutate_text, (resume_toy,)),
    'rank table': Format('ranks/table.json', mutate_json, (check_rank_table,)),
    'archive': Format('archives/data_odometry_color.zip', mutate_bytes, (cases.unpack,)),
}
