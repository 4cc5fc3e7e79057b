"""XLA: whether TensorFlow compiles the training step, and why."""
import collections
import os

import tensorflow.compat.v1 as tf

from vo_common.errors import UserError

_FLAGS, _CPU_FLAG = 'TF_XLA_FLAGS', '--tf_xla_cpu_global_jit'

Compilation = collections.namedtuple('Compilation', 'on reason')
Compilation.__doc__ = """Whether XLA compiles the step: `on` is a bool, `reason` a phrase."""


def choose_xla(device, config):
    """The meaning of `config.xla` on `device`: <Compilation>.

    auto never compiles: on a CPU oneDNN's convolutions are faster than XLA's, and no measurement
    on a GPU shows that the compilation pays.

    Args:
      device: Device.
      config: RuntimeConfig.

    Raises:
      UserError: --xla=on without a compiler.
    """
    if device.kind == 'npu':
        obstacle = 'an NPU compiles whole graphs itself'
    else:
        obstacle = '' if _is_built_with_xla() else (
            'this TensorFlow is built without XLA for training')
    if config.xla == 'on' and obstacle:
        raise UserError('--xla=on: must be auto or off here (%s)' % obstacle)
    if config.xla != 'auto':
        return Compilation(config.xla == 'on', '--xla=' + config.xla)
    return Compilation(False, obstacle or (
        "on a CPU TensorFlow's own kernels are faster" if device.kind == 'cpu' else
        '--xla=on compiles it; whether that pays on a GPU is not measured'))


def _is_built_with_xla():
    # TensorFlow 1.15 lacks the function, and compiled it draws other initial weights.
    return hasattr(tf.test, 'is_built_with_xla') and tf.test.is_built_with_xla()


def ask_for_xla(proto, device):
    """Makes sessions of `proto`, and on a CPU the whole process, compile what they can.

    Call it before the first session of the process, which is when TensorFlow reads its flags.
    """
    proto.graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.ON_1
    if device.kind == 'cpu' and _CPU_FLAG not in os.environ.get(_FLAGS, ''):
        os.environ[_FLAGS] = ('%s %s' % (os.environ.get(_FLAGS, ''), _CPU_FLAG)).strip()


def describe(device, config):
    """One line for the log."""
    compilation = choose_xla(device, config)
    return 'XLA: %s (%s)' % ('on' if compilation.on else 'off', compilation.reason)
