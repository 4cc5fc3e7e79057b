"""What an NPU compiles: the step once, and beside it only graphs that no other rank waits for."""
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from device_steps import make_steps
from npu_runtime.devices import ranks as distribution
from npu_runtime.devices.choose import Device
from npu_runtime.devices.flags import RuntimeConfig
from npu_runtime.session import session_config

CPU, NPU = Device('cpu', 'test'), Device('npu', 'test')


@pytest.fixture
def ranks(eight_ranks):
    """<HcclRanks> rank 0 of 8."""
    return distribution.connect(NPU)


def test_ranks_exchange_in_one_graph_and_overflow_together(plugin, ranks):
    config = RuntimeConfig(device='npu', iterations_per_loop=4, enable_data_pre_proc=True)
    run = make_steps(NPU, config, 10, bad=(2,), ranks=ranks)
    assert run.calls[-1].step == 10 and run.skipped == 1
    assert [collective for names, collective in plugin.graphs].count(True) == 1
    one = make_steps(NPU, config, 10, bad=(2,))
    np.testing.assert_allclose(run.weights, one.weights, rtol=1e-6)


def test_logged_values_stay_out_of_the_fusion_groups_of_the_gradients(plugin, ranks):
    make_steps(NPU, RuntimeConfig(device='npu'), 1, ranks=ranks)
    fusions = [arguments['fusion'] for name, arguments in plugin.calls if name == 'allreduce']
    assert fusions == [1, 0, 0]  # the gradient of the one variable, the float status, the values


def picture_step(device):
    """(train operation, image summary of the step) of a model with an image of its batch number."""
    number = tf.get_variable('number', [], tf.float32, tf.zeros_initializer(), trainable=False)
    update = tf.assign_add(number, 1.)
    image = tf.cast(tf.fill([3, 4, 5, 1], update), tf.uint8)
    images, updates = device.own.fetched_images({'picture': image})
    summaries = [tf.summary.image(name, image) for name, image in images.items()]
    return tf.group(update, *updates, name='train_op'), images['picture'], summaries[0]


def test_images_come_out_of_a_graph_without_the_step(plugin, ranks):
    with tf.Graph().as_default():
        with tf.Session(config=session_config(NPU, RuntimeConfig(device='npu'))) as session:
            train_op, picture, summary = picture_step(NPU)
            session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
            for _ in range(3):
                session.run(train_op)
            assert np.all(session.run(picture) == np.full([1, 4, 5, 1], 3))
            session.run(summary)
        kept = tf.local_variables()
        assert [variable.shape.as_list() for variable in kept] == [[1, 4, 5, 1]]
        assert not set(kept) & set(tf.global_variables())  # in no checkpoint
    with tf.Graph().as_default():
        _, _, summary = picture_step(NPU)
        assert 'Assign' not in {op.type for op in needed(summary)}


def needed(tensor):
    """All operations that a tensor depends on."""
    found, waiting = set(), [tensor.op]
    while waiting:
        op = waiting.pop()
        if op not in found:
            found.add(op)
            waiting += [tensor.op for tensor in op.inputs] + list(op.control_inputs)
    return found


def test_other_devices_fetch_the_images_with_the_step():
    with tf.Graph().as_default(), tf.Session() as session:
        train_op, picture, _ = picture_step(CPU)
        session.run(tf.global_variables_initializer())
        assert tf.local_variables() == []
        for number in (1, 2):
            assert np.all(session.run([train_op, picture])[1] == number)
