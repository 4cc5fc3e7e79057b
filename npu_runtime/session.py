"""Sessions and their configuration, whatever the device."""
import dataclasses

import tensorflow.compat.v1 as tf

from npu_runtime.devices import compilation
from npu_runtime.devices.choose import choose_device
from vo_common.console import log


def session_config(device, config, ranks=None):
    """The configuration of a session on `device`.

    Args:
      device: Device.
      config: RuntimeConfig.
      ranks: of `devices.ranks.connect`; None is a single process. Ranks of one host share its
        cores, and on GPUs each takes its own.

    Returns:
      tf.ConfigProto.

    Raises:
      UserError: options the device refuses, folders that cannot be made.
    """
    proto = tf.ConfigProto(
        allow_soft_placement=True, intra_op_parallelism_threads=config.intra_op_threads,
        inter_op_parallelism_threads=config.inter_op_threads)
    device.own.configure(proto, config, ranks)
    if compilation.choose_xla(device, config).on:
        compilation.ask_for_xla(proto, device)
    return proto


def make_session(config, graph=None):
    """A session for prediction on the device that `config` asks for.

    Args:
      config: RuntimeConfig.
      graph: tf.Graph; None takes the default graph.

    Returns:
      tf.Session, to be used in a `with` statement.
    """
    device = choose_device(config)
    log('device: %s (%s)' % device)
    # Loops are of training steps, and so is what is worth compiling.
    config = dataclasses.replace(config, iterations_per_loop=1, xla='off')
    return tf.Session(graph=graph, config=session_config(device, config))
