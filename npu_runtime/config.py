"""The flags of a device, under the name they had before they moved to `devices.flags`."""
from npu_runtime.devices.flags import (  # noqa: F401
    DEVICES, LOSS_SCALES, XLA_MODES, RuntimeConfig)
