"""The encoder-decoder with a ResNet-50 encoder (depth_net's default, flow_net's only one)."""
import tensorflow.compat.v1 as tf

from geonet import layers
from geonet.decoder import decode

_STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
_DECODER = (512, 256, 128, 64, 32, 16)


def encode_decode(images, head, layer):
    """Predicts a pyramid of maps from images.

    Args:
      images: <float32>[B, H, W, C].
      head: function of features <float32>[B, h, w, C'] that makes a prediction [B, h, w, P].
      layer: layers.Layers.

    Returns:
      Predictions at scales 0 to 3, finest first: a list of <float32>[B, H_s, W_s, P] with
      H_s = 2 ceil(H / 2) for s = 0 and the rounded up H / 2^s otherwise.
    """
    features, skips = _encode(images, layer)
    return decode(features, skips, _DECODER, head, layer, _enlarge)


def _encode(images, layer):
    """The coarsest features (1/64) and the skips at 1/2, 1/4, 1/8, 1/16, 1/32."""
    features = layer.conv(images, 64, 7, 2)
    skips = [features]
    features = layers.max_pool(features)
    for width, blocks in _STAGES:
        skips.append(features)
        for block in range(blocks):
            stride = 2 if block == blocks - 1 else 1
            features = _bottleneck(features, width, stride, layer)
    return features, skips


def _bottleneck(features, width, stride, layer):
    """1x1, 3x3, 1x1 convolutions plus a projection: [B, H, W, C] -> [B, H', W', 4 width]."""
    residual = layer.conv(features, width, 1, 1)
    residual = layer.conv(residual, width, 3, stride)
    residual = layer.conv(residual, 4 * width, 1, 1, relu=False)
    shortcut = layer.conv(features, 4 * width, 1, stride, relu=False)
    return tf.nn.relu(residual + shortcut)


def _enlarge(prediction, features):
    return layers.crop_like(layers.upsample_nearest(prediction), features)
