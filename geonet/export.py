"""`--mode=export_depth`, `--mode=export_pose`: inference graphs with their weights in one file."""
import os

import tensorflow.compat.v1 as tf

from geonet.model import predict_depth, predict_pose
from npu_runtime.export import export_graph


def export_depth(run, model, runtime):
    """Writes `<output_dir>/geonet_depth.pb` and compares its output with the checkpoint's.

    `input/Placeholder` <uint8>[B, H, W, 3], RGB, to `output/depth` <float32>[B, H, W, 1], up to a
    common scale.
    """
    _export('depth', lambda target: predict_depth(target, model)[0], [3], run, model, runtime)


def export_pose(run, model, runtime):
    """Writes `<output_dir>/geonet_pose.pb` and compares its output with the checkpoint's.

    `input/Placeholder` <uint8>[B, H, W, 3], the target, and `input/Placeholder_1`
    <uint8>[B, H, W, 3N], the sources, to `output/pose` <float32>[B, N, 6], target to source,
    radians.
    """
    _export('pose', lambda target, sources: predict_pose(target, sources, model),
            [3, 3 * model.num_sources], run, model, runtime)


def _export(net, predict, channels, run, model, runtime):
    run.require(init_ckpt_file='the checkpoint to export', output_dir='the folder for the graph')
    size = [run.export_batch, model.img_height, model.img_width]
    export_graph(lambda *inputs: tf.identity(predict(*inputs), name='output/' + net),
                 [(tf.uint8, size + [count]) for count in channels], run.init_ckpt_file,
                 os.path.join(run.output_dir, 'geonet_' + net), run, runtime)
