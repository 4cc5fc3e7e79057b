"""The parts of benchmarks/benchmark.py for the ConvLSTM."""
import os
import tempfile

import cv2

from common.files import make_folder
from convlstm_vo import model as vo_model
from convlstm_vo.config import ModelConfig
from kitti_data.images import write_png
from kitti_data.odometry import OdometrySequence, write_poses
from kitti_data.pipeline.windows import WindowSet
from measuring import dataset_rate, training_step


def measure_step(config):
    """Figures of a whole training step, the reading of its frames included."""
    model, batch_size = _model_config(config), config.batch_size or 32

    def build_model(batch, is_training):
        del is_training
        return vo_model.training(batch, model)

    with tempfile.TemporaryDirectory() as folder:
        windows = _gray_windows(config, folder)
        figures = training_step(build_model, lambda: windows.dataset(batch_size), batch_size,
                                warm_up=1, timed=2)
        compact, motions = windows.window(0)
    window_bytes = motions.nbytes + sum(array.nbytes for array in compact)
    return dict(figures, megabytes_to_device=batch_size * window_bytes / 1e6,
                decodes_per_window=model.time_steps + 1)


def measure_input(config):
    """Windows a second of the input pipeline; CPU seconds a batch, which a busy machine shows too.

    The published loader was measured at 3.0 CPU seconds for a batch of 32, in one thread.
    """
    batch_size = config.batch_size or 32
    with tempfile.TemporaryDirectory() as folder:
        windows = _gray_windows(config, folder)
        rate, cpu_rate = dataset_rate(lambda: windows.dataset(batch_size), batch_size)
    return {'windows_per_second': rate, 'cpu_seconds_per_batch': batch_size / cpu_rate}


def _model_config(config):
    return ModelConfig(time_steps=config.time_steps, img_height=config.img_height or 384,
                       img_width=config.img_width or 1280)


def _gray_windows(config, folder):
    """The <WindowSet> of the benchmark's sequence, its frames written gray to `folder`."""
    source = OdometrySequence(config.data_path, config.sequence, config.camera)
    images = make_folder(os.path.join(folder, 'sequences', '00', 'image_0'))
    for number, path in enumerate(source.image_paths):
        write_png(os.path.join(images, '%06d.png' % number),
                  cv2.imread(path, cv2.IMREAD_GRAYSCALE))
    write_poses(os.path.join(make_folder(os.path.join(folder, 'poses')), '00.txt'), source.poses)
    model = _model_config(config)
    return WindowSet(folder, ['00'], model.time_steps, model.img_height, model.img_width)
