"""The CPU. gpu.py and npu.py offer the same functions: `Device.own` is one of the three."""
from common.parallel import num_cores
from npu_runtime.devices.host_memory import keep_freed_memory
from npu_runtime.devices.tensorflow_devices import (  # noqa: F401  (part of what it offers)
    fetched_images, scaled_optimizer, step_loop)

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


def is_mixed(config):
    """Whether it computes partly in 16 bits: never."""
    del config
    return False


def precision_name(config):
    """The precision, in words for the log."""
    asked = config.precision_mode or config.precision_mode_v2
    if asked in _FLOAT32:
        return 'float32'
    return 'float32 (a CPU stays float32, %s has no effect)' % asked
