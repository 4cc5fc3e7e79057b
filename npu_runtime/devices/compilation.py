"""XLA: whether TensorFlow compiles the training step, and why."""
import collections
import os

import tensorflow.compat.v1 as tf

from vo_common.errors import UserError

_FLAGS, _CPU_FLAG = 'TF_XLA_FLAGS', '--tf_xla_cpu_global_jit'

Compilation = collections.namedtuple('Compilation', 'on reason')
Compilation.__doc__ = """Whether XLA compiles the step: `on` is a bool; `reason` says why."""


def choose_xla(device, config):
    """What `config.xla` means on `device`.

    auto compiles nowhere: on a CPU oneDNN's convolutions are faster than XLA's, and on a GPU no
    measurement shows that the compilation pays.

    Args:
      device: Device.
      config: RuntimeConfig.

    Returns:
      Compilation.

    Raises:
      UserError: --xla=on where there is no compiler.
    """
    if config.xla == 'off':
        return Compilation(False, '--xla=off')
    obstacle = _obstacle(device)
    if config.xla == 'on':
        if obstacle:
            raise UserError('--xla=on: must be auto or off here (%s)' % obstacle)
        return Compilation(True, '--xla=on')
    if obstacle:
        return Compilation(False, obstacle)
    if device.kind == 'cpu':
        return Compilation(False, "on a CPU TensorFlow's own kernels are faster")
    return Compilation(False, '--xla=on compiles it; whether that pays on a GPU is not measured')


def _obstacle(device):
    """Why XLA cannot compile for `device`; empty when it can."""
    if device.kind == 'npu':
        return 'an NPU compiles whole graphs itself'
    return '' if _is_built_with_xla() else 'this TensorFlow is built without XLA for training'


def _is_built_with_xla():
    # TensorFlow 1.15 does not say, and what it compiles draws other initial weights.
    return hasattr(tf.test, 'is_built_with_xla') and tf.test.is_built_with_xla()


def ask_for_xla(proto, device):
    """Makes sessions of `proto`, and on a CPU all of this process, compile what they can.

    Must come before the process's first session: TensorFlow reads its flags then.
    """
    proto.graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.ON_1
    if device.kind == 'cpu' and _CPU_FLAG not in os.environ.get(_FLAGS, ''):
        os.environ[_FLAGS] = ('%s %s' % (os.environ.get(_FLAGS, ''), _CPU_FLAG)).strip()


def describe(device, config):
    """One line for the log."""
    compilation = choose_xla(device, config)
    return 'XLA: %s (%s)' % ('on' if compilation.on else 'off', compilation.reason)
