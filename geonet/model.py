"""GeoNet (Yin & Shi, CVPR 2018): depth, camera motion and optical flow from monocular video.

Pure functions from tensors to tensors. All sources and both directions go through one computation
per scale; `frames.py` says how they are stacked. B is the batch size, N the number of sources.
"""
import collections
import typing

import numpy as np
import tensorflow.compat.v1 as tf

from geonet import frames, geometry, losses, nets, pyramid
from geonet.config import NUM_SCALES
from geonet.images import to_float, to_uint8


class TrainingOutput(typing.NamedTuple):
    """What a training graph gives.

    Attributes:
      losses: name -> <float32>[], weighted; the total loss is their sum.
      images: name -> <uint8 or float32>[B, H, W, 1 or 3], pictures of the finest scale.
      tensors: name -> tensor, or a list of tensors, finest first: the values in between.
    """
    losses: typing.Dict[str, tf.Tensor]
    images: typing.Dict[str, tf.Tensor]
    tensors: typing.Dict[str, typing.Any]


def rigid_training(batch, config, is_training=True):
    """depth_net and pose_net learn from each other: mode train_rigid.

    Args:
      batch: dict of frames <uint8>[B, H, W, 3(N + 1)] (the target, the frames before it in time
        order, then those after it) and intrinsics <float32>[B, 3, 3], pixels.
      config: ModelConfig.
      is_training: whether batch norm uses the batch's statistics and updates its averages.

    Returns:
      TrainingOutput with the losses rigid_warp and disp_smooth; a term of weight 0 is left out.

    Raises:
      ValueError: shapes that do not fit the configuration.
    """
    images, intrinsics = _read_batch(batch, config)
    batch_size = images.shape.as_list()[0]
    views = pyramid.area_pyramid(frames.frame_rows(images), NUM_SCALES)
    sizes = pyramid.sizes_of(views)
    disparities = _disparities(views[0], config, _norm_decay(config, is_training))
    poses = nets.pose_net(images, _norm_decay(config, is_training))
    flow = _rigid_flow(disparities, poses, intrinsics)
    warped = pyramid.unflatten(
        geometry.flow_sampler(flow, sizes)(
            views, frames.end_rows(batch_size, config.num_sources)), sizes)
    errors = [losses.dissimilarity(image, frames.at_starts(view, batch_size),
                                   config.alpha_recon_image)
              for image, view in zip(warped, views)]
    terms = collections.OrderedDict()
    if config.rigid_warp_weight:
        # N / 2 times the sum of the directions' means is N times the mean over both.
        weight = config.rigid_warp_weight * config.num_sources
        terms['rigid_warp'] = weight * tf.add_n([tf.reduce_mean(error) for error in errors])
    if config.disp_smooth_weight:
        terms['disp_smooth'] = config.disp_smooth_weight * tf.add_n([
            losses.smoothness(disparity, view) / 2 ** scale
            for scale, (disparity, view) in enumerate(zip(disparities, views))])
    pictures = _pictures(batch, warped[0], errors[0])
    pictures['disparity'] = disparities[0][:batch_size]
    return TrainingOutput(terms, pictures, dict(
        disparities=disparities, poses=poses, rigid_flows=pyramid.unflatten(flow, sizes),
        warped=warped, errors=errors))


def flow_training(batch, config, is_training=True):
    """flow_net learns optical flow: mode train_flow.

    With flownet_type = residual it corrects the rigid flow of depth_net and pose_net, which are
    frozen: they run with their averages and get no gradient.

    Args:
      batch, config, is_training: see `rigid_training`.

    Returns:
      TrainingOutput with the losses flow_warp, flow_smooth and flow_consistency; a term of weight
      0 is left out.

    Raises:
      ValueError: shapes that do not fit the configuration.
    """
    images, intrinsics = _read_batch(batch, config)
    batch_size = images.shape.as_list()[0]
    views = pyramid.area_pyramid(frames.frame_rows(images), NUM_SCALES)
    starts = [frames.at_starts(view, batch_size) for view in views]
    tensors = {}
    rigid_flow = None
    if config.flownet_type == 'residual':
        tensors['disparities'] = _disparities(views[0], config)
        tensors['poses'] = nets.pose_net(images)
        rigid_flow = tf.stop_gradient(
            _rigid_flow(tensors['disparities'], tensors['poses'], intrinsics))
        tensors['rigid_flows'] = pyramid.unflatten(rigid_flow, pyramid.sizes_of(views))
    tensors['flows'] = flows = _full_flows(
        starts[0], frames.at_ends(views[0], batch_size), tensors.get('rigid_flows'), config,
        _norm_decay(config, is_training))
    terms = _flow_terms(flows, views, starts, config, tensors)
    pictures = _pictures(batch, tensors['warped'][0], tensors['errors'][0])
    return TrainingOutput(terms, pictures, tensors)


def predict_depth(images, config):
    """Depth of single images: mode test_depth.

    Args:
      images: <uint8>[B, H, W, 3].
      config: ModelConfig.

    Returns:
      A list of <float32>[B, H // 2^s, W // 2^s, 1], finest first: depth up to a common scale.
    """
    _check_shape('images', images, [None, config.img_height, config.img_width, 3])
    return [1.0 / disparity
            for disparity in _disparities(to_float(images), config)]


def predict_pose(target, sources, config):
    """The camera's motion in a snippet: mode test_pose.

    Args:
      target: <uint8>[B, H, W, 3], the middle frame.
      sources: <uint8>[B, H, W, 3N], the frames before the target, then those after it.
      config: ModelConfig.

    Returns:
      <float32>[B, N, 6]: (tx, ty, tz, rx, ry, rz), target to source; radians.
    """
    _check_snippet(target, sources, config)
    return nets.pose_net(to_float(tf.concat([target, sources], axis=-1)))


def predict_flow(target, sources, intrinsics, config, source_index=None):
    """Optical flow from the target to one source frame: mode test_flow.

    Args:
      target, sources: see `predict_pose`; pose_net wants the whole snippet.
      intrinsics: <float32>[B, 3, 3], pixels; None with flownet_type = direct.
      config: ModelConfig.
      source_index: which source; None: the frame after the target, N / 2.

    Returns:
      A list of <float32>[B, H // 2^s, W // 2^s, 2], pixels of scale s, x first, finest first.
    """
    _check_snippet(target, sources, config)
    index = config.num_sources // 2 if source_index is None else source_index
    target, sources = to_float(target), to_float(sources)
    rigid_flows = None
    if config.flownet_type == 'residual':
        _check_shape('intrinsics', intrinsics, [None, 3, 3])
        pose = nets.pose_net(tf.concat([target, sources], axis=-1))[:, index]
        transform = geometry.pixel_transform(geometry.pose_matrix(pose), intrinsics)
        disparities = _disparities(target, config)
        sizes = pyramid.sizes_of(disparities)
        flow = geometry.rigid_flow(1.0 / pyramid.flatten(disparities), transform, sizes)
        rigid_flows = pyramid.unflatten(flow, sizes)
    source = sources[..., 3 * index:3 * index + 3]
    return _full_flows(target, source, rigid_flows, config)


def _norm_decay(config, is_training):
    return config.batch_norm_decay if is_training else None


def _disparities(images, config, norm_decay=None):
    """depth_net's disparities, finest first; divided by their means with scale_normalize."""
    disparities = nets.depth_net(images, config.dispnet_encoder, norm_decay,
                                 config.initial_disparity)
    if not config.scale_normalize:
        return disparities
    return [disparity / tf.reduce_mean(disparity, axis=[1, 2], keepdims=True)
            for disparity in disparities]


def _rigid_flow(disparities, poses, intrinsics):
    """Flow of the static scene for every pair: flat pyramid <float32>[2 N B, P, 2].

    Args:
      disparities: list of frame rows [(N + 1) B, H_s, W_s, 1].
      poses: <float32>[B, N, 6], target to source.
      intrinsics: <float32>[B, 3, 3].
    """
    batch_size, num_sources, _ = poses.shape.as_list()
    source_major = tf.reshape(tf.transpose(poses, [1, 0, 2]), [-1, 6])
    forward = geometry.pose_matrix(source_major)
    both = tf.concat([forward, geometry.invert_pose(forward)], axis=0)
    transform = geometry.pixel_transform(
        both, tf.tile(intrinsics, [2 * num_sources, 1, 1]))
    depth = frames.at_starts(1.0 / pyramid.flatten(disparities), batch_size)
    return geometry.rigid_flow(depth, transform, pyramid.sizes_of(disparities))


def _full_flows(starts, ends, rigid_flows, config, norm_decay=None):
    """flow_net's flow from `starts` to `ends`, on top of the rigid flow if there is one.

    Args:
      starts, ends: <float32>[M, H, W, 3].
      rigid_flows: list of <float32>[M, H_s, W_s, 2] or None.
    """
    inputs = [starts, ends]
    if rigid_flows:
        warped = geometry.flow_warp(ends, rigid_flows[0])
        error = losses.dissimilarity(warped, starts, config.alpha_recon_image)
        inputs += [warped, rigid_flows[0], losses.channel_norm(error)]
    flows = nets.flow_net(tf.concat(inputs, axis=-1), norm_decay, config.initial_flow_gain)
    if rigid_flows:
        flows = [flow + rigid_flow for flow, rigid_flow in zip(flows, rigid_flows)]
    return flows


def _flow_terms(flows, views, starts, config, tensors):
    """The weighted losses of flow_training.

    Args:
      flows: list of <float32>[2 N B, H_s, W_s, 2], pair rows.
      views: list of <float32>[(N + 1) B, H_s, W_s, 3], frame rows.
      starts: list of <float32>[2 N B, H_s, W_s, 3].
      tensors: receives the values in between.
    """
    sizes, flow = pyramid.sizes_of(flows), pyramid.flatten(flows)
    batch_size = views[0].shape.as_list()[0] // config.seq_length
    sampler = geometry.flow_sampler(flow, sizes)
    warped = sampler(views, frames.end_rows(batch_size, config.num_sources))
    tensors['warped'] = pyramid.unflatten(warped, sizes)
    tensors['errors'] = errors = [
        losses.dissimilarity(image, start, config.alpha_recon_image)
        for image, start in zip(tensors['warped'], starts)]
    if config.flow_consistency_weight:
        scales = pyramid.per_pixel(2.0 ** np.arange(NUM_SCALES)[:, np.newaxis], sizes)
        opposite = sampler(flows, frames.opposite_rows(batch_size, config.num_sources))
        difference = losses.inconsistency(flow, opposite)
        mask = losses.visibility(flow, difference, scales.astype(np.float32),
                                 config.flow_consistency_alpha, config.flow_consistency_beta)
        tensors['visible'] = pyramid.unflatten(mask, sizes)
        warp_term = tf.reduce_sum(losses.masked_means(pyramid.flatten(errors), mask, sizes))
    else:
        warp_term = 2.0 * tf.add_n([tf.reduce_mean(error) for error in errors])
    terms = collections.OrderedDict()
    if config.flow_warp_weight:
        terms['flow_warp'] = config.flow_warp_weight * config.num_sources / 2 * warp_term
    if config.flow_smooth_weight:
        # The mean over both directions and components is half of what the paper's sum has.
        terms['flow_smooth'] = config.flow_smooth_weight * tf.add_n([
            losses.smoothness(level, start) / 2 ** scale
            for scale, (level, start) in enumerate(zip(flows, starts))])
    if config.flow_consistency_weight:
        terms['flow_consistency'] = config.flow_consistency_weight / 2 * tf.reduce_sum(
            losses.masked_means(difference, mask, sizes))
    return terms


def _pictures(batch, warped, errors):
    """Pictures of the target and of the frame after it, seen from the target."""
    batch_size = batch['frames'].shape.as_list()[0]
    first = batch_size * (warped.shape.as_list()[0] // (4 * batch_size))
    after = slice(first, first + batch_size)
    return collections.OrderedDict([
        ('target', batch['frames'][..., :3]),
        ('warped_source', to_uint8(warped[after])),
        ('error', tf.reduce_mean(errors[after], axis=-1, keepdims=True))])


def _read_batch(batch, config):
    _check_shape('frames', batch['frames'],
                 [None, config.img_height, config.img_width, 3 * config.seq_length])
    _check_shape('intrinsics', batch['intrinsics'],
                 [batch['frames'].shape.as_list()[0], 3, 3])
    return to_float(batch['frames']), batch['intrinsics']


def _check_snippet(target, sources, config):
    size = [config.img_height, config.img_width]
    _check_shape('target', target, [None] + size + [3])
    _check_shape('sources', sources,
                 [target.shape.as_list()[0]] + size + [3 * config.num_sources])


def _check_shape(name, tensor, wanted):
    """ValueError unless `tensor` has the static shape `wanted`; None stands for any number."""
    found = tensor.shape.as_list()
    if None in found or len(found) != len(wanted) or any(
            size is not None and size != other for size, other in zip(wanted, found)):
        raise ValueError('%s has shape %s, wanted %s (all sizes static)' % (name, found, wanted))
