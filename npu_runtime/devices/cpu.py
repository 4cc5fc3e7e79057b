"""The CPU. gpu.py and npu.py offer the same names: `Device.own` is one of the three."""
from npu_runtime.devices import host_kernels
from npu_runtime.devices.host_memory import keep_freed_memory
from npu_runtime.devices.tensorflow_devices import (  # noqa: F401  (part of what it offers)
    SHARED, fetched_images, scaled_optimizer, step_loop, switch_on)
from vo_common.parallel import num_cores

SHOWS_PROCESSES = ''  # the command that tells which processes use the device
REFUSED = None  # no driver stands between
# TensorFlow's rewrite makes bfloat16 alone on a CPU.
_MIXED = ('allow_mix_precision', 'allow_mix_precision_bf16')
_FLOAT32 = ('', 'force_fp32', 'must_keep_origin_dtype', 'origin')


def prepare_process():
    """Sets what holds for the whole process, before its first session."""
    keep_freed_memory()


def configure(proto, config, ranks):
    """Writes into a tf.ConfigProto what this device needs.

    Args:
      proto: tf.ConfigProto.
      config: RuntimeConfig.
      ranks: of `ranks.connect`; None is a single process. The ranks of a host share its cores.
    """
    proto.device_count['GPU'] = 0
    if not config.intra_op_threads and ranks and ranks.local_size > 1:
        proto.intra_op_parallelism_threads = max(1, num_cores() // ranks.local_size)
    rewrite = graph_rewrite(config)
    if rewrite:
        host_kernels.keep_in_float32()
        switch_on(proto, rewrite)


def graph_rewrite(config):
    """The field of RewriterConfig by which TensorFlow lowers the precision of a graph, or None."""
    if config.precision_mode not in _MIXED or host_kernels.bfloat16_obstacle():
        return None
    return host_kernels.BFLOAT16_REWRITE


def may_underflow(config):
    """Whether gradients may be too small for their type: no, bfloat16 is as wide as float32."""
    del config
    return False


def precision_name(config):
    """The precision, in words for the log."""
    if graph_rewrite(config):
        return 'bfloat16 and float32, mixed by the graph rewrite of TensorFlow'
    asked = config.precision_mode or config.precision_mode_v2
    if asked in _FLOAT32:
        return 'float32'
    reason = (host_kernels.bfloat16_obstacle() if asked in _MIXED else
              'on a CPU --precision_mode has %s' % ' and '.join(_MIXED))
    return 'float32 (%s has no effect: %s)' % (asked, reason)
