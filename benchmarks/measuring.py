"""Timing of training steps, input pipelines and memory, shared by the benchmarks."""
import resource
import statistics
import time

import numpy as np
import tensorflow.compat.v1 as tf

from npu_runtime.devices import ranks as distribution
from npu_runtime.devices.flags import RuntimeConfig
from npu_runtime.devices.choose import choose_device
from npu_runtime.engine import start_tensorflow
from npu_runtime.session import session_config
from npu_runtime.training.flags import TrainFlags
from npu_runtime.training.step import TrainingStep
from npu_runtime.training.task import TrainingTask


def cpu_seconds():
    """CPU time of this process so far, all threads, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_gigabytes():
    """Largest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 ** 2


def training_step(build_model, dataset, batch_size, trainable_scopes=None, warm_up=2, timed=5):
    """Builds the training graph as the training loop does and times its steps.

    Args:
      build_model: as of a <TrainingTask>.
      dataset: function without arguments -> tf.data.Dataset of batches.
      batch_size: examples a step.
      trainable_scopes: as of a <TrainingTask>.
      warm_up: steps before the clock starts.
      timed: steps of which the medians are taken.

    Returns:
      dict of figures: build seconds, nodes, seconds and CPU seconds a step, peak memory.
    """
    start_tensorflow()
    runtime = RuntimeConfig()
    device = choose_device(runtime)
    device.own.prepare_process()
    task = TrainingTask(build_model, None, TrainFlags(batch_size=batch_size), {}, '', 1, 0,
                        trainable_scopes=trainable_scopes)
    with tf.Graph().as_default() as graph:
        begin = time.time()
        training = TrainingStep(task, dataset(), device, runtime, distribution.connect(device))
        initializer = tf.global_variables_initializer()
        build_seconds = time.time() - begin
        nodes = len(graph.as_graph_def().node)
        with tf.Session(config=session_config(device, runtime)) as session:
            session.run([initializer, training.iterator.initializer])
            wall, cpu = [], []
            for _ in range(warm_up + timed):
                start = time.time(), cpu_seconds()
                session.run([training.train_op, training.values])
                wall.append(time.time() - start[0])
                cpu.append(cpu_seconds() - start[1])
    return {
        'build_seconds': build_seconds, 'nodes': nodes,
        'seconds_per_step': statistics.median(wall[warm_up:]),
        'cpu_seconds_per_step': statistics.median(cpu[warm_up:]),
        'examples_per_second': batch_size / statistics.median(wall[warm_up:]),
        'peak_gigabytes': peak_gigabytes(),
    }


def dataset_rate(dataset, batch_size, seconds=5.0, warm_up=3):
    """What a pipeline delivers, its prefetched start not counted.

    Args:
      dataset: function without arguments -> tf.data.Dataset of batches.
      batch_size: examples in each of its elements.
      seconds: for how long to measure.
      warm_up: batches before the clock starts.

    Returns:
      (examples a second, examples a CPU second).
    """
    with tf.Graph().as_default(), tf.Session() as session:
        iterator = tf.data.make_initializable_iterator(dataset())
        parts = tf.nest.flatten(iterator.get_next())
        next_batch = session.make_callable(tf.group(*parts))  # it stays where training takes it
        session.run(iterator.initializer)
        for _ in range(warm_up):
            next_batch()
        begin, cpu, batches = time.time(), cpu_seconds(), 0
        while time.time() - begin < seconds:
            next_batch()
            batches += 1
        examples = batches * batch_size
        return examples / (time.time() - begin), examples / (cpu_seconds() - cpu)


def random_batch(model, batch_size):
    """Noise in the shapes of a GeoNet batch, for graphs whose data are another part's business.

    Args:
      model: <ModelConfig> of GeoNet.
      batch_size: examples in it.

    Returns:
      dict of arrays, as `kitti_data.pipeline.formatted` yields them.
    """
    rng = np.random.RandomState(0)
    size = (batch_size, model.img_height, model.img_width)
    camera = np.array([[240, 0, 204], [0, 245, 63], [0, 0, 1]], np.float32)
    return {
        'frames': rng.randint(0, 255, size + (3 * model.seq_length,)).astype(np.uint8),
        'intrinsics': np.tile(camera, (batch_size, 1, 1)),
    }
