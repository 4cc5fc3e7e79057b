"""Installs the stand-in plugin for a block."""
import contextlib
import importlib
import os
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'fake_npu')


@contextlib.contextmanager
def installed(version='r1.13', overflows=True, inf_nan=False):
    """Within the block `import npu_bridge` finds the stand-in; gives its record.

    Sessions whose configuration names the plugin run on its emulated device.

    Args:
      version: of the plugin for which it stands.
      overflows: whether its float status is emulated, by operations that the plugin lacks.
      inf_nan: whether the device computes with infinities instead of saturating.
    """
    sys.path.insert(0, FOLDER)
    record = importlib.import_module('npu_bridge.record')
    record.version, record.overflows, record.inf_nan = version, overflows, inf_nan
    device = importlib.import_module('npu_bridge.device')
    device.attach()
    try:
        yield record
    finally:
        device.detach()
        sys.path.remove(FOLDER)
        for name in [name for name in sys.modules if name.split('.')[0] == 'npu_bridge']:
            del sys.modules[name]
