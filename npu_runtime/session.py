"""Sessions and their configuration, whatever the device."""
import dataclasses

import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf import rewriter_config_pb2

from common.errors import UserError
from common.parallel import num_cores
from npu_runtime.devices import npu_options
from common.console import log
from npu_runtime.devices.choose import choose_device
from npu_runtime.devices.precision import uses_gpu_rewrite

_Rewrite = rewriter_config_pb2.RewriterConfig

if tf.executing_eagerly():
    # TensorFlow 2.x then builds the graphs that 1.15 builds: plain variables and conditionals.
    tf.disable_v2_behavior()


def session_config(device, config, ranks=None):
    """The configuration of a session on `device`.

    Args:
      device: Device.
      config: RuntimeConfig.
      ranks: of `distribution.connect`; None is a single process. Ranks of one host share its
        cores, and on GPUs each takes its own.

    Returns:
      tf.ConfigProto.

    Raises:
      UserError: options the device refuses, folders that cannot be made.
    """
    proto = tf.ConfigProto(
        allow_soft_placement=True,
        intra_op_parallelism_threads=_intra_op_threads(device, config, ranks),
        inter_op_parallelism_threads=config.inter_op_threads)
    if device.kind == 'npu':
        _ask_for_npu(proto, config)
    elif device.kind == 'gpu':
        proto.gpu_options.allow_growth = True
        if ranks and ranks.local_rank is not None:
            proto.gpu_options.visible_device_list = str(ranks.local_rank)
        if uses_gpu_rewrite(device, config):
            proto.graph_options.rewrite_options.auto_mixed_precision = _Rewrite.ON
    else:
        proto.device_count['GPU'] = 0
    return proto


def _intra_op_threads(device, config, ranks):
    """What the flag says; else 0, a thread for every core; a CPU rank gets its share of them."""
    if config.intra_op_threads or device.kind != 'cpu' or not ranks or ranks.local_size == 1:
        return config.intra_op_threads
    return max(1, num_cores() // ranks.local_size)


def _ask_for_npu(proto, config):
    """Names the plugin's graph optimizer, and stops those of TensorFlow that undo its work."""
    proto.graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.OFF
    rewrite = proto.graph_options.rewrite_options
    rewrite.remapping = _Rewrite.OFF
    # In this field OFF would mean "as annotated by hand"; off is called NO_MEM_OPT.
    rewrite.memory_optimization = _Rewrite.NO_MEM_OPT
    optimizer = rewrite.custom_optimizers.add()
    optimizer.name = 'NpuOptimizer'
    npu_options.fill(optimizer.parameter_map, npu_options.prepare_paths(config.npu_values()))


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
    config = dataclasses.replace(config, iterations_per_loop=1)  # loops are of training steps
    return tf.Session(graph=graph, config=session_config(device, config))


class TrainingSessionCreator(tf.train.SessionCreator):
    """Makes the one session of a training run, for tf.train.MonitoredSession.

    A lost session is not made anew behind the run's back: its data order would be lost too.

    Args:
      proto: tf.ConfigProto.
      initialise: function of the new session, called before its graph is finalized.
    """

    def __init__(self, proto, initialise):
        self._proto = proto
        self._initialise = initialise
        self._made = False

    def create_session(self):
        if self._made:
            raise UserError('the session was lost, most likely because another rank ended; the '
                            'same command goes on from the last checkpoint')
        self._made = True
        session = tf.Session(config=self._proto)
        self._initialise(session)
        session.graph.finalize()
        return session
