"""Measures the cost of the training loop: CPU time of a step of `train` and of a bare session call.

    python benchmarks/training_loop.py [--steps=200] [--size=1500]

A step multiplies two matrices of --size; the loop writes a log line every --log_freq steps and no
checkpoint. Each step of the loop is followed by a bare call of the same operation in the same
session, so that other load affects both alike. The difference is the cost of timing, NaN guard,
logs and signals.
"""
import dataclasses
import os
import sys
import tempfile
from unittest import mock

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from npu_runtime.engine import start_tensorflow  # noqa: E402
from vo_common.errors import run_main  # noqa: E402

start_tensorflow()  # it decides how much TensorFlow tells, from its import on

import numpy as np  # noqa: E402
import tensorflow.compat.v1 as tf  # noqa: E402

from npu_runtime.devices.flags import RuntimeConfig  # noqa: E402
from npu_runtime.training import loop as training_loop  # noqa: E402
from npu_runtime.training.flags import TrainFlags  # noqa: E402
from npu_runtime.training.step import TrainingStep  # noqa: E402
from npu_runtime.training.task import TrainingOutput, TrainingTask  # noqa: E402
from benchmarks.measuring import cpu_seconds  # noqa: E402
from vo_common.flags import Flags, flag, parse_flags  # noqa: E402

_WARM_UP = 5


@dataclasses.dataclass
class Config(Flags):
    """What is measured."""
    steps: int = flag(200, 'steps of either kind', at_least=2)
    log_freq: int = flag(100, 'steps between log lines', at_least=1)
    size: int = flag(1500, 'rows and columns of the matrices; 1500 is about 0.2 CPU seconds a step',
                     at_least=1)


def product(size):
    """(build_model, make_dataset) of a product of two matrices."""
    def build_model(batch, is_training):
        del is_training
        weights = tf.get_variable('weights', [size, size], initializer=tf.zeros_initializer())
        loss = tf.reduce_mean((tf.matmul(batch, weights) - 1.) ** 2)
        return TrainingOutput({'fit': loss}, {})

    def make_dataset(*where):
        del where
        return tf.data.Dataset.from_tensors(tf.ones([size, size])).repeat().prefetch(1)
    return build_model, make_dataset


class PairedSteps(TrainingStep):
    """A step that runs its operation once more after each call, with nothing around it.

    Attributes:
      loop, bare: lists, CPU seconds of each step of either kind.
    """
    loop, bare = [], []
    _ended = None

    def run(self, session, *arguments, **options):
        result = super().run(session, *arguments, **options)
        began = cpu_seconds()
        if self._ended is not None:
            self.loop.append(began - self._ended)
        session.run(self.train_op)
        self._ended = cpu_seconds()
        self.bare.append(self._ended - began)
        return result


def measure(config):
    """(loop, bare): arrays [steps] of CPU seconds."""
    build_model, make_dataset = product(config.size)
    flags = TrainFlags(batch_size=1, learning_rate=1e-6, log_freq=2 * config.log_freq,
                       summary_freq=0)
    with tempfile.TemporaryDirectory() as folder, \
            mock.patch.object(training_loop, 'TrainingStep', PairedSteps):
        training_loop.train(
            TrainingTask(build_model, make_dataset, flags, {}, folder,
                         2 * (_WARM_UP + config.steps), 0),
            RuntimeConfig(device='cpu', intra_op_threads=1, inter_op_threads=1))
    return np.array(PairedSteps.loop[-config.steps:]), np.array(PairedSteps.bare[-config.steps:])


def main(argv=None):
    config, = parse_flags(__doc__.split('\n')[0], Config, argv=argv)
    loop, bare = measure(config)
    added = loop - bare
    error = added.std(ddof=1) / len(added) ** 0.5
    print('bare %.5f, loop %.5f CPU seconds a step: %+.5f +- %.5f, %+.2f %% +- %.2f %% '
          '(means of %d pairs, standard error)'
          % (bare.mean(), loop.mean(), added.mean(), error, 100 * added.mean() / bare.mean(),
             100 * error / bare.mean(), len(added)))
    return 0


if __name__ == '__main__':
    run_main(main)
