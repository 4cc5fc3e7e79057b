"""The training graph, from a batch of windows to named losses."""
import math

import tensorflow.compat.v1 as tf

from convlstm_vo import net
from npu_runtime.training.task import TrainingOutput


def motion_losses(pred_motions, gt_motions, rotation_weight=100., reduction='sum'):
    """The losses translation and rotation: dict, name -> <float32>[].

        loss = sum |pred_t - gt_t|^2 + K sum |pred_r - gt_r|^2

    Their sum is named `loss_l2_norm/loss` in the graph.

    Args:
      pred_motions, gt_motions: <float32>[B, T, 6], metres and radians.
      rotation_weight: K.
      reduction: 'sum' (as published) or 'mean' over batch and time.
    """
    with tf.name_scope('loss_l2_norm'):
        errors = tf.reduce_sum(tf.square(pred_motions - gt_motions), axis=[0, 1])
        if reduction == 'mean':
            batch, time_steps, _ = pred_motions.shape.as_list()
            errors /= float(batch * time_steps)
        losses = {'translation': tf.reduce_sum(errors[:3]),
                  'rotation': tf.multiply(rotation_weight, tf.reduce_sum(errors[3:]))}
        tf.add(losses['translation'], losses['rotation'], name='loss')
    return losses


def gradient_size(config):
    """Estimates the largest gradient of the loss with respect to a gate of an untrained net.

    Layer norm divides gradients by the small deviation of the features, and readout weights are
    larger for fewer features. Measured with the published initializer: 2.9e5 at 64x208 (4 features
    per channel), 2.3e4 at 384x1280 (120). The estimate, a power of two, is 3 to 7 times as large.
    """
    features = (math.ceil(config.img_height / net.STRIDE)
                * math.ceil(config.img_width / net.STRIDE))
    return 2. ** round(math.log2(config.rotation_weight * 2 ** 16 / features))


def training(batch, config, encoder_initializer=None):
    """Builds the training graph.

    Args:
      batch: dict as in `kitti_data.pipeline.windows`: frames <uint8 or uint16>[B, T+1, H, W, C],
        scale and mean <float32>[B, T+1], motions <float32>[B, T, 6].
      config: <ModelConfig>.
      encoder_initializer: as in `net.predict`.

    Returns:
      <TrainingOutput> with the losses of `motion_losses`; images are the first and last frame of
      each window, <float32>[B, H, W, 1 or 3].
    """
    pairs = net.normalised_pairs(batch['frames'], batch['scale'], batch['mean'])
    pred_motions = net.predict(pairs, encoder_initializer=encoder_initializer)
    losses = motion_losses(pred_motions, batch['motions'], config.rotation_weight,
                           config.loss_reduction)
    channels = batch['frames'].shape.as_list()[-1]
    # Frames are BGR, images RGB.
    images = {'first_frame': pairs[:, 0, ..., :channels][..., ::-1],
              'last_frame': pairs[:, -1, ..., channels:][..., ::-1]}
    return TrainingOutput(losses, images)
