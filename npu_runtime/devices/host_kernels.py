"""TensorFlow's kernels on this host's CPU, oneDNN's or Eigen's, and what they support.

CPU seconds per step of train_rigid, resnet50, batch 4, 128x416, two cores. The columns of a row
were measured in alternation, the rows in different runs and with different weights:

    kernels                             TensorFlow's gradients of convolutions    host_gradients
    Eigen, TensorFlow 1.15.0                            15.3                           11.4
    oneDNN, TensorFlow 2.21.0, those for Eigen           6.6                            8.1
    the same in bfloat16, those for oneDNN               3.8                            3.4
"""
import os
import re
import sys

import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf import rewriter_config_pb2

from npu_runtime.devices.processor import cpu_instructions

BFLOAT16_REWRITE = 'auto_mixed_precision_onednn_bfloat16'
# Operations of losses and geometry stay in float32, as in float32_ops.json for an NPU. The
# variances of SSIM are differences of nearly equal numbers: with 8 bits they become 0 or negative,
# and the loss becomes NaN at step 2. TensorFlow's rewrites have no attribute for single operations.
FLOAT32_OPS = ('Abs', 'AvgPool', 'AvgPoolGrad', 'Cos', 'Div', 'Exp', 'Floor', 'GatherV2', 'Inv',
               'Maximum', 'Mean', 'Minimum', 'Mul', 'Neg', 'RealDiv', 'Reciprocal', 'Rsqrt',
               'RsqrtGrad', 'Sigmoid', 'SigmoidGrad', 'Sign', 'Sin', 'Sqrt', 'SqrtGrad', 'Square',
               'SquaredDifference', 'Sub', 'Sum')
_REWRITE_LISTS = 'TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_%s'
# BLACKLIST_ADD and GRAYLIST_REMOVE are the names in TensorFlow 1.15.
_CHANGES = ('INFERLIST_REMOVE', 'CLEARLIST_REMOVE', 'DENYLIST_ADD', 'GRAYLIST_REMOVE',
            'BLACKLIST_ADD')
_ONEDNN_SINCE = (2, 9)
_BFLOAT16_INSTRUCTIONS = frozenset(['avx512_bf16', 'amx_bf16'])


def uses_onednn():
    """Whether TensorFlow computes with oneDNN, according to TF_ENABLE_ONEDNN_OPTS.

    `engine.start_tensorflow` sets it on every CPU on which oneDNN is faster.
    """
    version = tuple(int(number) for number in re.findall(r'\d+', tf.__version__)[:2])
    if version < _ONEDNN_SINCE or not sys.platform.startswith('linux'):
        return False
    return os.environ.get('TF_ENABLE_ONEDNN_OPTS', '').lower() in ('1', 'true')


def bfloat16_obstacle():
    """Why this CPU cannot compute in bfloat16; empty if it can."""
    if BFLOAT16_REWRITE not in rewriter_config_pb2.RewriterConfig.DESCRIPTOR.fields_by_name:
        return 'TensorFlow %s has no bfloat16 rewrite for a CPU' % tf.__version__
    if not cpu_instructions() & _BFLOAT16_INSTRUCTIONS:
        return 'this CPU has neither AVX512_BF16 nor AMX'
    if not uses_onednn():
        return 'oneDNN is switched off by TF_ENABLE_ONEDNN_OPTS'
    return ''


def keep_in_float32():
    """Sets the operations that TensorFlow's graph rewrites keep in float32, unless the user did."""
    for change in _CHANGES:
        os.environ.setdefault(_REWRITE_LISTS % change, ','.join(FLOAT32_OPS))
