"""The encoder-decoders: ResNet-50 (depth_net by default, flow_net always) and VGG-like.

All take images <float32>[B, H, W, C], a function `head` that maps features
<float32>[B, h, w, C'] to a prediction [B, h, w, P], and `Layers`. They return predictions at scales
0 to 3, finest first: a list of <float32>[B, H_s, W_s, P] with H_s = 2 ceil(H / 2) for s = 0, else
H / 2^s rounded up.
"""
import tensorflow.compat.v1 as tf

from geonet import layers
from geonet.config import NUM_SCALES

_RESNET_STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
_RESNET_DECODER = (512, 256, 128, 64, 32, 16)
_VGG_ENCODER = ((32, 7), (64, 5), (128, 3), (256, 3), (512, 3), (512, 3), (512, 3))
_VGG_DECODER = (512, 512, 256, 128, 64, 32, 16)


def resnet50(images, head, layer):
    """Encodes to 1/64 of the size, with skips at 1/2, 1/4, 1/8, 1/16 and 1/32."""
    features = layer.conv(images, 64, 7, 2)
    skips = [features]
    features = layers.max_pool(features)
    for width, blocks in _RESNET_STAGES:
        skips.append(features)
        for block in range(blocks):
            stride = 2 if block == blocks - 1 else 1
            features = _bottleneck(features, width, stride, layer)

    def enlarge(prediction, features):
        return layers.crop(layers.upsample_nearest(prediction), *features.shape.as_list()[1:3])

    return _decode(features, skips, _RESNET_DECODER, head, layer, enlarge)


def vgg(images, head, layer, widest=512):
    """Encodes to 1/128 of the size, with skips at 1/2, 1/4, ..., 1/64.

    `widest` limits the channels of each layer.
    """
    features, skips = images, []
    for width, size in _VGG_ENCODER:
        skips.append(features)
        features = layer.conv_same(features, min(width, widest), size, 2)
        features = layer.conv_same(features, min(width, widest), size, 1)

    def enlarge(prediction, features):
        return tf.image.resize_bilinear(prediction, features.shape.as_list()[1:3])

    widths = [min(width, widest) for width in _VGG_DECODER]
    return _decode(features, skips[1:], widths, head, layer, enlarge)


def vgg128(images, head, layer):
    """`vgg` with at most 128 channels: a ninth of the weights.

    On small images, most of the time of a step is proportional to the number of weights.
    """
    return vgg(images, head, layer, widest=128)


def _bottleneck(features, width, stride, layer):
    """1x1, 3x3, 1x1 convolutions plus a projection: [B, H, W, C] -> [B, H', W', 4 width]."""
    residual = layer.conv(features, width, 1, 1)
    residual = layer.conv(residual, width, 3, stride)
    residual = layer.conv(residual, 4 * width, 1, 1, relu=False)
    shortcut = layer.conv(features, 4 * width, 1, stride, relu=False)
    return tf.nn.relu(residual + shortcut)


def _decode(features, skips, widths, head, layer, enlarge):
    """Upsamples step by step, with skips and predictions; returns those of the last four steps.

    Args:
      features: <float32>[B, h, w, C], the coarsest features.
      skips: list of the encoder's features, each twice the size of the next, finest first.
      widths: channels of each step: one per skip, and one more.
      enlarge: function that resizes a prediction to the size of the next features.
    """
    predictions = []
    for step, (width, skip) in enumerate(zip(widths, skips[::-1] + [None])):
        features = layer.upconv(features, width)
        inputs = [features]
        if skip is not None:
            inputs = [layers.crop(features, *skip.shape.as_list()[1:3]), skip]
        if predictions:
            inputs.append(enlarge(predictions[0], inputs[0]))
        features = layer.conv(tf.concat(inputs, axis=-1), width, 3, 1)
        if step >= len(widths) - NUM_SCALES:
            predictions.insert(0, head(features))
    return predictions
