"""The GPU, driven by TensorFlow itself; offers what cpu.py and npu.py do."""
import re

from npu_runtime.devices import host_kernels
from npu_runtime.devices.tensorflow_devices import (  # noqa: F401  (part of what it offers)
    SHARED, fetched_images, scaled_optimizer, step_loop, switch_on)
from vo_common.errors import UserError

SHOWS_PROCESSES = 'nvidia-smi'
# What TensorFlow says where the card or its driver refuses.
REFUSED = re.compile(
    r'no blas support|no dnn|dnn library|cublas|cudnn|cusolver|cuda|cannot set a device|'
    r'gpu.{0,20}(lost|reset|sync failed)|illegal memory access|launch failed|ecc error',
    re.IGNORECASE)
_REWRITE = 'auto_mixed_precision'
# TensorFlow's rewrite makes float16 alone on a GPU.
_MIXED = ('allow_mix_precision', 'allow_mix_precision_fp16')
_FLOAT32 = ('force_fp32', 'must_keep_origin_dtype')


def prepare_process():
    """Sets what holds for the whole process: nothing."""


def configure(proto, config, ranks):
    """As `cpu.configure`; the ranks of a host take a card each.

    Raises:
      UserError: a precision that exists on an NPU only.
    """
    proto.gpu_options.allow_growth = True
    if ranks and ranks.local_rank is not None:
        proto.gpu_options.visible_device_list = str(ranks.local_rank)
    rewrite = graph_rewrite(config)
    if rewrite:
        host_kernels.keep_in_float32()
        switch_on(proto, rewrite)


def graph_rewrite(config):
    """As `cpu.graph_rewrite`.

    Raises:
      UserError: a precision that exists on an NPU only.
    """
    if config.precision_mode_v2 or config.precision_mode not in _MIXED + _FLOAT32 + ('',):
        name = 'precision_mode_v2' if config.precision_mode_v2 else 'precision_mode'
        raise UserError('--%s=%s: exists on an NPU only; on a GPU --precision_mode must be one of '
                        '%s' % (name, getattr(config, name), ', '.join(_MIXED + _FLOAT32)))
    return _REWRITE if config.precision_mode in _MIXED else None


def may_underflow(config):
    """Whether gradients may be too small for their type: in float16."""
    return graph_rewrite(config) is not None


def precision_name(config):
    """The precision, in words for the log."""
    if graph_rewrite(config):
        return 'float16 and float32, mixed by the graph rewrite of TensorFlow'
    return 'float32'
