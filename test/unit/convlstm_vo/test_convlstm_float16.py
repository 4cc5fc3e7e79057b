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
    """A window of random colours, 8 pixels wide, that move sideways; a motion as of KITTI."""
    colours = np.random.RandomState(5).uniform(
        0, 255, (config.img_height // 8, config.img_width // 8, 3)).astype(np.uint8)
    frame = colours.repeat(8, axis=0).repeat(8, axis=1)
    frames = np.stack([frame, np.roll(frame, 2, axis=1)])[np.newaxis]
    largest = frames.max(axis=(2, 3, 4)).astype(np.float32)
    return {'frames': frames, 'scale': 1 / largest,
            'mean': (frames.mean(axis=(2, 3, 4)) / largest).astype(np.float32),
            'motions': np.float32([[[0.01, -0.02, 1.1, 0.002, 0.01, -0.003]]])}


@pytest.mark.skipif(not tf.__version__.startswith('1.'), reason='an NPU runs TensorFlow 1.15')
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
    half_precision.assert_within_1_percent(found, float32)
