"""Chooses the device of a program."""
import importlib
import importlib.util
import os
import typing

import tensorflow.compat.v1 as tf

from npu_runtime.devices import cpu, gpu, npu
from npu_runtime.failures import first_line
from vo_common.errors import UserError

_KINDS = {'cpu': cpu, 'gpu': gpu, 'npu': npu}


class Device(typing.NamedTuple):
    """The device: `kind` is 'npu', 'gpu' or 'cpu', `reason` a phrase for the log."""
    kind: str
    reason: str

    @property
    def own(self):
        """The module of this kind, cpu.py, gpu.py or npu.py; they define the same names."""
        return _KINDS[self.kind]


def choose_device(config):
    """The <Device> that `config`, a <RuntimeConfig>, requests.

    Raises:
      UserError: an NPU is requested but its plugin cannot be imported (TensorFlow alone would
        silently run on the CPU), or a GPU is requested but TensorFlow sees none.
    """
    if config.device == 'cpu':
        return Device('cpu', '--device=cpu')
    if config.device == 'gpu':
        if not _gpus():
            raise UserError('--device=gpu: must be cpu or auto here (TensorFlow sees no GPU)')
        return Device('gpu', '--device=gpu')
    obstacle = _plugin_obstacle()
    if config.device == 'npu':
        if obstacle:
            raise UserError('--device=npu: must be cpu or auto here, unless the environment of '
                            'the CANN toolkit is loaded (the Ascend plugin npu_bridge does not '
                            'import: %s)' % obstacle)
        return Device('npu', '--device=npu')
    if not obstacle:
        return Device('npu', 'npu_bridge imports')
    if _gpus():
        return Device('gpu', 'no NPU (%s), TensorFlow sees a GPU' % obstacle)
    return Device('cpu', 'no NPU (%s), no GPU' % obstacle)


def _plugin_obstacle():
    """Why the Ascend plugin cannot be used; empty if it can.

    The import registers the `NpuOptimizer` that the session configuration names. The plugin's
    module `npu_init` is not imported because it replaces `tf.Session` for the whole process.
    """
    try:
        importlib.import_module('npu_bridge')
    except Exception as error:  # missing libraries raise errors of any type
        return _library_obstacle() or '%s: %s' % (type(error).__name__, first_line(error))
    return ''


def _library_obstacle():
    """Why the plugin's library does not load; empty if it loads or does not exist.

    The plugin only prints this reason, and fails later on a name that the library defines.
    """
    package = importlib.util.find_spec('npu_bridge')
    for folder in package.submodule_search_locations or () if package else ():
        library = os.path.join(folder, '_tf_adapter.so')
        if os.path.exists(library):
            try:
                tf.load_op_library(library)
            except Exception as error:  # the type depends on the version of TensorFlow
                return 'its library %s: %s' % (library, first_line(error))
    return ''


def _gpus():
    return tf.config.experimental.list_physical_devices('GPU')
