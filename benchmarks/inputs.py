"""Measures the input pipelines of both models."""
import statistics
import tempfile
import time

import tensorflow.compat.v1 as tf

from benchmarks.steps import geonet_config, vo_config
from geonet.run_config import RunConfig
from kitti_data.preparation import prepare_train_data
from kitti_data.pipeline.augmentation import AugmentConfig
from kitti_data.pipeline.formatted import FormattedSet
from kitti_data.pipeline.windows import WindowSet
from npu_runtime.devices.cpu import prepare_process
from npu_runtime.session import batch_iterator

_ROUNDS = 3
_SECONDS = 5.0  # duration of a measurement


def measure(config):
    """Rates of the input pipeline of `config.model`."""
    prepare_process()  # as training on a CPU does
    return _geonet_input(config) if config.model == 'geonet' else _convlstm_input(config)


def _convlstm_input(config):
    """Windows per second, and CPU seconds per batch, which other load hardly affects.

    The published loader took 3.0 CPU seconds for a batch of 32 gray frames, in one thread.
    """
    model = vo_config(config)
    windows = WindowSet(config.data_path, [config.sequence], model.time_steps, model.img_height,
                        model.img_width, config.camera)
    rate, cpu_seconds = _batch_rate(lambda: windows.dataset(config.batch_size), warm_up=3)
    return {'windows_per_second': config.batch_size * rate, 'cpu_seconds_per_batch': cpu_seconds}


def _geonet_input(config):
    """Examples per second with and without augmentation, in turns: medians over rounds."""
    model = geonet_config(config)
    with tempfile.TemporaryDirectory() as folder:
        prepare_train_data.main([
            '--dataset_name=kitti_odom', '--dataset_dir=' + config.data_path,
            '--dump_root=' + folder, '--sequences=' + config.sequence,
            '--camera=%d' % config.camera, '--seq_length=%d' % model.seq_length,
            '--img_height=%d' % model.img_height, '--img_width=%d' % model.img_width])
        examples = FormattedSet(folder, 'train', model.seq_length, model.img_height,
                                model.img_width)
        an_epoch = len(examples) // config.batch_size + 1

        def rate(augment):
            return config.batch_size * _batch_rate(
                lambda: examples.dataset(config.batch_size, num_threads=RunConfig().num_threads,
                                         augment=augment), warm_up=an_epoch + 10)[0]

        rounds = [(rate(AugmentConfig()), rate(None)) for _ in range(_ROUNDS)]
    augmented, plain = map(statistics.median, zip(*rounds))
    return {'augmented_per_second': augmented, 'not_augmented_per_second': plain}


def _batch_rate(make_dataset, warm_up):
    """(batches per second, CPU seconds per batch) of the tf.data.Dataset that a function makes.

    The first `warm_up` batches, some of them prefetched, do not count.
    """
    with tf.Graph().as_default(), tf.Session() as session:
        iterator = batch_iterator(make_dataset())
        parts = tf.nest.flatten(iterator.get_next())
        next_batch = session.make_callable(tf.group(*parts))  # without copies, as in training
        session.run(iterator.initializer)
        for _ in range(warm_up):
            next_batch()
        begin, cpu_begin, batches = time.time(), time.process_time(), 0
        while time.time() - begin < _SECONDS:
            next_batch()
            batches += 1
        return batches / (time.time() - begin), (time.process_time() - cpu_begin) / batches
