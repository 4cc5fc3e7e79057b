"""What the training loop itself costs: CPU time a step of bare session calls and of `train`.

    python scripts/benchmark_runtime.py [--steps=200] [--size=1500]
    python scripts/benchmark_runtime.py --model=geonet --steps=40 --log_freq=20 --repeats=3

The step is a product of two matrices of --size, or train_rigid of GeoNet (vgg, 32x104, batch 2) on
random images; the loop writes a log line every --log_freq steps and no checkpoint. The difference
is what hooks, timing, NaN guard and signals cost. Both are measured in turns; medians are given.
"""
import dataclasses
import multiprocessing
import os
import statistics
import sys
import tempfile

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

import tensorflow.compat.v1 as tf  # noqa: E402

from common.errors import UserError, run_main  # noqa: E402
from common.flags import flag, parse_flags  # noqa: E402
from geonet.config import ModelConfig  # noqa: E402
from geonet.model import rigid_training  # noqa: E402
from npu_runtime.config import RuntimeConfig  # noqa: E402
from npu_runtime.device import Device  # noqa: E402
from npu_runtime.distribution import SingleProcess  # noqa: E402
from npu_runtime.host_memory import keep_freed_memory  # noqa: E402
from npu_runtime.session import session_config  # noqa: E402
from npu_runtime.training import ModelOutput, TrainOptions, train  # noqa: E402
from npu_runtime.training_graph import TrainingGraph  # noqa: E402
from scripts.measuring import cpu_seconds, random_batch  # noqa: E402

_WARM_UP = 5


@dataclasses.dataclass
class Config:
    """What is measured."""
    model: str = flag('product', 'what a step is', choices=('product', 'geonet'))
    steps: int = flag(200, 'steps of either kind in a turn; a multiple of --log_freq')
    log_freq: int = flag(100, 'steps between log lines')
    repeats: int = flag(1, 'turns')
    size: int = flag(1500, 'rows and columns of the matrices; 1500 is about 0.3 CPU seconds a step')

    def __post_init__(self):
        if min(self.steps, self.log_freq, self.repeats, self.size) < 1 or (
                self.steps % self.log_freq):
            raise UserError('--steps is %d, --log_freq %d, --repeats %d, --size %d; wanted is at '
                            'least 1, and the first a multiple of the second'
                            % (self.steps, self.log_freq, self.repeats, self.size))


def product(size):
    """(build_model, make_dataset) of a product of two matrices."""
    def build_model(batch, is_training):
        del is_training
        weights = tf.get_variable('weights', [size, size], initializer=tf.zeros_initializer())
        return ModelOutput({'fit': tf.reduce_mean((tf.matmul(batch, weights) - 1.) ** 2)})

    def make_dataset(*where):
        del where
        return tf.data.Dataset.from_tensors(tf.ones([size, size])).repeat().prefetch(1)
    return build_model, make_dataset


def geonet():
    """(build_model, make_dataset) of GeoNet's train_rigid."""
    config = ModelConfig(img_height=32, img_width=104, dispnet_encoder='vgg')

    def build_model(batch, is_training):
        output = rigid_training(batch, config, is_training)
        return ModelOutput(output.losses, output.images)

    def make_dataset(*where):
        del where
        return tf.data.Dataset.from_tensors(random_batch(config, 2)).repeat().prefetch(1)
    return build_model, make_dataset


def prepare(config):
    """(build_model, make_dataset, RuntimeConfig) of what `config` asks for."""
    keep_freed_memory()  # as `train` does, so that both have it
    model = product(config.size) if config.model == 'product' else geonet()
    return model + (RuntimeConfig(device='cpu', intra_op_threads=1, inter_op_threads=1),)


def bare_seconds(config):
    """CPU seconds a step of session calls with nothing around them."""
    build_model, make_dataset, runtime = prepare(config)
    options = TrainOptions('', config.steps, 1, 1e-6)
    with tf.Graph().as_default():
        device = Device('cpu', 'benchmark')
        graph = TrainingGraph(build_model, make_dataset(), options, device, runtime,
                              SingleProcess())
        with tf.Session(config=session_config(device, runtime)) as session:
            session.run([tf.global_variables_initializer(), graph.iterator.initializer])
            for step in range(_WARM_UP + config.steps):
                if step == _WARM_UP:
                    began = cpu_seconds()
                session.run(graph.train_op)
            return (cpu_seconds() - began) / config.steps


def loop_seconds(config):
    """CPU seconds a step of the training loop, taken by its own log lines."""
    build_model, make_dataset, runtime = prepare(config)
    began = []

    def line(record):
        began.append(cpu_seconds())
        return 'step %d' % record.step

    with tempfile.TemporaryDirectory() as folder:
        train(build_model, make_dataset,
              TrainOptions(folder, config.log_freq + config.steps, 1, 1e-6,
                           log_every=config.log_freq, log_line=line, checkpoint_every=0),
              runtime, {'model': {}})
    return (began[-1] - began[0]) / config.steps


def alone(measure, config):
    """`measure(config)` in a process of its own: what runs second in one is slower by some 5 %."""
    with multiprocessing.get_context('spawn').Pool(1) as pool:
        return pool.apply(measure, (config,))


def main(argv=None):
    config, = parse_flags(__doc__.split('\n')[0], Config, argv=argv)
    turns = [(alone(bare_seconds, config), alone(loop_seconds, config))
             for _ in range(config.repeats)]
    bare, loop = map(statistics.median, zip(*turns))
    print('bare %.5f, loop %.5f CPU seconds a step: %+.5f, %+.2f %%; turns: %s' % (
        bare, loop, loop - bare, 100 * (loop / bare - 1),
        ', '.join('%.5f %.5f' % turn for turn in turns)))
    return 0


if __name__ == '__main__':
    run_main(main)
