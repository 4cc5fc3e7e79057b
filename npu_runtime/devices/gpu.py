"""The GPU, as TensorFlow supports it; defines the names of cpu.py."""
import re

from npu_runtime.devices import cpu, npu_options
from npu_runtime.devices.precision import Precision
from vo_common.errors import UserError

SHARED, SHOWS_PROCESSES = True, 'nvidia-smi'
fetched_images, scaled_optimizer, step_loop = (
    cpu.fetched_images, cpu.scaled_optimizer, cpu.step_loop)
# Errors that TensorFlow reports if the card or its driver fails.
REFUSED = re.compile(
    r'no blas support|no dnn|dnn library|cublas|cudnn|cusolver|cuda|cannot set a device|'
    r'gpu.{0,20}(lost|reset|sync failed)|illegal memory access|launch failed|ecc error',
    re.IGNORECASE)
# On a GPU, TensorFlow's graph rewrite supports only float16.
_MIXED = ('allow_mix_precision', 'allow_mix_precision_fp16')
_FLOAT32 = ('force_fp32', 'must_keep_origin_dtype')


def prepare_process():
    """Does nothing."""


def configure(proto, config, ranks):
    """As `cpu.configure`; each rank of a host uses its own card.

    Raises:
      UserError: the requested precision exists only on an NPU.
    """
    proto.gpu_options.allow_growth = True
    if ranks and ranks.local_rank is not None:
        proto.gpu_options.visible_device_list = str(ranks.local_rank)
    cpu.lower_precision(proto, precision(config))


def precision(config):
    """As `cpu.precision`; float16 may underflow.

    Raises:
      UserError: the requested precision exists only on an NPU.
    """
    mode = npu_options.given_mode(config)
    if mode not in _MIXED + _FLOAT32 + ('',):
        flag = 'precision_mode' if config.precision_mode else 'npu_options=precision_mode_v2'
        raise UserError('--%s=%s: must be omitted on a GPU, where --precision_mode must be one of '
                        '%s' % (flag, mode, ', '.join(_MIXED + _FLOAT32)))
    if mode not in _MIXED:
        return Precision('float32', None, False)
    return Precision('float16 and float32, mixed by the graph rewrite of TensorFlow',
                     'auto_mixed_precision', True)
