"""How the frames of a batch of snippets are stacked on the batch axis, and how they pair up.

*Frame rows*: the targets of all examples, then source 0 of all examples, source 1, ...:
(N + 1) B rows. *Pair rows*: a flow each, first forward (target to source i of example b at row
i B + b), then backward (the same source to its target): 2 N B rows.
"""
import numpy as np
import tensorflow.compat.v1 as tf


def frame_rows(images):
    """<float32>[B, H, W, 3(N + 1)], the target first -> frame rows [(N + 1) B, H, W, 3]."""
    return tf.concat(tf.split(images, images.shape.as_list()[-1] // 3, axis=-1), axis=0)


def at_starts(values, batch_size):
    """Frame rows [(N + 1) B, ...] -> the frame in which each pair's flow starts, [2 N B, ...]."""
    num_sources = values.shape.as_list()[0] // batch_size - 1
    return tf.concat([values[:batch_size]] * num_sources + [values[batch_size:]], axis=0)


def at_ends(values, batch_size):
    """Frame rows [(N + 1) B, ...] -> the frame into which each pair's flow leads, [2 N B, ...]."""
    num_sources = values.shape.as_list()[0] // batch_size - 1
    return tf.concat([values[batch_size:]] + [values[:batch_size]] * num_sources, axis=0)


def end_rows(batch_size, num_sources):
    """`at_ends` as numpy integers [2 N B] that index frame rows."""
    pairs = np.arange(num_sources * batch_size)
    return np.concatenate([batch_size + pairs, pairs % batch_size])


def opposite_rows(batch_size, num_sources):
    """The pair row of each pair's opposite direction: numpy integers [2 N B]."""
    return np.roll(np.arange(2 * num_sources * batch_size), num_sources * batch_size)
