"""The CPU. gpu.py and npu.py define the same names; `Device.own` is one of the three modules."""
import ctypes
import os
import re
import sys

import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf import rewriter_config_pb2

from npu_runtime.devices import host_kernels, npu_options
from npu_runtime.devices.precision import Precision
from vo_common.console import log
from vo_common.parallel import num_cores

SHARED = True  # whether several processes can use the device at once
SHOWS_PROCESSES = ''  # command that lists the processes on the device
REFUSED = None  # pattern of errors from the driver; a CPU has none
# On a CPU, TensorFlow's graph rewrite supports only bfloat16.
_MIXED = ('allow_mix_precision', 'allow_mix_precision_bf16')
_FLOAT32 = ('', 'force_fp32', 'must_keep_origin_dtype', 'origin')
_SMALL_MEMORY = 4e9  # bytes
_CONTAINER_LIMITS = ('sys/fs/cgroup/memory.max', 'sys/fs/cgroup/memory/memory.limit_in_bytes')
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # parameters of mallopt, see malloc.h


def prepare_process():
    """Makes glibc's malloc keep the memory that TensorFlow frees. Call it before the first session.

    A training step allocates and frees gigabytes in large pieces. By default each piece is returned
    to the system, which clears it page by page on the next allocation: 10 to 20 % of the CPU time
    of a step with TensorFlow 1.15, 3 % with 2.21 (5.81 CPU seconds instead of 5.65). A single arena
    lets threads reuse each other's memory; there are few pieces, so they do not contend for it.
    Without glibc, malloc is unchanged. Also logs what to expect on a small machine.
    """
    memory, expected = usable_memory(), []
    if num_cores() == 1:
        expected.append('one core for this process: works, but slower than two')
    if 0 < memory < _SMALL_MEMORY:
        expected.append('%.1f GB of free memory: enough for small images and batches'
                        % (memory / 1e9))
    if expected:
        log('; '.join(expected))
    if not sys.platform.startswith('linux'):
        return
    try:
        mallopt = ctypes.CDLL('libc.so.6').mallopt
    except (OSError, AttributeError):
        return
    mallopt(_ARENA_MAX, 1)
    mallopt(_MMAP_THRESHOLD, 1 << 30)
    mallopt(_TRIM_THRESHOLD, (1 << 31) - 1)


def usable_memory(root='/'):
    """Bytes available to programs on this host, or the limit of the container if that is lower.

    Returns 0 if unknown. `root` is the folder that contains `proc` and `sys`.
    """
    def text(path):
        try:
            with open(os.path.join(root, path)) as stream:
                return stream.read()
        except OSError:
            return ''

    available = re.search(r'MemAvailable:\s*(\d+) kB', text('proc/meminfo'))
    if not available:
        return 0
    limits = [text(path).strip() for path in _CONTAINER_LIMITS]
    return min([int(available.group(1)) * 1024]
               + [int(limit) for limit in limits if limit.isdigit()])


def configure(proto, config, ranks):
    """Sets the fields of a tf.ConfigProto that this device needs.

    Args:
      proto: tf.ConfigProto.
      config: RuntimeConfig.
      ranks: as returned by `ranks.connect`; None for a single process. The ranks of a host share
        its cores.
    """
    proto.device_count['GPU'] = 0
    if not config.intra_op_threads and ranks and ranks.local_size > 1:
        proto.intra_op_parallelism_threads = max(1, num_cores() // ranks.local_size)
    lower_precision(proto, precision(config))


def lower_precision(proto, chosen):
    """Enables the graph rewrite of a <Precision>, if it has one, in a tf.ConfigProto."""
    if chosen.rewrite:
        host_kernels.keep_in_float32()
        setattr(proto.graph_options.rewrite_options, chosen.rewrite,
                rewriter_config_pb2.RewriterConfig.ON)


def precision(config):
    """The <Precision> that the flags choose; bfloat16 has float32's range and never underflows."""
    mode = npu_options.given_mode(config)
    if mode in _FLOAT32:
        return Precision('float32', None, False)
    obstacle = (host_kernels.bfloat16_obstacle() if mode in _MIXED else
                'the mixed modes of a CPU are %s' % ' and '.join(_MIXED))
    if obstacle:
        return Precision('float32 (%s has no effect: %s)' % (mode, obstacle), None, False)
    return Precision('bfloat16 and float32, mixed by the graph rewrite of TensorFlow',
                     host_kernels.BFLOAT16_REWRITE, False)


def step_loop(train_op, config):
    """The operation that a session call runs to make training steps, each of them `train_op`.

    Returns:
      (tf.Operation, maximum number of steps per call, function of the session and the number of
      steps in the following calls, which sets it; None if it is always 1).
    """
    if config.iterations_per_loop > 1:
        log('--iterations_per_loop=%d has no effect: only an NPU makes several steps in one call'
            % config.iterations_per_loop)
    return train_op, 1, None


def scaled_optimizer(optimizer, kind, config, is_distributed):
    """The optimizer with loss scaling; `kind` is 'dynamic' or 'fixed'."""
    del is_distributed
    # TensorFlow's FixedLossScale applies gradients that overflowed. A dynamic scale with a growth
    # factor of 1 stays fixed and skips them.
    loss_scale = tf.train.experimental.DynamicLossScale(
        initial_loss_scale=config.loss_scale_value,
        increment_period=config.loss_scale_growth_steps,
        multiplier=1. if kind == 'fixed' else 2.)
    return tf.train.experimental.MixedPrecisionLossScaleOptimizer(optimizer, loss_scale)


def fetched_images(images):
    """Images that a session call may fetch, and the operations each step must run for them.

    Args:
      images: dict, name -> [B, H, W, C].

    Returns:
      (dict, name -> [1, H, W, C] the first example, list of tf.Operation)
    """
    return {name: image[:1] for name, image in images.items()}, []
