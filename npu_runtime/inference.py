"""Sessions for prediction, with the weights as constants of the graph."""
import tensorflow.compat.v1 as tf

from npu_runtime import checkpoints
from npu_runtime.export import freeze, host_session
from npu_runtime.session import make_session


def inference_session(config, graph, checkpoint, variables, outputs):
    """Returns a tf.Session that computes `outputs` with the weights of a checkpoint.

    Its graph is a copy of `graph` in which inputs and outputs keep their names and weights are
    constants. This lets TensorFlow fold batch norm into the convolution before it and store kernels
    in oneDNN's layout.

    Args:
      config: <RuntimeConfig>.
      graph: tf.Graph.
      checkpoint: prefix or folder.
      variables: list of variables to load, see `checkpoints.restore`.
      outputs: list of tensors of the graph.

    Raises:
      UserError: the checkpoint is missing or lacks a variable.
    """
    with host_session(graph) as session:
        checkpoints.restore(session, checkpoint, variables)
        graph_def = freeze(session, outputs)
    with tf.Graph().as_default() as frozen:
        tf.import_graph_def(graph_def, name='')
    return make_session(config, frozen)
