"""The GPU, as TensorFlow supports it; defines the names of cpu.py."""
import re

from npu_runtime.devices import npu_options
# Names that this module shares with cpu.py and re-exports.
from npu_runtime.devices.cpu import (  # noqa: F401
    SHARED, fetched_images, lower_precision, scaled_optimizer, step_loop)
from npu_runtime.devices.precision import Precision
from vo_common.errors import UserError

SHOWS_PROCESSES = 'nvidia-smi'
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
    lower_precision(proto, precision(config))


def precision(config):
    """As `cpu.precision`; float16 may underflow.

    Raises:
      UserError: the requested precision exists only on an NPU.
    """
    mode_v2 = npu_options.parse(config).get('precision_mode_v2')
    if mode_v2 or config.precision_mode not in _MIXED + _FLOAT32 + ('',):
        given = ('npu_options=precision_mode_v2=%s' % mode_v2 if mode_v2
                 else 'precision_mode=' + config.precision_mode)
        raise UserError('--%s: must be omitted on a GPU, where --precision_mode must be one of %s'
                        % (given, ', '.join(_MIXED + _FLOAT32)))
    if config.precision_mode not in _MIXED:
        return Precision('float32', None, False)
    return Precision('float16 and float32, mixed by the graph rewrite of TensorFlow',
                     'auto_mixed_precision', True)
