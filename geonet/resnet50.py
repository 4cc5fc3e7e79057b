"""The encoder-decoder with a ResNet-50 encoder (depth_net's default, flow_net's only one)."""
import tensorflow.compat.v1 as tf

from geonet import layers

_STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))


def encode_decode(images, head, is_training):
    """Predicts a pyramid of maps from images.

    Args:
      images: <float32>[B, H, W, C].
      head: function of features <float32>[B, h, w, C'] that makes a prediction [B, h, w, P].
      is_training: whether batch norm uses the batch's statistics.

    Returns:
      Predictions at scales 0 to 3, finest first: a list of <float32>[B, H_s, W_s, P] with
      H_s = 2 ceil(H / 2) for s = 0 and the rounded up H / 2^s otherwise.
    """
    features, skips = _encode(images, is_training)
    return _decode(features, skips, head, is_training)


def _encode(images, is_training):
    """The coarsest features (1/64) and the skips at 1/2, 1/4, 1/8, 1/16, 1/32."""
    features = layers.conv(images, 64, 7, 2, is_training)
    skips = [features]
    features = layers.max_pool(features)
    for width, blocks in _STAGES:
        skips.append(features)
        for block in range(blocks):
            stride = 2 if block == blocks - 1 else 1
            features = _bottleneck(features, width, stride, is_training)
    return features, skips


def _bottleneck(features, width, stride, is_training):
    """1x1, 3x3, 1x1 convolutions plus a projection: [B, H, W, C] -> [B, H', W', 4 width]."""
    residual = layers.conv(features, width, 1, 1, is_training)
    residual = layers.conv(residual, width, 3, stride, is_training)
    residual = layers.conv(residual, 4 * width, 1, 1, is_training, relu=False)
    shortcut = layers.conv(features, 4 * width, 1, stride, is_training, relu=False)
    return tf.nn.relu(residual + shortcut)


def _decode(features, skips, head, is_training):
    """Upsamples step by step, each with its skip; predictions at the last four, finest first."""
    predictions = []
    for width, skip in zip((512, 256, 128, 64, 32, 16), skips[::-1] + [None]):
        features = layers.upconv(features, width, is_training)
        inputs = [features]
        if skip is not None:
            inputs = [layers.crop_like(features, skip), skip]
        if predictions:
            inputs.append(layers.crop_like(layers.upsample_nearest(predictions[0]), inputs[0]))
        features = layers.conv(tf.concat(inputs, axis=-1), width, 3, 1, is_training)
        if width <= 128:
            predictions.insert(0, head(features))
    return predictions
