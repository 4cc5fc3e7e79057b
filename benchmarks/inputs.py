"""Measures the input pipelines of both models."""
import statistics
import tempfile

from benchmarks.measuring import dataset_rate
from benchmarks.steps import geonet_config, vo_config
from geonet.run_config import RunConfig
from kitti_data.preparation import prepare_train_data
from kitti_data.pipeline.augmentation import AugmentConfig
from kitti_data.pipeline.formatted import FormattedSet, list_examples
from kitti_data.pipeline.windows import WindowSet

_ROUNDS = 3


def measure(config):
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

        an_epoch = len(list_examples(folder)) // config.batch_size + 1

        def rate(augment):
            def dataset():
                return examples.dataset(config.batch_size, num_threads=RunConfig().num_threads,
                                        augment=augment)
            return dataset_rate(dataset, config.batch_size, warm_up=an_epoch + 10)[0]

        rounds = [(rate(AugmentConfig()), rate(None)) for _ in range(_ROUNDS)]
    augmented, plain = map(statistics.median, zip(*rounds))
    return {'augmented_per_second': augmented, 'not_augmented_per_second': plain}
