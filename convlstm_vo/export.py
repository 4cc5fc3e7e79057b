"""`--mode=export`: inference graph and weights in one file, for offline conversion."""
import os

import tensorflow.compat.v1 as tf

from convlstm_vo import net
from npu_runtime.export import export_graph


def export(run, model, runtime):
    """Writes `<outputpath>/export/convlstm_vo.pb` and compares its output with the checkpoint's.

    Input: `input/Placeholder` <float32>[B, T, H, W, 6], pairs of BGR frames, each normalised as (x
    - mean(x)) / max(x). Output: `Wx_plus_b/xw_plus_b` <float32>[B * T, 6], metres and radians.
    """
    run.require(outputpath='the folder of the run')

    def build(pairs):
        net.predict(pairs)
        return tf.get_default_graph().get_tensor_by_name('Wx_plus_b/xw_plus_b:0')

    shape = [run.export_batch, model.time_steps, model.img_height, model.img_width, 6]
    export_graph(build, [(tf.float32, shape)], run.checkpoint,
                 os.path.join(run.outputpath, 'export', 'convlstm_vo'), run, runtime)
