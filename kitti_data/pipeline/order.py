"""The order in which training visits its examples: seeded, sharded, and resumable anywhere."""
import numpy as np
import tensorflow.compat.v1 as tf

from vo_common.errors import UserError


def example_order(num_examples, seed, shuffle=True, rank=0, size=1, start=0):
    """An endless dataset of the examples that worker `rank` of `size` visits.

    The worker's shard (index % size == rank) is taken before the shuffle, so that no two workers
    ever read the same file. Each epoch has its own permutation, a function of (seed, epoch) alone:
    a run that begins at `start` sees exactly what an unbroken run sees from there on.

    Args:
      num_examples: examples in the whole set.
      seed: int, of the permutations.
      shuffle: False visits the shard in ascending order.
      rank: this worker, 0..size-1.
      size: number of workers.
      start: how many examples this worker has already visited.

    Returns:
      tf.data.Dataset of (index, position), both int64 scalars: which example, and how many-th one
      it is for all workers together. The position serves as a seed of stateless augmentation.

    Raises:
      UserError: a worker would have no example.
    """
    if not 0 <= rank < size:
        raise ValueError('rank %d is not below size %d' % (rank, size))
    length = len(range(rank, num_examples, size))
    if not length:
        raise UserError('%d examples cannot be shared by %d workers: worker %d has none' % (
            num_examples, size, rank))
    first_epoch, first_offset = divmod(start, length)

    def one_epoch(epoch):
        order = _permutation(length, seed, epoch) if shuffle else tf.range(length, dtype=tf.int64)
        steps = epoch * length + tf.range(length, dtype=tf.int64)
        begin = tf.where(tf.equal(epoch, first_epoch), np.int64(first_offset), np.int64(0))
        return tf.data.Dataset.from_tensor_slices(
            ((order * size + rank)[begin:], (steps * size + rank)[begin:]))

    return tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max).flat_map(one_epoch)


def _permutation(length, seed, epoch):
    """int64 [length], a permutation of 0..length-1; ties of the sort keep their order."""
    keys = tf.random.stateless_uniform([length], seed=tf.stack([np.int64(seed), epoch]))
    return tf.cast(tf.argsort(keys, stable=True), tf.int64)
