"""Sessions on every device, and sessions for prediction with constant weights."""
import types

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf import rewriter_config_pb2

import npu_plugin
from geonet.layers import Layers
from npu_runtime.devices.flags import RuntimeConfig
from npu_runtime.devices import host_kernels
from npu_runtime.devices.choose import Device
from npu_runtime.session import (
    batch_iterator, inference_session, make_session, session_config)
from vo_common.errors import UserError

Rewrite = rewriter_config_pb2.RewriterConfig


def config_on(kind, **flags):
    return session_config(Device(kind, 'test'), RuntimeConfig(**flags))


def test_an_npu_session_disables_rewrites_that_undo_the_plugin():
    proto = config_on('npu')
    rewrite = proto.graph_options.rewrite_options
    assert rewrite.remapping == Rewrite.OFF
    assert rewrite.memory_optimization == Rewrite.NO_MEM_OPT
    assert [optimizer.name for optimizer in rewrite.custom_optimizers] == ['NpuOptimizer']
    assert proto.allow_soft_placement
    assert proto.graph_options.optimizer_options.global_jit_level == tf.OptimizerOptions.OFF


def rank_on_host(local_rank, of):
    return types.SimpleNamespace(local_rank=local_rank, local_size=of)


def test_a_gpu_session_grows_its_memory_and_a_rank_uses_its_own_card():
    proto = session_config(Device('gpu', ''), RuntimeConfig(), rank_on_host(3, of=4))
    assert proto.gpu_options.allow_growth and proto.gpu_options.visible_device_list == '3'
    assert not proto.graph_options.rewrite_options.custom_optimizers


def test_a_cpu_session_sees_no_gpu_and_no_plugin():
    proto = config_on('cpu')
    assert proto.device_count['GPU'] == 0
    assert not proto.graph_options.rewrite_options.custom_optimizers


def rewrites(kind, mode):
    """Names of the mixed precision rewrites that are on."""
    proto = config_on(kind, device=kind, precision_mode=mode).graph_options.rewrite_options
    return [field.name for field, value in proto.ListFields()
            if 'mixed_precision' in field.name and value == Rewrite.ON]


def test_mixed_precision_on_a_gpu_is_the_rewrite_of_tensorflow():
    assert rewrites('gpu', 'allow_mix_precision') == ['auto_mixed_precision']
    assert rewrites('gpu', '') == rewrites('gpu', 'force_fp32') == []


def test_mixed_precision_on_a_cpu_is_the_rewrite_of_onednn_if_available(monkeypatch):
    monkeypatch.setattr(host_kernels, 'bfloat16_obstacle', lambda: 'it is old')
    assert rewrites('cpu', 'allow_mix_precision') == []
    monkeypatch.undo()
    if not host_kernels.bfloat16_obstacle():
        assert rewrites('cpu', 'allow_mix_precision') == ['auto_mixed_precision_onednn_bfloat16']
        assert rewrites('cpu', '') == []


@pytest.mark.parametrize('flags', [dict(precision_mode='force_fp16'),
                                   dict(precision_mode='allow_mix_precision_bf16'),
                                   dict(npu_options=['precision_mode_v2=mixed_float16'])])
def test_precision_that_only_an_npu_has_is_refused_on_a_gpu(flags):
    with pytest.raises(UserError, match='allow_mix_precision.* on a GPU|'
                                        'on a GPU.*allow_mix_precision'):
        config_on('gpu', **flags)


def test_threads_are_flags_or_the_share_of_a_rank_in_the_cores_of_its_host(monkeypatch):
    monkeypatch.setattr('npu_runtime.devices.cpu.num_cores', lambda: 8)
    for of, flag, threads in ((1, 0, 0), (2, 0, 4), (3, 0, 2), (16, 0, 1), (1, 5, 5), (2, 5, 5)):
        proto = session_config(
            Device('cpu', ''), RuntimeConfig(intra_op_threads=flag, inter_op_threads=3),
            rank_on_host(0, of))
        assert proto.intra_op_parallelism_threads == threads
        assert proto.inter_op_parallelism_threads == 3


def test_a_prediction_session_is_neither_a_loop_nor_compiled_by_xla(capsys):
    config = RuntimeConfig(device='npu', iterations_per_loop=10, enable_data_pre_proc=True,
                           xla='on')  # which an NPU refuses
    with npu_plugin.installed() as plugin, tf.Graph().as_default(), make_session(config) as session:
        session.run(tf.constant(1))
    assert plugin.given['precision_mode'] == 'allow_mix_precision'
    assert 'iterations_per_loop' not in plugin.given
    assert 'device: npu (--device=npu)' in capsys.readouterr().out


def test_batches_are_read_without_autotune():
    with tf.Graph().as_default() as graph:
        batch_iterator(tf.data.Dataset.range(2).map(lambda number: number, 2))
    operations = {operation.type: operation for operation in graph.get_operations()}
    assert 'ModelDataset' not in operations  # of TensorFlow 1.15
    if not tf.__version__.startswith('1.'):
        from tensorflow.core.framework.dataset_options_pb2 import Options
        saved = operations['OptionsDataset'].get_attr('serialized_options')
        options = Options.FromString(saved).autotune_options
        assert options.HasField('enabled') and not options.enabled


@pytest.fixture
def net(tmp_path):
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


def test_an_inference_session_keeps_names_and_outputs_with_constant_weights(net):
    graph, output, checkpoint, feed, expected = net
    with inference_session(RuntimeConfig(device='cpu'), graph, checkpoint,
                           [output]) as session:
        np.testing.assert_allclose(session.run(output.name, feed), expected, rtol=1e-5)
        operations = session.graph.get_operations()
    assert not [operation.type for operation in operations if 'Var' in operation.type]
    assert len(operations) < len(graph.get_operations())


def test_a_checkpoint_without_a_variable_is_reported(net):
    graph, output, checkpoint, _, _ = net
    with graph.as_default():
        tf.get_variable('another', [2])
    with pytest.raises(UserError, match='model lacks 1 of 9 variables: another'):
        inference_session(RuntimeConfig(device='cpu'), graph, checkpoint, [output])
