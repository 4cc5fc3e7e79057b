"""`--mode=export`: inference graph and weights in one file, for offline conversion."""
import os

import tensorflow.compat.v1 as tf

from convlstm_vo import net
from npu_runtime import checkpoints
from npu_runtime.export import export_graph
from npu_runtime.session import make_session


def export(run, model, runtime):
    """Writes `<outputpath>/export/convlstm_vo.pb` and compares its outputs with the checkpoint's.

    Input: `input/Placeholder` <float32>[B, T, H, W, 6], pairs of BGR frames, each normalised as (x
    - mean(x)) / max(x). Output: `Wx_plus_b/xw_plus_b` <float32>[B * T, 6], metres and radians.
    """
    run.require(outputpath='the folder of the run')
    with tf.Graph().as_default() as graph:
        with tf.name_scope('input'):
            pairs = tf.placeholder(tf.float32, [
                run.export_batch, model.time_steps, model.img_height, model.img_width, 6],
                                   name='Placeholder')
        net.predict(pairs)
        motions = graph.get_tensor_by_name('Wx_plus_b/xw_plus_b:0')
        with make_session(runtime) as session:
            checkpoints.restore(session, run.checkpoint)
            export_graph(session, [pairs], [motions],
                         os.path.join(os.path.abspath(run.outputpath), 'export', 'convlstm_vo'),
                         run.soc_version, run.onnx)
