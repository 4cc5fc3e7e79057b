"""The GPU, driven by TensorFlow itself; offers what cpu.py and npu.py do."""
from tensorflow.core.protobuf import rewriter_config_pb2

from common.errors import UserError
from npu_runtime.devices.tensorflow_devices import (  # noqa: F401  (part of what it offers)
    fetched_images, scaled_optimizer, step_loop)

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
    if is_mixed(config):
        rewrite = proto.graph_options.rewrite_options
        rewrite.auto_mixed_precision = rewriter_config_pb2.RewriterConfig.ON


def is_mixed(config):
    """Whether TensorFlow's own rewrite to mixed precision runs; raises as `configure`."""
    if config.precision_mode_v2:
        raise UserError('--precision_mode_v2=%s: must be left out on a GPU, where '
                        '--precision_mode is one of %s'
                        % (config.precision_mode_v2, ', '.join(_MIXED + _FLOAT32)))
    if config.precision_mode not in _MIXED + _FLOAT32 + ('',):
        raise UserError('--precision_mode=%s: must be one of %s on a GPU'
                        % (config.precision_mode, ', '.join(_MIXED + _FLOAT32)))
    return config.precision_mode in _MIXED


def precision_name(config):
    """The precision, in words for the log."""
    return 'mixed by the graph rewrite of TensorFlow' if is_mixed(config) else 'float32'
