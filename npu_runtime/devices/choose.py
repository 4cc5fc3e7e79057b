"""Which device a program runs on, and why."""
import collections
import ctypes
import importlib

from common.errors import UserError

Device = collections.namedtuple('Device', 'kind reason')
Device.__doc__ = """Where to run: `kind` is 'npu', 'gpu' or 'cpu'; `reason` says why, in words."""


def choose_device(config):
    """The device that `config.device` asks for.

    Args:
      config: RuntimeConfig.

    Returns:
      Device.

    Raises:
      UserError: the NPU is asked for and its plugin does not import (TensorFlow alone would run
        on the CPU and say nothing), or the GPU and TensorFlow sees none.
    """
    if config.device == 'cpu':
        return Device('cpu', '--device=cpu')
    if config.device == 'gpu':
        if not _gpus():
            raise UserError('--device=gpu, but TensorFlow sees no GPU here; '
                            '--device=auto takes what is there')
        return Device('gpu', '--device=gpu')
    obstacle = _plugin_obstacle()
    if config.device == 'npu':
        if obstacle:
            raise UserError('--device=npu, but the Ascend plugin npu_bridge does not import (%s); '
                            'load the environment of the CANN toolkit, or use --device=auto'
                            % obstacle)
        return Device('npu', '--device=npu')
    if not obstacle:
        return Device('npu', 'npu_bridge imports')
    if _gpus():
        return Device('gpu', 'no NPU (%s), TensorFlow sees a GPU' % obstacle)
    return Device('cpu', 'no NPU (%s), no GPU' % obstacle)


def _plugin_obstacle():
    """Why the Ascend plugin cannot be used; empty when it can.

    Importing it is what registers the `NpuOptimizer` that a session's configuration names. Only
    the package itself: its module `npu_init` would replace `tf.Session` for the whole process.
    """
    try:
        importlib.import_module('npu_bridge')
    except Exception as error:  # a plugin whose libraries are missing raises errors of any kind
        return '%s: %s' % (type(error).__name__, str(error).split('\n')[0])
    return ''


def _gpus():
    import tensorflow.compat.v1 as tf
    try:
        ctypes.CDLL('libcuda.so.1')
    except OSError:
        # Without NVIDIA's driver TensorFlow would find none either, and report that as an error.
        if not tf.test.is_built_with_rocm():
            return []
    return tf.config.experimental.list_physical_devices('GPU')
