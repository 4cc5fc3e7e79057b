"""Training in bfloat16 on a CPU keeps losses and geometry in float32."""
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from geonet import model
from geonet.config import ModelConfig
from npu_runtime.devices import host_kernels
from npu_runtime.devices.choose import Device
from npu_runtime.devices.flags import RuntimeConfig
from npu_runtime.session import session_config

SIZE = (64, 208)


@pytest.mark.skipif(bool(host_kernels.bfloat16_obstacle()), reason='needs a CPU with bfloat16')
def test_the_first_gradient_in_mixed_precision_is_close_to_float32():
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
            ModelConfig(img_height=SIZE[0], img_width=SIZE[1], dispnet_encoder='vgg'))
        loss = tf.add_n(list(output.losses.values()))
        norm = tf.global_norm(tf.gradients(loss, tf.trainable_variables()))
        for mode in ('', 'allow_mix_precision'):
            config = RuntimeConfig(device='cpu', precision_mode=mode)
            with tf.Session(config=session_config(Device('cpu', ''), config)) as session:
                session.run(tf.global_variables_initializer())
                found.append(session.run([loss, norm]))
    assert found[1][0] == pytest.approx(found[0][0], rel=0.02)
    assert found[1][1] == pytest.approx(found[0][1], rel=0.3)
