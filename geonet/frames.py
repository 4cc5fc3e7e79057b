"""Frames of a batch of snippets: their values, their order on the batch axis, and their pairs.

*Frame rows*: the targets of all examples, then source 0 of all examples, source 1, ...:
(N + 1) B rows. *Pair rows*: one flow per row, first forward (target to source i of example b in row
i B + b), then backward (the same source to its target): 2 N B rows.
"""
import numpy as np
import tensorflow.compat.v1 as tf


def to_float(images):
    """<uint8>[..., C] in [0, 255] -> <float32>[..., C] in [-1, 1]."""
    return tf.cast(images, tf.float32) * (2.0 / 255.0) - 1.0


def to_uint8(images):
    """<float32>[..., C] in [-1, 1] -> <uint8>[..., C] in [0, 255]; the inverse of `to_float`."""
    levels = tf.round((images + 1.0) * 127.5)
    return tf.cast(tf.minimum(tf.maximum(levels, 0.0), 255.0), tf.uint8)


def frame_rows(images):
    """<float32>[B, H, W, 3(N + 1)], the target first -> frame rows [(N + 1) B, H, W, 3]."""
    return tf.concat(tf.split(images, images.shape.as_list()[-1] // 3, axis=-1), axis=0)


def at_starts(values, batch_size):
    """Frame rows [(N + 1) B, ...] -> the frame where each pair's flow starts, [2 N B, ...]."""
    num_sources = values.shape.as_list()[0] // batch_size - 1
    return tf.concat([values[:batch_size]] * num_sources + [values[batch_size:]], axis=0)


def at_ends(values, batch_size):
    """Frame rows [(N + 1) B, ...] -> the frame where each pair's flow ends, [2 N B, ...]."""
    num_sources = values.shape.as_list()[0] // batch_size - 1
    return tf.concat([values[batch_size:]] + [values[:batch_size]] * num_sources, axis=0)


def end_rows(batch_size, num_sources):
    """`at_ends` as numpy integers [2 N B] that index frame rows."""
    pairs = np.arange(num_sources * batch_size)
    return np.concatenate([batch_size + pairs, pairs % batch_size])
