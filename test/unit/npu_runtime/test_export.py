"""Frozen graphs of all three networks: names, shapes, and the checkpoint's own numbers."""
import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from convlstm_vo import main as convlstm_vo
from convlstm_vo.predict_motion import window_graph
from geonet_program import geonet
from kitti_data.rendering.synthetic import synthetic_dataset
from npu_runtime.devices.flags import RuntimeConfig
from npu_runtime.export import run_frozen
from npu_runtime.predictor import Predictor

VO_SIZE = (32, 64)


@pytest.fixture(scope='module')
def vo_run(tmp_path_factory):
    """Output folder of one step of the ConvLSTM with windows of two pairs."""
    drive, folder = (str(tmp_path_factory.mktemp(name)) for name in ('vo drive', 'vo run'))
    synthetic_dataset(drive, ['00'], 4, *VO_SIZE, cameras=(0,))
    convlstm_vo.main([
        '--mode=train', '--datapath=' + drive, '--outputpath=' + folder, '--train_sequences=0',
        '--val_sequences=', '--bsize=1', '--time_steps=2', '--total_steps=1', '--device=cpu',
        '--img_height=%d' % VO_SIZE[0], '--img_width=%d' % VO_SIZE[1]])
    return folder


def export_vo(run, *flags):
    convlstm_vo.main(['--mode=export', '--outputpath=' + run, '--device=cpu'] + list(flags))
    return os.path.join(run, 'export', 'convlstm_vo')


def export_geonet(net, run, folder, *flags):
    geonet('export_' + net, *flags, init_ckpt_file=run, output_dir=str(folder))
    return os.path.join(str(folder), 'geonet_' + net)


def read_nodes(path):
    graph_def = tf.GraphDef()
    with open(path, 'rb') as stream:
        graph_def.ParseFromString(stream.read())
    return {node.name: node for node in graph_def.node}


def shape_of(node):
    return [axis.size for axis in node.attr['shape'].shape.dim]


def is_frozen(nodes):
    return not [node for node in nodes.values() if node.op.startswith(('Variable', 'Assign'))]


def test_the_odometry_graph_keeps_the_published_names(vo_run, capsys):
    nodes = read_nodes(export_vo(vo_run) + '.pb')
    assert is_frozen(nodes) and 'Wx_plus_b/xw_plus_b' in nodes
    assert shape_of(nodes['input/Placeholder']) == [1, 2, 32, 64, 6]
    said = capsys.readouterr().out
    assert 'largest difference from the checkpoint' in said
    assert '--input_shape="input/Placeholder:1,2,32,64,6"' in said
    assert '--out_nodes="Wx_plus_b/xw_plus_b:0"' in said


def test_the_frozen_odometry_graph_predicts_like_the_test_mode(vo_run):
    """The frozen graph reads six float channels, the test mode one channel of gray levels."""
    levels = np.random.RandomState(0).randint(0, 256, (3,) + VO_SIZE + (1,)).astype(np.uint8)
    brightest = levels.max(axis=(1, 2, 3)).astype(np.float32)
    mean = (levels.mean(axis=(1, 2, 3)) / brightest).astype(np.float32)
    with Predictor(lambda: window_graph(1, 2, VO_SIZE + (1,), np.uint8), vo_run,
                   RuntimeConfig(device='cpu')) as predictor:
        wanted, = predictor([{'frames': levels, 'scale': 1 / brightest, 'mean': mean}])
    frames = levels / brightest[:, None, None, None] - mean[:, None, None, None]
    colour = np.repeat(frames, 3, axis=-1)
    pairs = np.concatenate([colour[:-1], colour[1:]], axis=-1)[None].astype(np.float32)
    found, = run_frozen(export_vo(vo_run) + '.pb', {'input/Placeholder:0': pairs},
                        ['Wx_plus_b/xw_plus_b:0'])
    np.testing.assert_allclose(found, wanted['motions'], atol=1e-4)


@pytest.mark.parametrize('net, inputs, output', [
    ('depth', {'input/Placeholder': [2, 32, 104, 3]}, [2, 32, 104, 1]),
    ('pose', {'input/Placeholder': [2, 32, 104, 3], 'input/Placeholder_1': [2, 32, 104, 6]},
     [2, 2, 6])])
def test_geonet_s_graphs_are_frozen_with_their_shapes(
        rigid_run, tmp_path, capsys, net, inputs, output):
    path = export_geonet(net, rigid_run, tmp_path, '--export_batch=2') + '.pb'
    nodes = read_nodes(path)
    assert is_frozen(nodes)
    assert {name: shape_of(nodes[name]) for name in inputs} == inputs
    feed = {name + ':0': np.full(shape, 100, np.uint8) for name, shape in inputs.items()}
    found, = run_frozen(path, feed, ['output/%s:0' % net])
    assert list(found.shape) == output and np.isfinite(found).all()
    assert 'largest difference from the checkpoint' in capsys.readouterr().out


@pytest.mark.parametrize('net', ['convlstm_vo', 'depth', 'pose'])
def test_onnx_predicts_like_the_checkpoint(vo_run, rigid_run, tmp_path, capsys, net):
    for package in ('tf2onnx', 'onnxruntime'):
        pytest.importorskip(package)
    prefix = (export_vo(vo_run, '--onnx') if net == 'convlstm_vo'
              else export_geonet(net, rigid_run, tmp_path, '--onnx'))
    assert os.path.getsize(prefix + '.onnx') > 0
    said = [line for line in capsys.readouterr().out.splitlines() if '.onnx' in line]
    assert len(said) == 1 and 'largest difference from the checkpoint' in said[0]
