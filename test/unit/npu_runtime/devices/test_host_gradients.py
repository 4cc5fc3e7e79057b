"""The gradients of convolutions on a CPU equal TensorFlow's."""
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from npu_runtime.devices import host_gradients, host_kernels
from npu_runtime.devices.choose import Device

CPU = Device('cpu', 'of the test')


def gradients(device, size, kernel, stride, padding, channels=(3, 5)):
    rng = np.random.RandomState(1)
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.constant(rng.standard_normal((2,) + size + channels[:1]).astype(np.float32))
        w = tf.constant(rng.standard_normal(kernel + channels).astype(np.float32))
        with host_gradients.convolutions_as_gradients(device):
            y = tf.nn.conv2d(x, w, strides=[1, stride, stride, 1], padding=padding)
        dy = rng.standard_normal(y.shape.as_list()).astype(np.float32)
        found = session.run(tf.gradients(y, [x, w], dy))
    return found, {node.op for node in graph.as_graph_def().node}


@pytest.mark.parametrize('size', [(8, 12), (7, 9), (23, 18), (2, 7), (1, 1)])
@pytest.mark.parametrize('kernel', [(1, 1), (3, 3), (5, 5), (7, 7), (2, 2), (3, 5)])
@pytest.mark.parametrize('stride', [1, 2])
@pytest.mark.parametrize('padding', ['SAME', 'VALID'])
@pytest.mark.parametrize('onednn', [False, True])
def test_host_gradients_equal_tensorflows(size, kernel, stride, padding, onednn, monkeypatch):
    monkeypatch.setattr(host_kernels, 'uses_onednn', lambda: onednn)
    if padding == 'VALID' and min(size) < max(kernel):
        size = (size[0] + 6, size[1] + 6)
    wanted, own_ops = gradients(Device('gpu', ''), size, kernel, stride, padding)
    found, ops = gradients(CPU, size, kernel, stride, padding)
    assert {'Conv2DBackpropInput', 'Conv2DBackpropFilter'} <= own_ops
    seen = size if padding == 'SAME' else np.array(size) - kernel + 1  # windows with stride 1
    few = np.prod([-(-side // stride) for side in seen]) <= 64
    is_1x1 = kernel == (1, 1) and stride == 1
    assert ('Conv2DBackpropInput' in ops) == (onednn or stride == 2 and not few)
    assert ('Conv2DBackpropFilter' in ops) == (not few and not is_1x1 and (onednn or stride == 2))
    for one, other in zip(found, wanted):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(bool(host_kernels.bfloat16_obstacle()), reason='no bfloat16 on this CPU')
@pytest.mark.parametrize('height', [1, 2, 3])
@pytest.mark.parametrize('size', [3, 7])
def test_one_column_has_the_whole_gradient_of_its_kernel_in_bfloat16(height, size):
    (wanted, *_), (found, *others) = (
        gradients_of_kernels(device, height, size, dtype)
        for device, dtype in ((Device('gpu', ''), tf.float32), (CPU, tf.bfloat16)))
    for values in (found, *others):
        np.testing.assert_allclose(values, wanted, atol=0.03 * np.abs(wanted).max())


def gradients_of_kernels(device, height, size, dtype):
    """Of a convolution of one column with stride 2, four times, in memory that held NaN before."""
    rng = np.random.RandomState(0)
    shapes = (4, height, 1, 64), (size, size, 64, 64), (4, (height + 1) // 2, 1, 64)
    values = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    with tf.Graph().as_default(), tf.Session() as session:
        features, kernel, upstream = map(tf.constant, values)
        with host_gradients.convolutions_as_gradients(device):
            output = tf.nn.conv2d(tf.cast(features, dtype), tf.cast(kernel, dtype), 2, 'SAME')
        gradient, = tf.gradients(tf.cast(output, tf.float32), [kernel], upstream)
        used = tf.cast(tf.fill(shapes[1], tf.cast(np.nan, dtype)), tf.float32)
        results = []
        for _ in range(4):
            session.run(used)
            results.append(session.run(gradient))
    return results
