"""The ConvLSTM in the mixed precision of an NPU, by the published rules (half_precision.py)."""
import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import half_precision
from convlstm_vo import model
from convlstm_vo.config import ModelConfig

STEPS = int(os.environ.get('FLOAT16_STEPS', '2'))


def moving_batch(config):
    """A window of smooth frames that move sideways, with a motion as of KITTI."""
    y, x = np.mgrid[:config.img_height, :config.img_width]
    waves = [np.sin((x + shift) / period) + np.cos(y / period)
             for shift in (0, 3) for period in (5, 9, 17)]
    frames = (127 + 60 * np.stack(waves, axis=-1)).reshape(y.shape + (2, 3))
    frames = np.moveaxis(frames, 2, 0)[np.newaxis].astype(np.uint8)
    largest = frames.max(axis=(2, 3, 4)).astype(np.float32)
    return {'frames': frames, 'scale': 1 / largest,
            'mean': (frames.mean(axis=(2, 3, 4)) / largest).astype(np.float32),
            'motions': np.float32([[[0.01, -0.02, 1.1, 0.002, 0.01, -0.003]]])}


@pytest.mark.parametrize('height,width', [(384, 1280), (64, 208)])
def test_no_step_is_skipped_and_losses_are_within_1_percent_of_float32(height, width):
    config = ModelConfig(img_height=height, img_width=width)

    def build(batch, is_training):
        del is_training
        return model.training(batch, config, tf.initializers.glorot_uniform())

    float32, found, step = half_precision.train_by_rules(
        build, moving_batch(config), STEPS, learning_rate=0.0001,
        gradient_size=model.gradient_size(config))
    assert step == STEPS
    np.testing.assert_allclose(found, float32, rtol=0.01)
