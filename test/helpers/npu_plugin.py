"""Putting the stand-in plugin on the path, and taking it off again."""
import contextlib
import importlib
import os
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'fake_npu')


@contextlib.contextmanager
def installed(version='r1.13', overflows=True):
    """Within the block `import npu_bridge` finds the stand-in; gives its record.

    Sessions whose configuration names the plugin run on its emulated device.

    Args:
      version: of the plugin for which it stands.
      overflows: whether its float status is emulated, by operations that the plugin has not.
    """
    sys.path.insert(0, FOLDER)
    device = None
    try:
        record = importlib.import_module('npu_bridge.record')
        record.version, record.overflows = version, overflows
        record.clear()
        device = importlib.import_module('npu_bridge.device')
        device.attach()
        yield record
    finally:
        if device:
            device.detach()
        sys.path.remove(FOLDER)
        for name in [name for name in sys.modules if name.split('.')[0] == 'npu_bridge']:
            del sys.modules[name]
