"""Detection of oneDNN and of the CPU's bfloat16 instructions; convolutions of narrow features."""
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from npu_runtime.devices import host_kernels


@pytest.mark.parametrize('version,onednn,expected', [
    ('2.21.0', '0', False), ('2.21.0', '1', True), ('2.10.1', 'TRUE', True), ('2.21.0', '', False),
    ('1.15.0', '1', False)])
def test_onednn_is_used_if_enabled_and_available(monkeypatch, version, onednn, expected):
    monkeypatch.setattr(tf, '__version__', version)
    monkeypatch.setenv('TF_ENABLE_ONEDNN_OPTS', onednn)
    assert host_kernels.uses_onednn() == expected


def test_a_cpu_without_the_instructions_or_onednn_has_no_bfloat16(cpu, monkeypatch):
    monkeypatch.setenv('TF_ENABLE_ONEDNN_OPTS', '1')
    cpu('avx512_vnni')
    assert host_kernels.bfloat16_obstacle()
    monkeypatch.setenv('TF_ENABLE_ONEDNN_OPTS', '0')
    cpu('avx512_vnni amx_bf16')
    assert host_kernels.bfloat16_obstacle()


def of_one_column(convolve, height, size, dtype=tf.float32, repeats=1):
    """A convolution of stride 2 and its gradients, each time in memory that held NaN before."""
    rng = np.random.RandomState(0)
    shapes = (4, height, 1, 64), (size, size, 64, 64), (4, (height + 1) // 2, 1, 64)
    values = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    with tf.Graph().as_default(), tf.Session() as session:
        features, kernel, upstream = map(tf.constant, values)
        output = tf.cast(convolve(tf.cast(features, dtype), tf.cast(kernel, dtype)), tf.float32)
        gradients = tf.gradients(output, [features, kernel], upstream)
        used = tf.cast(tf.fill(shapes[1], tf.cast(np.nan, dtype)), tf.float32)
        results = []
        for _ in range(repeats):
            session.run([used, used])
            results.append(session.run([output] + gradients))
    return results


def convolved_by_tensorflow(features, kernel):
    return tf.nn.conv2d(features, kernel, [1, 2, 2, 1], 'SAME')


@pytest.mark.parametrize('height', [1, 2, 3, 4, 5])
@pytest.mark.parametrize('size', [1, 3, 5, 7])
def test_a_convolution_of_one_column_equals_that_of_tensorflow(height, size):
    found, = of_one_column(lambda *args: host_kernels.conv2d(*args, 2), height, size)
    wanted, = of_one_column(convolved_by_tensorflow, height, size)
    for value, expected in zip(found, wanted):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(bool(host_kernels.bfloat16_obstacle()), reason='no bfloat16 on this CPU')
@pytest.mark.parametrize('height', [1, 2, 3])
@pytest.mark.parametrize('size', [3, 7])
def test_a_convolution_of_one_column_has_its_whole_gradient_in_bfloat16(height, size):
    (_, _, wanted), = of_one_column(convolved_by_tensorflow, height, size)
    for _, _, found in of_one_column(lambda *args: host_kernels.conv2d(*args, 2), height, size,
                                     tf.bfloat16, repeats=4):
        np.testing.assert_allclose(found, wanted, atol=0.03 * np.abs(wanted).max())
