"""GeoNet (Yin & Shi, CVPR 2018): depth, camera motion and optical flow from monocular video.

Pure functions of tensors. All sources and both directions are stacked on the batch axis (see
`frames.py`). B is the batch size, N the number of sources.
"""
import tensorflow.compat.v1 as tf

from geonet import frames, geometry, losses, nets, objectives, pyramid
from geonet.frames import to_float, to_uint8
from npu_runtime.training.task import TrainingOutput

# Bounds on the gradients of an untrained net. Largest values measured with one example: 7.4
# (pose_net, vgg, 64x208) and 4180 (flow_net, residual, 128x416).
GRADIENT_SIZES = {'train_rigid': 2.0 ** 6, 'train_flow': 2.0 ** 15}
_LARGEST_INPUT_FLOW = 32768.0  # pixels, within the range of float16


def rigid_training(batch, config, is_training=True):
    """Training graph of depth_net and pose_net: mode train_rigid.

    Args:
      batch: dict of frames <uint8>[B, H, W, 3(N + 1)] (the target, the frames before it in time
        order, then those after it) and intrinsics <float32>[B, 3, 3], pixels.
      config: ModelConfig.
      is_training: whether batch norm uses the batch's statistics and updates its moving averages.

    Returns:
      TrainingOutput with the losses rigid_warp, disp_smooth and geometry_consistency; terms of
      weight 0 are omitted.

    Raises:
      ValueError: a shape does not match the configuration.
    """
    images, intrinsics = _read_batch(batch, config)
    batch_size = images.shape.as_list()[0]
    decay = config.batch_norm_decay if is_training else None
    views = pyramid.area_pyramid(frames.frame_rows(images))
    sizes = pyramid.sizes_of(views)
    # If only sources are warped, only the target's depth is needed.
    seen = views[0][:batch_size] if config.target_depth_only else views[0]
    disparities = _disparities(seen, config, decay)
    poses = nets.pose_net(images, decay, config.initial_pose_gain)
    flow, moved_depth = _rigid_flow(disparities, poses, intrinsics, config)
    starts = [frames.at_starts(view, batch_size)[:flow.shape.as_list()[0]] for view in views]
    sampler, warped, errors = objectives.compare(flow, views, starts, config)
    terms = objectives.rigid_terms(errors, starts, views, disparities, config)
    if config.geometry_consistency_weight:
        # As for rigid_warp: N / 2 times the sum of the means of both directions.
        weight = config.geometry_consistency_weight * config.num_sources / 2
        depth_at_ends = sampler([1.0 / disparity for disparity in disparities],
                                frames.end_rows(batch_size, config.num_sources))
        terms['geometry_consistency'] = weight * tf.reduce_sum(
            losses.depth_inconsistency(moved_depth, depth_at_ends, sizes))
    pictures = _pictures(batch, warped[0], errors[0])
    pictures['disparity'] = disparities[0][:batch_size]
    return TrainingOutput(terms, pictures, dict(
        disparities=disparities, poses=poses, rigid_flows=pyramid.unflatten(flow, sizes),
        warped=warped, errors=errors))


def flow_training(batch, config, is_training=True):
    """Training graph of flow_net: mode train_flow.

    With flownet_type = residual, flow_net corrects the rigid flow of depth_net and pose_net, which
    are frozen: they use batch norm's moving averages and receive no gradient.

    Arguments and errors are those of `rigid_training`; the losses are flow_warp, flow_smooth and
    flow_consistency.
    """
    images, intrinsics = _read_batch(batch, config)
    batch_size = images.shape.as_list()[0]
    views = pyramid.area_pyramid(frames.frame_rows(images))
    starts = [frames.at_starts(view, batch_size) for view in views]
    rigid = {}
    if config.flownet_type == 'residual':
        disparities, poses = _disparities(views[0], config), nets.pose_net(images)
        rigid = dict(disparities=disparities, poses=poses, rigid_flows=_frozen_rigid_flows(
            disparities, poses, intrinsics, config))
    flows = _full_flows(
        starts[0], frames.at_ends(views[0], batch_size), rigid.get('rigid_flows'), config,
        config.batch_norm_decay if is_training else None)
    compared = objectives.compare_flows(flows, views, starts, config)
    return TrainingOutput(
        objectives.flow_terms(compared, flows, starts, config),
        _pictures(batch, compared['warped'][0], compared['errors'][0]),
        dict(rigid, flows=flows, **compared))


def predict_depth(images, config):
    """Depth of single images, up to a common scale: mode test_depth.

    Maps <uint8>[B, H, W, 3] to a list of <float32>[B, H // 2^s, W // 2^s, 1], finest first.
    """
    _check_shape('images', images, [None, config.img_height, config.img_width, 3])
    return [1.0 / disparity for disparity in _disparities(to_float(images), config)]


def predict_pose(target, sources, config):
    """Camera motion in a snippet: mode test_pose.

    Args:
      target: <uint8>[B, H, W, 3], the middle frame.
      sources: <uint8>[B, H, W, 3N], the frames before the target, then those after it.

    Returns:
      <float32>[B, N, 6]: (tx, ty, tz, rx, ry, rz), target to source; radians.
    """
    _check_snippet(target, sources, config)
    return nets.pose_net(to_float(tf.concat([target, sources], axis=-1)))


def predict_flow(target, sources, intrinsics, config):
    """Optical flow from the target to the frame after it: mode test_flow.

    Args:
      target, sources: see `predict_pose`.
      intrinsics: <float32>[B, 3, 3], pixels; None with flownet_type = direct.

    Returns:
      A list of <float32>[B, H // 2^s, W // 2^s, 2], pixels of scale s, x first, finest first.
    """
    _check_snippet(target, sources, config)
    index = config.num_sources // 2
    target, sources = to_float(target), to_float(sources)
    rigid_flows = None
    if config.flownet_type == 'residual':
        _check_shape('intrinsics', intrinsics, [None, 3, 3])
        poses = nets.pose_net(tf.concat([target, sources], axis=-1))[:, index:index + 1]
        rigid_flows = _frozen_rigid_flows(_disparities(target, config), poses, intrinsics, config)
    source = sources[..., 3 * index:3 * index + 3]
    return _full_flows(target, source, rigid_flows, config)


def _disparities(images, config, norm_decay=None):
    """depth_net's disparities, finest first; divided by their means with scale_normalize."""
    disparities = nets.depth_net(images, config.dispnet_encoder, norm_decay,
                                 config.initial_disparity)
    if not config.scale_normalize:
        return disparities
    return [disparity / tf.reduce_mean(disparity, axis=[1, 2], keepdims=True)
            for disparity in disparities]


def _frozen_rigid_flows(disparities, poses, intrinsics, config):
    """`_rigid_flow` without gradient: a list of <float32>[2 N B or N B, H_s, W_s, 2]."""
    flow, _ = _rigid_flow(disparities, poses, intrinsics, config)
    return pyramid.unflatten(tf.stop_gradient(flow), pyramid.sizes_of(disparities))


def _rigid_flow(disparities, poses, intrinsics, config):
    """The rigid flow of each pair, and its points' depth in the frame where the flow ends.

    Args:
      disparities: list of frame rows [(N + 1) B, H_s, W_s, 1]; or of the targets alone, [B, ...],
        for the forward pairs only.
      poses: <float32>[B, N, 6], target to source.
      intrinsics: <float32>[B, 3, 3].

    Returns:
      Flat pyramids <float32>[2 N B or N B, P, 2] and [2 N B or N B, P, 1], as
      `geometry.rigid_flow`.
    """
    batch_size, num_sources, _ = poses.shape.as_list()
    source_major = tf.reshape(tf.transpose(poses, [1, 0, 2]), [-1, 6])
    motions = [geometry.pose_matrix(source_major)]
    depth = 1.0 / pyramid.flatten(disparities)
    if depth.shape.as_list()[0] == batch_size:
        depth = tf.tile(depth, [num_sources, 1, 1])
    else:
        depth = frames.at_starts(depth, batch_size)
        motions.append(geometry.invert_pose(motions[0]))
    transform = geometry.pixel_transform(
        tf.concat(motions, axis=0), tf.tile(intrinsics, [len(motions) * num_sources, 1, 1]))
    return geometry.rigid_flow(depth, transform, pyramid.sizes_of(disparities),
                               config.half_pixel_centers)


def _full_flows(starts, ends, rigid_flows, config, norm_decay=None):
    """Flow from `starts` to `ends`, <float32>[M, H, W, 3], added to the rigid flow if there is one.

    `rigid_flows` is None or, like the result, a list of <float32>[M, H_s, W_s, 2].
    """
    inputs = [starts, ends]
    if rigid_flows:
        warped = geometry.flow_warp(ends, rigid_flows[0])
        error = losses.photometric_error(warped, starts, config.alpha_recon_image)
        # Flow is unbounded for points in the camera's plane; float16 ends at 65504.
        clipped = tf.clip_by_value(rigid_flows[0], -_LARGEST_INPUT_FLOW, _LARGEST_INPUT_FLOW)
        inputs += [warped, clipped, losses.channel_norm(error)]
    flows = nets.flow_net(tf.concat(inputs, axis=-1), norm_decay, config.initial_flow_gain)
    if rigid_flows:
        flows = [flow + rigid_flow for flow, rigid_flow in zip(flows, rigid_flows)]
    return flows


def _pictures(batch, warped, errors):
    """Images for TensorBoard: the target, the next frame warped to it, and the error."""
    batch_size, _, _, channels = batch['frames'].shape.as_list()
    first = batch_size * (channels // 3 // 2)
    after = slice(first, first + batch_size)
    return {'target': batch['frames'][..., :3], 'warped_source': to_uint8(warped[after]),
            'error': tf.reduce_mean(errors[after], axis=-1, keepdims=True)}


def _read_batch(batch, config):
    _check_shape('frames', batch['frames'],
                 [None, config.img_height, config.img_width, 3 * config.seq_length])
    _check_shape('intrinsics', batch['intrinsics'], [batch['frames'].shape.as_list()[0], 3, 3])
    return to_float(batch['frames']), batch['intrinsics']


def _check_snippet(target, sources, config):
    _check_shape('target', target, [None, config.img_height, config.img_width, 3])
    _check_shape('sources', sources, target.shape.as_list()[:3] + [3 * config.num_sources])


def _check_shape(name, tensor, expected):
    """Raises a ValueError unless `tensor` has the static shape `expected`; None is any size."""
    found = tensor.shape.as_list()
    if None in found or len(found) != len(expected) or any(
            size is not None and size != other for size, other in zip(expected, found)):
        raise ValueError('%s has shape %s, must be %s (all sizes static)' % (name, found, expected))
