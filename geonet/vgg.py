"""The encoder-decoder with a VGG-like encoder (depth_net with dispnet_encoder = vgg)."""
import tensorflow.compat.v1 as tf

from geonet import layers

_ENCODER = ((32, 7), (64, 5), (128, 3), (256, 3), (512, 3), (512, 3), (512, 3))
_DECODER = (512, 512, 256, 128, 64, 32, 16)


def encode_decode(images, head, layer):
    """Predicts a pyramid of maps from images; see `resnet50.encode_decode`."""
    features, skips = images, []
    for width, size in _ENCODER:
        skips.append(features)
        features = layer.conv_same(features, width, size, 2)
        features = layer.conv_same(features, width, size, 1)
    predictions = []
    for width, skip in zip(_DECODER, skips[:0:-1] + [None]):
        features = layer.upconv(features, width)
        inputs = [features]
        if skip is not None:
            inputs = [layers.crop_like(features, skip), skip]
        if predictions:
            size = inputs[0].shape.as_list()[1:3]
            inputs.append(tf.image.resize_bilinear(predictions[0], size))
        features = layer.conv(tf.concat(inputs, axis=-1), width, 3, 1)
        if width <= 128:
            predictions.insert(0, head(features))
    return predictions
