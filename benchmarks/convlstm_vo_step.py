"""The parts of benchmarks/benchmark.py for the ConvLSTM."""
import os
import tempfile

from benchmarks.config import examples_a_step
from benchmarks.measuring import dataset_rate
from benchmarks.steps import vo_config
from benchmarks.timed_step import timed
from kitti_data.images import read_levels, write_png
from kitti_data.odometry import OdometrySequence, write_poses
from kitti_data.pipeline.windows import WindowSet
from vo_common.files import make_folder


def measure_step(config):
    """Figures of a whole training step, the reading of its frames included."""
    model, batch_size = vo_config(config), examples_a_step(config)
    with tempfile.TemporaryDirectory() as folder:
        windows = _gray_windows(config, folder)
        figures = timed(config, lambda: windows.dataset(batch_size))
        compact, motions = windows.window(0)
    window_bytes = motions.nbytes + sum(array.nbytes for array in compact)
    return dict(figures, megabytes_to_device=batch_size * window_bytes / 1e6,
                decodes_per_window=model.time_steps + 1)


def measure_input(config):
    """Windows a second of the input pipeline; CPU seconds a batch, which a busy machine shows too.

    The published loader was measured at 3.0 CPU seconds for a batch of 32, in one thread.
    """
    batch_size = examples_a_step(config)
    with tempfile.TemporaryDirectory() as folder:
        windows = _gray_windows(config, folder)
        rate, cpu_rate = dataset_rate(lambda: windows.dataset(batch_size), batch_size)
    return {'windows_per_second': rate, 'cpu_seconds_per_batch': batch_size / cpu_rate}


def _gray_windows(config, folder):
    """The <WindowSet> of the benchmark's sequence, its frames written gray to `folder`."""
    source = OdometrySequence(config.data_path, config.sequence, config.camera)
    images = make_folder(os.path.join(folder, 'sequences', '00', 'image_0'))
    for number, path in enumerate(source.image_paths):
        write_png(os.path.join(images, '%06d.png' % number), read_levels(path, 1))
    write_poses(os.path.join(make_folder(os.path.join(folder, 'poses')), '00.txt'), source.poses)
    model = vo_config(config)
    return WindowSet(folder, ['00'], model.time_steps, model.img_height, model.img_width)
