"""Predictions averaged over images and their mirror images.

A net makes different errors on mirrored images; the mean has a smaller error and no left-right bias
(Godard et al., CVPR 2017, average disparities this way). Each function replaces the one of the same
name in `model.py` and runs images and mirror images in one batch of twice the size.
"""
import sys

import tensorflow.compat.v1 as tf

from geonet import model
from kitti_data.mirror import FLOW_SIGNS, mirrored_intrinsics, mirrored_motions


def predictions(run):
    """The module with the `predict_*` functions: this one with --flip_average, else `model`."""
    return sys.modules[__name__] if run.flip_average else model


def predict_depth(images, config):
    """As `model.predict_depth`, averaging disparities."""
    means = []
    for depth in model.predict_depth(_with_flipped(images), config):
        plain, flipped = tf.split(1.0 / depth, 2)
        means.append(2.0 / (plain + _flip(flipped)))
    return means


def predict_pose(target, sources, config):
    """As `model.predict_pose`."""
    plain, flipped = tf.split(
        model.predict_pose(_with_flipped(target), _with_flipped(sources), config), 2)
    return 0.5 * (plain + mirrored_motions(flipped))


def predict_flow(target, sources, intrinsics, config):
    """As `model.predict_flow`."""
    if intrinsics is not None:
        mirrored = mirrored_intrinsics(intrinsics, config.img_width)
        intrinsics = tf.concat([intrinsics, mirrored], axis=0)
    means = []
    for flow in model.predict_flow(_with_flipped(target), _with_flipped(sources), intrinsics,
                                   config):
        plain, flipped = tf.split(flow, 2)
        means.append(0.5 * (plain + FLOW_SIGNS * _flip(flipped)))
    return means


def _with_flipped(images):
    return tf.concat([images, _flip(images)], axis=0)


def _flip(images):
    return tf.reverse(images, axis=[2])
