"""The weighted loss terms of the training graphs, by name; terms of weight 0 are omitted.

Arguments are lists of tensors <float32>[rows, H_s, W_s, C], one per scale, finest first:
  views: (N + 1) B frame rows (see `frames.py`) of 3 channels.
  disparities: frame rows of 1 channel, or only the B targets.
  starts: the views where the pairs start: 2 N B pair rows, or N B for forward pairs only.
  errors: their `losses.photometric_error`, which also has 3 channels.
  flows: 2 N B pair rows of 2 channels, pixels of each scale.
"""
import numpy as np
import tensorflow.compat.v1 as tf

from geonet import frames, geometry, losses, pyramid
from geonet.config import NUM_SCALES


def rigid_terms(errors, starts, views, disparities, config):
    """The losses rigid_warp and disp_smooth: dict, name -> <float32>[]."""
    terms = {}
    if config.rigid_warp_weight:
        # N / 2 times the sum of the means of both directions is N times the common mean.
        weight = config.rigid_warp_weight * config.num_sources
        terms['rigid_warp'] = weight * tf.add_n([
            _mean_error(error, start, view, config)
            for error, start, view in zip(errors, starts, views)])
    if config.disp_smooth_weight:
        terms['disp_smooth'] = config.disp_smooth_weight * tf.add_n([
            losses.smoothness(disparity, view[:disparity.shape.as_list()[0]]) / 2 ** scale
            for scale, (disparity, view) in enumerate(zip(disparities, views))])
    return terms


def compare(flow, views, starts, config):
    """Warps the frames where flows end to those where they start, and compares them.

    `flow` is a flat pyramid <float32>[2 N B or N B, P, 2]. Returns the <FlowSampler>, the warped
    frames and their errors.
    """
    sizes = pyramid.sizes_of(views)
    batch_size = views[0].shape.as_list()[0] // config.seq_length
    ends = frames.end_rows(batch_size, config.num_sources)[:flow.shape.as_list()[0]]
    sampler = geometry.FlowSampler(flow, sizes)
    warped = pyramid.unflatten(sampler(views, ends), sizes)
    errors = [losses.photometric_error(image, start, config.alpha_recon_image)
              for image, start in zip(warped, starts)]
    return sampler, warped, errors


def compare_flows(flows, views, starts, config):
    """As `compare`, in both directions, and finds occluded pixels.

    Returns:
      dict: warped and errors, lists of <float32>[2 N B, H_s, W_s, 3], finest first; with a
      consistency weight also the flat pyramids inconsistency [2 N B, P, 2] and non_occluded
      [2 N B, P, 1].
    """
    sizes, flow = pyramid.sizes_of(flows), pyramid.flatten(flows)
    sampler, warped, errors = compare(flow, views, starts, config)
    compared = {'warped': warped, 'errors': errors}
    if config.flow_consistency_weight:
        scales = pyramid.per_pixel(2.0 ** np.arange(NUM_SCALES)[:, np.newaxis], sizes)
        pairs = flow.shape.as_list()[0]
        opposite = sampler(flows, np.roll(np.arange(pairs), pairs // 2))  # backward, then forward
        compared['inconsistency'] = losses.inconsistency(flow, opposite)
        compared['non_occluded'] = losses.non_occluded_mask(
            flow, compared['inconsistency'], scales.astype(np.float32),
            config.flow_consistency_alpha, config.flow_consistency_beta)
    return compared


def flow_terms(compared, flows, starts, config):
    """The losses flow_warp, flow_smooth and flow_consistency: dict, name -> <float32>[].

    `compared` is the result of `compare_flows`.
    """
    sizes = pyramid.sizes_of(flows)

    def over_non_occluded(values):
        return tf.reduce_sum(losses.masked_means(values, compared['non_occluded'], sizes))

    terms = {}
    if config.flow_warp_weight:
        error = (over_non_occluded(pyramid.flatten(compared['errors']))
                 if config.flow_consistency_weight else
                 2.0 * tf.add_n([tf.reduce_mean(level) for level in compared['errors']]))
        terms['flow_warp'] = config.flow_warp_weight * config.num_sources / 2 * error
    if config.flow_smooth_weight:
        # The mean over both directions and components is half of the paper's sum.
        terms['flow_smooth'] = config.flow_smooth_weight * tf.add_n([
            losses.smoothness(level, start) / 2 ** scale
            for scale, (level, start) in enumerate(zip(flows, starts))])
    if config.flow_consistency_weight:
        terms['flow_consistency'] = (config.flow_consistency_weight / 2
                                     * over_non_occluded(compared['inconsistency']))
    return terms


def _mean_error(error, start, view, config):
    """Mean error of one scale over both directions, masked if configured: <float32>[]."""
    if not (config.minimum_reprojection or config.auto_masking):
        return tf.reduce_mean(error)
    batch_size = view.shape.as_list()[0] // config.seq_length
    forward = config.num_sources * batch_size
    means = []
    for rows in [slice(0, forward), slice(forward, None)][:error.shape.as_list()[0] // forward]:
        # A source has a single target, so there is no minimum for backward pairs.
        views = config.num_sources if config.minimum_reprojection and not rows.start else 1
        found = losses.least_error(error[rows], views)
        if config.auto_masking:
            unmoved = losses.photometric_error(frames.at_ends(view, batch_size)[rows], start[rows],
                                               config.alpha_recon_image)
            found *= losses.explained_by_motion(found, losses.least_error(unmoved, views))
        means.append(tf.reduce_mean(found))
    return tf.add_n(means) / len(means)
