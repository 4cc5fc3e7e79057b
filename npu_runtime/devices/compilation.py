"""Compilation of the training step with XLA, on request."""
import os

import tensorflow.compat.v1 as tf

from vo_common.errors import UserError

_FLAGS, _CPU_FLAG = 'TF_XLA_FLAGS', '--tf_xla_cpu_global_jit'


def uses_xla(device, config):
    """Whether XLA compiles the training step on `device`.

    `--xla=auto` means off: on a CPU, oneDNN's convolutions are faster than XLA's, and on a GPU no
    measurement has shown a benefit.

    Raises:
      UserError: --xla=on is given, but this TensorFlow or device has no XLA.
    """
    if config.xla != 'on':
        return False
    if device.kind == 'npu':
        raise UserError('--xla=on: must be auto or off here (an NPU compiles whole graphs itself)')
    if not _is_built_with_xla():
        raise UserError('--xla=on: must be auto or off here (this TensorFlow is built without XLA '
                        'for training)')
    return True


def _is_built_with_xla():
    # TensorFlow 1.15 lacks the function; its XLA would also draw different initial weights.
    return hasattr(tf.test, 'is_built_with_xla') and tf.test.is_built_with_xla()


def ask_for_xla(proto, device):
    """Enables XLA for sessions of `proto`, and on a CPU for the whole process.

    Call it before the first session of the process, when TensorFlow reads its flags.
    """
    proto.graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.ON_1
    if device.kind == 'cpu' and _CPU_FLAG not in os.environ.get(_FLAGS, ''):
        os.environ[_FLAGS] = ('%s %s' % (os.environ.get(_FLAGS, ''), _CPU_FLAG)).strip()
