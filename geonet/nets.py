"""depth_net, pose_net and flow_net: their layers, variable scopes and units."""
import math

import tensorflow.compat.v1 as tf

from geonet import encoder_decoder
from geonet.config import ENCODERS
from geonet.layers import Layers, crop

_SMALLEST_DISPARITY = 0.01
_POSE_LAYERS = ((16, 7), (32, 5), (64, 3), (128, 3), (256, 3), (256, 3), (256, 3))
_POSE_SCALE = 0.01
_FLOW_SCALE = 0.1


def depth_net(images, encoder, norm_decay=None, initial_disparity=0.0):
    """Disparity, the inverse of depth, of images <float32>[M, H, W, 3] in [-1, 1].

    Args:
      encoder: 'resnet50', 'vgg' or 'vgg128'.
      norm_decay: see `Layers`; None for inference.
      initial_disparity: approximate disparity of an untrained net; 0: half the largest (published).

    Returns:
      A list of <float32>[M, H // 2^s, W // 2^s, 1], finest first, in [0.01, 5.01] (resnet50) or
      [0.01, 10.01].
    """
    encode_decode = getattr(encoder_decoder, encoder)
    largest = ENCODERS[encoder]
    share = (initial_disparity - _SMALLEST_DISPARITY) / largest if initial_disparity else 0.5
    bias = math.log(share / (1.0 - share))
    with tf.variable_scope('depth_net'):
        layer = Layers(norm_decay)

        def head(features):
            logits = layer.linear_conv(features, 1, 3, initial_bias=bias)
            return largest * tf.sigmoid(logits) + _SMALLEST_DISPARITY

        return _fit_pyramid(encode_decode(images, head, layer), images)


def flow_net(inputs, norm_decay=None, initial_gain=1.0):
    """Optical flow, or its residual.

    Args:
      inputs: <float32>[M, H, W, 6] two images, or [M, H, W, 12] with the rigid warp, flow, error.
      norm_decay: see `Layers`; None for inference.
      initial_gain: factor on the flow of an untrained net; 1 as published.

    Returns:
      A list of <float32>[M, H // 2^s, W // 2^s, 2], pixels of scale s, x first, finest first.
    """
    with tf.variable_scope('flow_net'):
        layer = Layers(norm_decay)

        def head(features):
            return _FLOW_SCALE * layer.linear_conv(features, 2, 3, initial_gain=initial_gain)

        flows = _fit_pyramid(encoder_decoder.resnet50(inputs, head, layer), inputs)
    return [flow * [float(size) for size in flow.shape.as_list()[2:0:-1]] for flow in flows]


def pose_net(images, norm_decay=None, initial_gain=1.0):
    """Camera motion from the target frame to each source frame.

    Args:
      images: <float32>[B, H, W, 3(N + 1)] in [-1, 1]: the target, the frames before it, then
        the frames after it.
      norm_decay: see `Layers`; None for inference.
      initial_gain: factor on the motions of an untrained net; 1 as published.

    Returns:
      <float32>[B, N, 6]: (tx, ty, tz, rx, ry, rz), target to source, in the unit of the depth and
      radians.
    """
    num_sources = images.shape.as_list()[-1] // 3 - 1
    with tf.variable_scope('pose_net'):
        layer = Layers(norm_decay)
        features = images
        for width, size in _POSE_LAYERS:
            features = layer.conv_same(features, width, size, 2)
        poses = layer.linear_conv(features, 6 * num_sources, 1, initial_gain=initial_gain)
        poses = tf.reduce_mean(poses, axis=[1, 2])
        return _POSE_SCALE * tf.reshape(poses, [-1, num_sources, 6])


def _fit_pyramid(predictions, images):
    """Crops level s to [H // 2^s, W // 2^s]; odd sizes have been rounded up."""
    _, height, width, _ = images.shape.as_list()
    return [crop(prediction, height >> scale, width >> scale)
            for scale, prediction in enumerate(predictions)]
