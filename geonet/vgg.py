"""The encoder-decoder with a VGG-like encoder (depth_net with dispnet_encoder = vgg)."""
import tensorflow.compat.v1 as tf

from geonet.decoder import decode

_ENCODER = ((32, 7), (64, 5), (128, 3), (256, 3), (512, 3), (512, 3), (512, 3))
_DECODER = (512, 512, 256, 128, 64, 32, 16)


def encode_decode(images, head, layer):
    """Predicts a pyramid of maps from images; see `resnet50.encode_decode`."""
    features, skips = images, []
    for width, size in _ENCODER:
        skips.append(features)
        features = layer.conv_same(features, width, size, 2)
        features = layer.conv_same(features, width, size, 1)
    return decode(features, skips[1:], _DECODER, head, layer, _enlarge)


def _enlarge(prediction, features):
    return tf.image.resize_bilinear(prediction, features.shape.as_list()[1:3])
