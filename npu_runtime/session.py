"""Sessions on any device, for training and for prediction."""
import dataclasses

import tensorflow.compat.v1 as tf

from npu_runtime import checkpoints
from npu_runtime.devices.choose import choose_device
from npu_runtime.devices.compilation import ask_for_xla, uses_xla
from vo_common.console import log


def batch_iterator(dataset):
    """Returns an initializable iterator of a <tf.data.Dataset>, without tf.data's autotune.

    Autotune's thread sleeps up to a minute at a time, and closing the session waits for it.
    """
    options = tf.data.Options()
    if hasattr(options, 'autotune'):
        options.autotune.enabled = False
    else:  # TensorFlow 1.15
        options.experimental_optimization.autotune = False
    return tf.data.make_initializable_iterator(dataset.with_options(options))


def session_config(device, config, ranks=None):
    """Returns the tf.ConfigProto of a session on `device`.

    Args:
      ranks: as returned by `devices.ranks.connect`; None means a single process. Ranks on one host
        share its cores, and each takes its own GPU.

    Raises:
      UserError: the device does not support an option, or a folder cannot be made.
    """
    proto = tf.ConfigProto(
        allow_soft_placement=True, intra_op_parallelism_threads=config.intra_op_threads,
        inter_op_parallelism_threads=config.inter_op_threads)
    device.own.configure(proto, config, ranks)
    if uses_xla(device, config):
        ask_for_xla(proto, device)
    return proto


def make_session(config, graph=None):
    """Returns a tf.Session for prediction on the device of `config`; use it in a `with` block."""
    device = choose_device(config)
    log('device: %s (%s)' % device)
    # Several steps per call and XLA are for training only.
    config = dataclasses.replace(config, iterations_per_loop=1, xla='off')
    return tf.Session(graph=graph, config=session_config(device, config))


def inference_session(config, graph, checkpoint, outputs):
    """Returns a tf.Session that computes `outputs` with the weights of a checkpoint.

    Its graph is a copy of `graph` in which inputs and outputs keep their names and weights are
    constants. This lets TensorFlow fold batch norm into the convolution before it and store kernels
    in oneDNN's layout.

    Args:
      config: <RuntimeConfig>.
      graph: tf.Graph.
      checkpoint: prefix or folder.
      outputs: list of tensors of the graph.

    Raises:
      UserError: the checkpoint is missing or lacks a variable.
    """
    with host_session(graph) as session:
        checkpoints.restore(session, checkpoint)
        graph_def = freeze(session, outputs)
    with tf.Graph().as_default() as frozen:
        tf.import_graph_def(graph_def, name='')
    return make_session(config, frozen)


def freeze(session, outputs):
    """Returns the GraphDef that computes `outputs`, with variables as constants and no devices."""
    graph_def = tf.graph_util.convert_variables_to_constants(
        session, session.graph.as_graph_def(), [tensor.op.name for tensor in outputs])
    graph_def = tf.graph_util.remove_training_nodes(
        graph_def, protected_nodes=[tensor.op.name for tensor in outputs])
    for node in graph_def.node:
        node.device = ''
    return graph_def


def host_session(graph):
    """Returns a tf.Session on the CPU, for loading and freezing weights on any machine."""
    return tf.Session(graph=graph, config=tf.ConfigProto(device_count={'GPU': 0}))
