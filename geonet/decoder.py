"""The decoder that both encoders share: upsampling step by step, with skips and predictions."""
import tensorflow.compat.v1 as tf

from geonet import layers

_WIDEST_PREDICTION = 128


def decode(features, skips, widths, head, layer, enlarge):
    """Predicts a pyramid of maps from an encoder's features.

    Args:
      features: <float32>[B, h, w, C], the coarsest ones.
      skips: list of the encoder's features at twice the size each, finest first.
      widths: channels of each step, one for each skip and one more.
      head: function of features <float32>[B, h, w, C'] that makes a prediction [B, h, w, P].
      layer: layers.Layers.
      enlarge: function (prediction, features) that makes a prediction as large as the next
        features.

    Returns:
      The predictions of the last four steps, finest first.
    """
    predictions = []
    for width, skip in zip(widths, skips[::-1] + [None]):
        features = layer.upconv(features, width)
        inputs = [features]
        if skip is not None:
            inputs = [layers.crop_like(features, skip), skip]
        if predictions:
            inputs.append(enlarge(predictions[0], inputs[0]))
        features = layer.conv(tf.concat(inputs, axis=-1), width, 3, 1)
        if width <= _WIDEST_PREDICTION:
            predictions.insert(0, head(features))
    return predictions
