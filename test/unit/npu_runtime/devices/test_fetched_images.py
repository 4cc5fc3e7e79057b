"""Images of a step, which an NPU reads with a graph without the step."""
import numpy as np
import tensorflow.compat.v1 as tf

from npu_runtime.devices.choose import Device
from npu_runtime.devices.flags import RuntimeConfig
from npu_runtime.devices.graph_audit import device_ops
from npu_runtime.session import session_config

CPU, NPU = Device('cpu', 'test'), Device('npu', 'test')


def picture_step(device):
    """(train operation, image summary of the step) of a model with an image of its batch number."""
    number = tf.get_variable('number', [], tf.float32, tf.zeros_initializer(), trainable=False)
    update = tf.assign_add(number, 1.)
    image = tf.cast(tf.fill([3, 4, 5, 1], update), tf.uint8)
    images, updates = device.own.fetched_images({'picture': image})
    summaries = [tf.summary.image(name, image) for name, image in images.items()]
    return tf.group(update, *updates, name='train_op'), images['picture'], summaries[0]


def test_images_come_out_of_a_graph_without_the_step(plugin):
    proto = session_config(NPU, RuntimeConfig(device='npu'))
    with tf.Graph().as_default(), tf.Session(config=proto) as session:
        train_op, picture, summary = picture_step(NPU)
        assert 'Assign' not in {op.type for op in device_ops([summary])}
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        for _ in range(3):
            session.run(train_op)
        assert np.all(session.run(picture) == np.full([1, 4, 5, 1], 3))
        kept, = tf.local_variables()
        assert kept.shape.as_list() == [1, 4, 5, 1]
        assert kept not in tf.global_variables()  # in no checkpoint


def test_other_devices_fetch_the_images_with_the_step():
    with tf.Graph().as_default(), tf.Session() as session:
        train_op, picture, _ = picture_step(CPU)
        session.run(tf.global_variables_initializer())
        assert tf.local_variables() == []
        for number in (1, 2):
            assert np.all(session.run([train_op, picture])[1] == number)
