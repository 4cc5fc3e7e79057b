"""Mixed precision by one flag on every device, and the loss scaling that it needs."""
import collections

import tensorflow.compat.v1 as tf

from common.errors import UserError
from npu_runtime.devices import host_kernels, npu_options

_GPU_REWRITE = 'auto_mixed_precision'
# TensorFlow's rewrite makes float16 alone on a GPU and bfloat16 alone on a CPU.
_GPU_MIXED = ('allow_mix_precision', 'allow_mix_precision_fp16')
_CPU_MIXED = ('allow_mix_precision', 'allow_mix_precision_bf16')
_FLOAT32 = ('', 'force_fp32', 'must_keep_origin_dtype')

LossScaling = collections.namedtuple('LossScaling', 'kind scale state')
LossScaling.__doc__ = """Loss scaling of a training graph.

kind: 'dynamic' or 'fixed'. scale: float32 scalar tensor. state: dict, key in a checkpoint ->
variable; the keys are the same on every device.
"""

_STATE_KEYS = collections.OrderedDict([
    ('current_loss_scale', 'loss_scale/scale'), ('loss_scale', 'loss_scale/scale'),
    ('good_steps', 'loss_scale/good_steps'), ('bad_steps', 'loss_scale/bad_steps')])


def graph_rewrite(device, config):
    """The field of RewriterConfig by which TensorFlow itself lowers the precision of a graph.

    Returns:
      'auto_mixed_precision' (float16, on a GPU), host_kernels.BFLOAT16_REWRITE (on a CPU that has
      bfloat16), or None: the graph stays as it is.

    Raises:
      UserError: the device is a GPU and the mode asked for exists on an NPU only.
    """
    if device.kind == 'gpu':
        _check_on_gpu(config)
        return _GPU_REWRITE if config.precision_mode in _GPU_MIXED else None
    if device.kind == 'cpu' and config.precision_mode in _CPU_MIXED:
        return None if host_kernels.bfloat16_obstacle() else host_kernels.BFLOAT16_REWRITE
    return None


def _check_on_gpu(config):
    if config.precision_mode_v2 or config.precision_mode not in _GPU_MIXED + _FLOAT32:
        flag = 'precision_mode_v2' if config.precision_mode_v2 else 'precision_mode'
        raise UserError('--%s=%s: exists on an NPU only; on a GPU --precision_mode must be one of '
                        '%s' % (flag, getattr(config, flag),
                                ', '.join(_GPU_MIXED + _FLOAT32[1:])))


def loss_scale_kind(device, config):
    """'off', 'dynamic' or 'fixed': what `config.loss_scale` means on `device`.

    By itself it is dynamic where gradients may be too small for their type: on an NPU in mixed
    precision, and on a GPU in float16. bfloat16 on a CPU has float32's exponents.
    """
    if config.loss_scale != 'auto':
        return config.loss_scale
    if device.kind == 'npu':
        may_underflow = npu_options.is_mixed(config.npu_values())
    else:
        may_underflow = graph_rewrite(device, config) == _GPU_REWRITE
    return 'dynamic' if may_underflow else 'off'


def describe(device, config):
    """One line for the log: precision and loss scaling, and why."""
    kind = loss_scale_kind(device, config)
    scaling = 'loss scaling %s' % kind
    if kind != 'off':
        scaling += ' from %g' % config.loss_scale_value
    return 'precision: %s, %s' % (_precision(device, config), scaling)


def _precision(device, config):
    if device.kind == 'npu':
        values = config.npu_values()
        return values.get('precision_mode') or values.get('precision_mode_v2')
    rewrite = graph_rewrite(device, config)
    if rewrite:
        return '%s and float32, mixed by the graph rewrite of TensorFlow' % (
            'float16' if rewrite == _GPU_REWRITE else 'bfloat16')
    asked = config.precision_mode or config.precision_mode_v2
    if asked in _FLOAT32 + ('origin',):
        return 'float32'
    reason = (host_kernels.bfloat16_obstacle() if asked in _CPU_MIXED else
              'on a CPU --precision_mode has %s' % ' and '.join(_CPU_MIXED))
    return 'float32 (%s has no effect: %s)' % (asked, reason)


def wrap_optimizer(optimizer, device, config, is_distributed):
    """Adds loss scaling to an optimizer: a step whose gradients overflow is skipped.

    A skipped step changes neither weights nor global step. Gradients come back unscaled from
    `compute_gradients`, so that clipping sees their true size.

    Args:
      optimizer: tf.train.Optimizer, already averaging over the ranks if there are several.
      device: Device.
      config: RuntimeConfig.
      is_distributed: whether there are several ranks.

    Returns:
      (optimizer, LossScaling), or (optimizer, None) when loss scaling is off.
    """
    kind = loss_scale_kind(device, config)
    if kind == 'off':
        return optimizer, None
    before = {variable.op.name for variable in tf.global_variables()}
    if device.kind == 'npu':
        optimizer, scale = _npu_scaling(optimizer, kind, config, is_distributed)
    else:
        optimizer, scale = _tensorflow_scaling(optimizer, kind, config)
    state = collections.OrderedDict()
    for variable in tf.global_variables():
        if variable.op.name not in before:
            state[_STATE_KEYS[variable.op.name.split('/')[-1]]] = variable
    return optimizer, LossScaling(kind, scale, state)


def _npu_scaling(optimizer, kind, config, is_distributed):
    from npu_bridge.estimator.npu import npu_loss_scale_manager as managers
    from npu_bridge.estimator.npu import npu_loss_scale_optimizer as optimizers
    if kind == 'fixed':
        manager = managers.FixedLossScaleManager(loss_scale=config.loss_scale_value)
    else:
        manager = managers.ExponentialUpdateLossScaleManager(
            init_loss_scale=config.loss_scale_value,
            incr_every_n_steps=config.loss_scale_growth_steps)
    scaled = optimizers.NPULossScaleOptimizer(optimizer, manager, is_distributed=is_distributed)
    return scaled, tf.identity(manager.get_loss_scale())


def _tensorflow_scaling(optimizer, kind, config):
    # TensorFlow's FixedLossScale would apply gradients that overflowed; a dynamic scale that
    # grows by a factor of 1 stays fixed and skips them.
    loss_scale = tf.train.experimental.DynamicLossScale(
        initial_loss_scale=config.loss_scale_value,
        increment_period=config.loss_scale_growth_steps,
        multiplier=1. if kind == 'fixed' else 2.)
    scaled = tf.train.experimental.MixedPrecisionLossScaleOptimizer(optimizer, loss_scale)
    return scaled, loss_scale()
