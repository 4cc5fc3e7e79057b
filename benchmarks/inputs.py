"""Measures the input pipelines of both models, and the preparation of data for GeoNet."""
import os
import shutil
import statistics
import tempfile
import time

import numpy as np
import tensorflow.compat.v1 as tf

from benchmarks.measuring import cpu_seconds, dataset_rate, peak_gigabytes
from benchmarks.steps import geonet_config, vo_config
from geonet.run_config import RunConfig
from kitti_data.preparation import prepare_train_data
from kitti_data.pipeline.augmentation import AugmentConfig
from kitti_data.pipeline.formatted import FormattedSet, list_examples
from kitti_data.pipeline.windows import WindowSet
from kitti_data.images import read_rgb, resize, write_jpeg
from kitti_data.odometry import OdometrySequence
from vo_common.parallel import num_cores

_ROUNDS = 3


def measure_input(config):
    """Rates of the input pipeline of `config.model`."""
    return _geonet_input(config) if config.model == 'geonet' else _convlstm_input(config)


def _convlstm_input(config):
    """Windows per second, and CPU seconds per batch, which other load hardly affects.

    The published loader took 3.0 CPU seconds for a batch of 32 gray frames, in one thread.
    """
    model = vo_config(config)
    windows = WindowSet(config.data_path, [config.sequence], model.time_steps, model.img_height,
                        model.img_width, config.camera)
    rate, cpu_rate = dataset_rate(lambda: windows.dataset(config.batch_size), config.batch_size)
    return {'windows_per_second': rate, 'cpu_seconds_per_batch': config.batch_size / cpu_rate}


def _geonet_input(config):
    """Examples per second, absolute and relative to only decoding the same files.

    Measures with and without augmentation, in turns; reports medians over rounds.
    """
    model = geonet_config(config)
    batch_size = config.batch_size
    with tempfile.TemporaryDirectory() as folder:
        _prepare(config, model, folder)
        prefixes = list_examples(folder)

        examples = FormattedSet(folder, 'train', model.seq_length, model.img_height,
                                model.img_width)

        def pipeline(augment):
            return lambda: examples.dataset(batch_size, num_threads=RunConfig().num_threads,
                                            augment=augment)

        def bare():
            files = tf.data.Dataset.from_tensor_slices([path + '.jpg' for path in prefixes])
            files = files.repeat().map(
                lambda path: tf.io.decode_jpeg(tf.io.read_file(path), channels=3),
                num_parallel_calls=num_cores())
            return files.batch(batch_size).prefetch(1)

        pipelines = {'bare_decoding': bare, 'augmented': pipeline(AugmentConfig()),
                     'not_augmented': pipeline(None)}
        an_epoch = len(prefixes) // batch_size + 1
        rounds = [{name: dataset_rate(dataset, batch_size, warm_up=an_epoch + 10)[0]
                   for name, dataset in pipelines.items()} for _ in range(_ROUNDS)]
    results = {name + '_per_second': statistics.median(rates[name] for rates in rounds)
               for name in pipelines}
    results.update({name + '_share': statistics.median(
        rates[name] / rates['bare_decoding'] for rates in rounds)
                    for name in pipelines if name != 'bare_decoding'})
    return results


def measure_prepare(config):
    """Seconds to format a sequence, compared with decoding every frame for every example."""
    model = geonet_config(config)
    paths = OdometrySequence(config.data_path, config.sequence, config.camera).image_paths
    half = model.seq_length // 2
    with tempfile.TemporaryDirectory() as folder:
        start = time.time(), cpu_seconds()
        _prepare(config, model, os.path.join(folder, 'ours'))
        ours = time.time() - start[0], cpu_seconds() - start[1]
        naive = os.path.join(folder, 'naive')
        os.mkdir(naive)
        start = time.time(), cpu_seconds()
        for middle in range(half, len(paths) - half):
            frames = [resize(read_rgb(path), model.img_height, model.img_width)
                      for path in paths[middle - half:middle + half + 1]]
            write_jpeg(os.path.join(naive, '%06d.jpg' % middle), np.concatenate(frames, axis=1))
        published = time.time() - start[0], cpu_seconds() - start[1]
        shutil.rmtree(naive)
    return {'seconds': ours[0], 'cpu_seconds': ours[1], 'published_way_seconds': published[0],
            'published_way_cpu_seconds': published[1], 'times_faster': published[0] / ours[0],
            'peak_gigabytes': peak_gigabytes()}


def _prepare(config, model, folder):
    prepare_train_data.main([
        '--dataset_name=kitti_odom', '--dataset_dir=' + config.data_path, '--dump_root=' + folder,
        '--sequences=' + config.sequence, '--camera=%d' % config.camera,
        '--seq_length=%d' % model.seq_length, '--img_height=%d' % model.img_height,
        '--img_width=%d' % model.img_width])
