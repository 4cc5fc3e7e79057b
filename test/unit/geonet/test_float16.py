"""GeoNet in mixed precision: of an NPU, by the published rules (half_precision.py), and of a CPU.

Losses and geometry stay in float32.
"""
import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import geonet_reference
import half_precision
from geonet import losses, model
from geonet.config import ModelConfig
from kitti_data.rendering.synthetic import synthetic_dataset
from npu_runtime.devices import host_kernels
from npu_runtime.devices.choose import Device
from npu_runtime.devices.flags import RuntimeConfig
from npu_runtime.session import session_config
from random_batch import random_batch
from vo_common.opencv import cv2

# Each takes about ten seconds of CPU time; FLOAT16_STEPS=20 is the whole comparison.
STEPS = int(os.environ.get('FLOAT16_STEPS', '2'))
NETS = ('depth_net', 'pose_net', 'flow_net')


def by_rules(build):
    """The values of the tensors of `build()` by the rules: list of arrays."""
    with tf.Graph().as_default() as graph:
        names = [tensor.name for tensor in build()]
    with tf.Session(graph=half_precision.rounded(
            graph, half_precision.half_operations(graph))) as session:
        return session.run(names)


def test_ssim_equals_float64_even_in_windows_of_one_colour():
    # A variance there is a difference of equal numbers, and d1 d2 the product of both constants.
    rng = np.random.RandomState(3)
    x, y = np.clip(rng.uniform(-0.7, 0.7, (2, 1, 24, 32, 3)) +
                   0.02 * rng.standard_normal((2, 1, 24, 32, 3)), -1, 1).astype(np.float32)
    x[:, :8], y[:, :8], x[:, 8:16], y[:, 8:16] = 0.9, 0.9, 0.01, 0.0

    def error_and_gradient():
        # An average pool of size 1 gives images in float16, as the levels of a pyramid are.
        images = [tf.nn.avg_pool(tf.placeholder_with_default(image, x.shape), 1, 1, 'VALID')
                  for image in (x, y)]
        error = losses.photometric_error(*images)
        return [error] + images + tf.gradients(32768.0 * tf.reduce_sum(error), images[0])

    error, x_half, y_half, gradient = by_rules(error_and_gradient)
    wanted = geonet_reference.dissimilarity(*[image[0].astype(np.float16).astype(np.float64)
                                              for image in (x_half, y_half)])
    np.testing.assert_allclose(error[0], wanted, atol=1e-3)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize('build,scope', [(model.rigid_training, None),
                                         (model.flow_training, 'flow_net')])
def test_outside_the_nets_only_the_image_pyramid_is_computed_in_float16(build, scope):
    config = ModelConfig(img_height=32, img_width=64, dispnet_encoder='vgg',
                         geometry_consistency_weight=0.5, auto_masking=True)
    batch = random_batch(config, 1)
    with tf.Graph().as_default() as graph:
        output = build({name: tf.placeholder(value.dtype, value.shape)
                        for name, value in batch.items()}, config)
        tf.gradients(tf.add_n(list(output.losses.values())), tf.trainable_variables(scope))
    half = half_precision.half_operations(graph)
    # A sum of float16 alone, outside, is one of gradients of the nets.
    outside = {op.type for op in graph.get_operations() if op.name in half
               and not any(net + '/' in op.name for net in NETS)
               and not all(tensor.op.name in half for tensor in op.inputs)}
    assert outside - half_precision.MOVES == {'AvgPool'}
    inside = {op.type for op in graph.get_operations() if op.name in half} - outside
    assert {'Conv2D', 'Conv2DBackpropFilter', 'FusedBatchNormV3', 'ReluGrad'} <= inside


def rendered_batch(config, folder):
    """A snippet of a synthetic drive."""
    synthetic_dataset(str(folder), ['09'], config.seq_length, config.img_height, config.img_width)
    before, target, after = [cv2.imread(str(path))
                             for path in sorted((folder / 'sequences/09/image_2').iterdir())]
    return dict(random_batch(config, 1),
                frames=np.concatenate([target, before, after], axis=-1)[np.newaxis])


@pytest.mark.skipif(not tf.__version__.startswith('1.'), reason='an NPU runs TensorFlow 1.15')
@pytest.mark.parametrize('mode,build', [('train_rigid', model.rigid_training),
                                        ('train_flow', model.flow_training)])
def test_no_step_is_skipped_and_losses_are_within_1_percent_of_float32(tmp_path, mode, build):
    # The published flow_net begins with a noise of 40 pixels, which leaves few pixels to compare.
    config = ModelConfig(flownet_type='direct', initial_flow_gain=0.01)
    assert (config.img_height, config.img_width) == (128, 416)
    batch = (random_batch(config, 1) if mode == 'train_rigid'
             else rendered_batch(config, tmp_path))
    float32, found, step = half_precision.train_by_rules(
        lambda batch, is_training: build(batch, config, is_training), batch, STEPS,
        learning_rate=0.0002, gradient_size=model.GRADIENT_SIZES[mode])
    assert step == STEPS
    half_precision.assert_within_1_percent(found, float32)


@pytest.mark.skipif(bool(host_kernels.bfloat16_obstacle()), reason='needs a CPU with bfloat16')
def test_the_first_gradient_in_bfloat16_is_close_to_float32():
    # Smooth pictures with a white edge: windows of one colour, where SSIM divides by C1 C2 alone.
    frames = np.random.RandomState(0).uniform(0, 255, (2, 8, 26, 9))
    frames = np.repeat(np.repeat(frames, 8, axis=1), 8, axis=2).astype(np.uint8)
    frames[:, :20] = 255
    intrinsics = np.float32([[[120, 0, 104], [0, 120, 32], [0, 0, 1]]] * 2)
    found = []
    with tf.Graph().as_default():
        tf.set_random_seed(1)
        output = model.rigid_training(
            {'frames': tf.constant(frames), 'intrinsics': tf.constant(intrinsics)},
            ModelConfig(img_height=64, img_width=208, dispnet_encoder='vgg'))
        loss = tf.add_n(list(output.losses.values()))
        norm = tf.global_norm(tf.gradients(loss, tf.trainable_variables()))
        for mode in ('', 'allow_mix_precision'):
            config = RuntimeConfig(device='cpu', precision_mode=mode)
            with tf.Session(config=session_config(Device('cpu', ''), config)) as session:
                session.run(tf.global_variables_initializer())
                found.append(session.run([loss, norm]))
    assert found[1][0] == pytest.approx(found[0][0], rel=0.02)
    assert found[1][1] == pytest.approx(found[0][1], rel=0.3)
