"""Batches of training examples in an order that is seeded, sharded and resumable."""
import numpy as np
import tensorflow.compat.v1 as tf

from vo_common.errors import UserError
from vo_common.parallel import num_cores


def example_batches(read, parts, num_examples, batch_size, seed, num_threads=0, **order):
    """The endless batches of one worker: tf.data.Dataset of {name: tensor [B, ...]}, shapes static.

    Args:
      read: function (index, position) -> tuple of arrays, see `example_order`; called from several
        threads at once.
      parts: {name: (dtype, shape)} of these arrays, in the same order.
      num_examples, seed, **order: see `example_order`.
      batch_size: B, examples per step of this worker.
      num_threads: examples read in parallel; 0: one for each core.
    """
    dtypes, shapes = zip(*parts.values())

    def as_tensors(*places):
        arrays = tf.numpy_function(read, places, [tf.as_dtype(dtype) for dtype in dtypes])
        return {name: tf.ensure_shape(array, shape)
                for name, array, shape in zip(parts, arrays, shapes)}

    dataset = example_order(num_examples, seed, **order)
    dataset = dataset.map(as_tensors, num_threads or num_cores())
    return dataset.batch(batch_size, drop_remainder=True).prefetch(2)


def example_order(num_examples, seed, shuffle=True, rank=0, size=1, start=0):
    """An endless dataset of the examples that worker `rank` of `size` visits.

    Examples are sharded (index % size == rank) before shuffling, so no two workers read the same
    file. The permutation of an epoch depends only on (seed, epoch): a run that starts at `start`
    continues exactly like an uninterrupted run.

    Args:
      num_examples: size of the whole set.
      shuffle: False visits the shard in ascending order.
      start: number of examples that this worker has already visited.

    Returns:
      tf.data.Dataset of (index, position), int64 scalars: the example, and its global position in
      the sequence of all workers, a seed for stateless augmentation.

    Raises:
      UserError: there are fewer examples than workers.
    """
    length = len(range(rank, num_examples, size))
    if not length:
        raise UserError('%d examples cannot be shared by %d workers: worker %d has none' % (
            num_examples, size, rank))
    first_epoch, first_offset = divmod(start, length)

    def one_epoch(epoch):
        order = places = tf.range(length, dtype=tf.int64)
        if shuffle:  # ties of the sort keep their order
            keys = tf.random.stateless_uniform([length], seed=tf.stack([np.int64(seed), epoch]))
            order = tf.cast(tf.argsort(keys, stable=True), tf.int64)
        steps = epoch * length + places
        begin = tf.where(tf.equal(epoch, first_epoch), np.int64(first_offset), np.int64(0))
        return tf.data.Dataset.from_tensor_slices(
            ((order * size + rank)[begin:], (steps * size + rank)[begin:]))

    return tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max).flat_map(one_epoch)
