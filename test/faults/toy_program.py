"""A program that trains a net of one layer with the training loop of both models.

    python test/faults/toy_program.py --folder=run --steps=20

It exits like the programs of the models. Images, validation and checkpoints are enabled; a ballast
variable makes checkpoints large enough to be interrupted, and `--formatted` reads a formatted set.
"""
import dataclasses
import os
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [ROOT] + [os.path.join(ROOT, 'test', name) for name in ('helpers', 'distributed')]

import tensorflow.compat.v1 as tf  # noqa: E402

from kitti_data.pipeline.formatted import FormattedSet  # noqa: E402
from npu_runtime.engine import start_tensorflow  # noqa: E402
from npu_runtime.training.task import Validation  # noqa: E402
from toy_training import linear_model, random_batches, run_toy  # noqa: E402
from vo_common.errors import run_main  # noqa: E402
from vo_common.flags import Flags, flag, parse_flags, path_flag  # noqa: E402


@dataclasses.dataclass
class Config(Flags):
    """A toy training."""
    folder: str = path_flag('', 'folder of the run')
    steps: int = flag(20, 'training steps')
    save_every: int = flag(3, 'steps between checkpoints')
    save_minutes: float = flag(10., 'minutes between checkpoints by time')
    images_every: int = flag(2, 'steps between images')
    eval_every: int = flag(4, 'steps between validations')
    ballast: int = flag(100000, 'number of weights that enlarge the checkpoint')
    slow_reading: float = flag(0.0, 'seconds to wait for each batch')
    formatted: str = path_flag('', 'formatted set to read; empty uses random numbers')
    shared: bool = flag(False, 'share batches of 4 between the ranks, instead of 2 for each')


def model_of(config):
    """The function (batch, is_training) -> TrainingOutput."""
    def model(batch, is_training):
        if config.formatted:
            batch = tf.reshape(tf.cast(batch['frames'], tf.float32), [2, -1])[:, :4] / 255.
        output = linear_model(batch, is_training)
        with tf.variable_scope('net'):
            ballast = tf.get_variable('ballast', [config.ballast],
                                      initializer=tf.random_normal_initializer())
        output.losses['ballast'] = 1e-6 * tf.reduce_sum(ballast ** 2)
        return output
    return model


def data_of(config):
    """The function (start_step, rank, size) -> tf.data.Dataset."""
    def wait(number):
        time.sleep(config.slow_reading)
        return number

    examples = FormattedSet(config.formatted, 'train', 3, 32, 104) if config.formatted else None

    def data(start_step, rank, size):
        if examples:
            return examples.dataset(2, start=2 * start_step, rank=rank, size=size, num_threads=1)
        if config.shared:
            from two_ranks import share_of_four
            return share_of_four(start_step, rank, size)
        # The same graph with and without waiting, because initial weights depend on earlier ops.
        return random_batches(start_step, rank, size).map(lambda batch: tf.reshape(
            tf.numpy_function(wait, [batch], tf.float32), [2, 4]))
    return data


def main(argv=None):
    config, = parse_flags(__doc__, Config, argv=argv)
    start_tensorflow()
    data = data_of(config)
    validation = Validation(lambda: data(0, 0, 1), config.eval_every, 2)
    run_toy(config.folder, config.steps, model=model_of(config), data=data, validation=validation,
            save_every=config.save_every, save_minutes=config.save_minutes,
            summary_freq=config.images_every)


if __name__ == '__main__':
    run_main(main)
