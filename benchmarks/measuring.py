"""Rates of input pipelines, CPU time and memory, for all benchmarks."""
import resource
import time

import tensorflow.compat.v1 as tf

from npu_runtime.devices.cpu import prepare_process
from npu_runtime.session import batch_iterator

_SECONDS = 5.0  # duration of a measurement


def cpu_seconds():
    """User and system CPU time of all threads of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_gigabytes():
    """Peak resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 ** 2


def peak_device_gigabytes():
    """Peak memory of TensorFlow on the first GPU so far; None without a GPU or in 1.15."""
    if not tf.config.experimental.list_physical_devices('GPU'):
        return None
    if not hasattr(tf.config.experimental, 'get_memory_info'):
        return None
    return tf.config.experimental.get_memory_info('GPU:0')['peak'] / 1e9


def dataset_rate(dataset, batch_size, warm_up=3):
    """Rate of a pipeline, without the prefetched batches at the start.

    Args:
      dataset: function without arguments -> tf.data.Dataset of batches.
      batch_size: examples per batch.
      warm_up: batches before the measurement.

    Returns:
      (examples per second, examples per CPU second).
    """
    prepare_process()  # as training on a CPU does
    with tf.Graph().as_default(), tf.Session() as session:
        iterator = batch_iterator(dataset())
        parts = tf.nest.flatten(iterator.get_next())
        next_batch = session.make_callable(tf.group(*parts))  # without copies, as in training
        session.run(iterator.initializer)
        for _ in range(warm_up):
            next_batch()
        begin, cpu, batches = time.time(), cpu_seconds(), 0
        while time.time() - begin < _SECONDS:
            next_batch()
            batches += 1
        examples = batches * batch_size
        return examples / (time.time() - begin), examples / (cpu_seconds() - cpu)
