"""What the training loop itself costs: CPU time a step of bare session calls and of `train`.

    python scripts/benchmark_runtime.py [--steps=200] [--size=1500]

The step is a product of two matrices of --size; the loop writes a log line every 100 steps, as in
a real run, and no checkpoint. The difference is what hooks, timing, NaN guard and signals cost.
"""
import dataclasses
import os
import sys
import tempfile

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

import tensorflow.compat.v1 as tf  # noqa: E402

from common.errors import run_main  # noqa: E402
from common.flags import flag, parse_flags  # noqa: E402
from npu_runtime.config import RuntimeConfig  # noqa: E402
from npu_runtime.device import Device  # noqa: E402
from npu_runtime.distribution import SingleProcess  # noqa: E402
from npu_runtime.session import session_config  # noqa: E402
from npu_runtime.training import ModelOutput, TrainOptions, train  # noqa: E402
from npu_runtime.training_graph import TrainingGraph  # noqa: E402
from scripts.measuring import cpu_seconds  # noqa: E402

_WARM_UP = 5


@dataclasses.dataclass
class Config:
    """What is measured."""
    steps: int = flag(200, 'steps of either kind')
    size: int = flag(1500, 'rows and columns of the matrices; 1500 is about 0.3 CPU seconds a step')


def _model(size):
    def build_model(batch, is_training):
        del is_training
        weights = tf.get_variable('weights', [size, size], initializer=tf.zeros_initializer())
        return ModelOutput({'fit': tf.reduce_mean((tf.matmul(batch, weights) - 1.) ** 2)})
    return build_model


def _data(size):
    return lambda *where: tf.data.Dataset.from_tensors(tf.ones([size, size])).repeat().prefetch(1)


def bare_seconds(config, runtime):
    """CPU seconds a step of session calls with nothing around them."""
    options = TrainOptions('', config.steps, 1, 1e-6)
    with tf.Graph().as_default():
        device = Device('cpu', 'benchmark')
        graph = TrainingGraph(_model(config.size), _data(config.size)(), options, device, runtime,
                              SingleProcess())
        with tf.Session(config=session_config(device, runtime)) as session:
            session.run([tf.global_variables_initializer(), graph.iterator.initializer])
            for step in range(_WARM_UP + config.steps):
                if step == _WARM_UP:
                    began = cpu_seconds()
                session.run(graph.train_op)
            return (cpu_seconds() - began) / config.steps


def loop_seconds(config, runtime):
    """CPU seconds a step of the training loop, taken by its own log lines."""
    began = []

    def line(record):
        began.append(cpu_seconds())
        return 'step %d' % record.step

    with tempfile.TemporaryDirectory() as folder:
        train(_model(config.size), _data(config.size),
              TrainOptions(folder, 100 + config.steps, 1, 1e-6, log_every=100, log_line=line,
                           checkpoint_every=0), runtime, {'model': {}})
    return (began[-1] - began[0]) / (100 * (len(began) - 1))


def main(argv=None):
    config, = parse_flags(__doc__.split('\n')[0], Config, argv=argv)
    runtime = RuntimeConfig(device='cpu', intra_op_threads=1, inter_op_threads=1)
    bare, loop = bare_seconds(config, runtime), loop_seconds(config, runtime)
    print('bare %.5f, loop %.5f CPU seconds a step: %+.5f, %+.2f %%'
          % (bare, loop, loop - bare, 100 * (loop / bare - 1)))
    return 0


if __name__ == '__main__':
    run_main(main)
