"""Sessions for prediction with constant weights."""
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from geonet.layers import Layers
from npu_runtime.devices.flags import RuntimeConfig
from npu_runtime.inference import inference_session
from vo_common.errors import UserError


@pytest.fixture(name='net')
def net_fixture(tmp_path):
    """(graph, output, checkpoint, feed, expected): two layers with random weights."""
    random = np.random.RandomState(0)
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        images = tf.placeholder(tf.float32, [2, 8, 8, 3], name='images')
        layer = Layers(norm_decay=None)
        output = layer.upconv(layer.conv(images, 4, 3, 2), 4)
        for variable in tf.model_variables():
            variable.load(random.uniform(0.2, 1.0, variable.shape.as_list()), session)
        checkpoint = tf.train.Saver().save(session, str(tmp_path / 'model'))
        feed = {images.name: random.normal(size=images.shape.as_list())}
        return graph, output, checkpoint, feed, session.run(output, feed)


def test_an_inference_session_keeps_names_and_outputs(net):
    graph, output, checkpoint, feed, expected = net
    with inference_session(RuntimeConfig(device='cpu'), graph, checkpoint, None,
                           [output]) as session:
        np.testing.assert_allclose(session.run(output.name, feed), expected, rtol=1e-5)


def test_weights_are_constants(net):
    graph, output, checkpoint, _, _ = net
    with inference_session(RuntimeConfig(device='cpu'), graph, checkpoint, None,
                           [output]) as session:
        operations = session.graph.get_operations()
    assert not [operation.type for operation in operations if 'Var' in operation.type]
    assert len(operations) < len(graph.get_operations())


def test_a_checkpoint_without_a_variable_is_reported(net):
    graph, output, checkpoint, _, _ = net
    with graph.as_default():
        tf.get_variable('another', [2])
    with pytest.raises(UserError, match='model lacks 1 of 9 variables: another'):
        inference_session(RuntimeConfig(device='cpu'), graph, checkpoint, None, [output])
