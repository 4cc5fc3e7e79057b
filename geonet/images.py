"""Images in and out of the model: their ranges of values."""
import tensorflow.compat.v1 as tf


def to_float(images):
    """<uint8>[..., C] in [0, 255] -> <float32>[..., C] in [-1, 1]."""
    return tf.cast(images, tf.float32) * (2.0 / 255.0) - 1.0


def to_uint8(images):
    """<float32>[..., C] in [-1, 1] -> <uint8>[..., C] in [0, 255]; the inverse of `to_float`."""
    levels = tf.round((images + 1.0) * 127.5)
    return tf.cast(tf.minimum(tf.maximum(levels, 0.0), 255.0), tf.uint8)
