"""The flags of a device, under the name they had before they moved to `devices.flags`."""
from npu_runtime.devices.flags import DEVICES, LOSS_SCALES, RuntimeConfig  # noqa: F401
