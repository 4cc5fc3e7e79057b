"""`--mode=export_depth`, `--mode=export_pose`: inference graphs with their weights in one file."""
import os

import tensorflow.compat.v1 as tf

from geonet.model import predict_depth, predict_pose
from npu_runtime import checkpoints
from npu_runtime.export import export_graph
from npu_runtime.session import make_session


def export(run, model, runtime):
    """Writes `<output_dir>/geonet_<net>.pb` and compares its outputs with the checkpoint's.

    Inputs are uint8 RGB frames. depth: `input/Placeholder` [B, H, W, 3] to `output/depth`
    <float32>[B, H, W, 1], up to a common scale. pose: `input/Placeholder` [B, H, W, 3], the target,
    and `input/Placeholder_1` [B, H, W, 3N], the sources, to `output/pose` <float32>[B, N, 6],
    target to source, radians.
    """
    run.require(init_ckpt_file='the checkpoint to export', output_dir='where the graph goes')
    net = run.mode[len('export_'):]
    path = os.path.join(os.path.abspath(run.output_dir), 'geonet_' + net)
    size = [run.export_batch, model.img_height, model.img_width]
    channels = [3] if net == 'depth' else [3, 3 * model.num_sources]
    with tf.Graph().as_default():
        with tf.name_scope('input'):
            inputs = [tf.placeholder(tf.uint8, size + [count], name='Placeholder')
                      for count in channels]
        output = (predict_depth(inputs[0], model)[0] if net == 'depth'
                  else predict_pose(inputs[0], inputs[1], model))
        output = tf.identity(output, name='output/' + net)
        with make_session(runtime) as session:
            checkpoints.restore(session, run.init_ckpt_file, tf.model_variables())
            export_graph(session, inputs, [output], path, run.soc_version, run.onnx)
