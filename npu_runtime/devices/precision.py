"""Mixed precision and loss scaling on every device."""
import contextlib
import typing

import tensorflow.compat.v1 as tf
from tensorflow.core.framework import attr_value_pb2


class Precision(typing.NamedTuple):
    """The precision in which a device computes."""
    words: str  # description for the log
    rewrite: typing.Optional[str]  # field of RewriterConfig that lowers the precision of a graph
    may_underflow: bool  # whether gradients may be too small for their dtype


class LossScaling(typing.NamedTuple):
    """Loss scaling of a training graph: the scale until `state` changes it.

    `state` has the variables by their keys in a checkpoint, which are the same on every device. It
    is empty if the scale is a constant.
    """
    initial_scale: float
    state: typing.Dict[str, tf.Variable]


_STATE_KEYS = {'current_loss_scale': 'loss_scale/scale', 'loss_scale': 'loss_scale/scale',
               'good_steps': 'loss_scale/good_steps', 'bad_steps': 'loss_scale/bad_steps'}


@contextlib.contextmanager
def kept_in_float32():
    """Context (or decorator) whose operations keep their dtype when an NPU lowers precision.

    Sets the same attribute in the same way as the plugin's own scope. TensorFlow has no public
    interface for it: public scopes (devices, gradient overrides) set other attributes, and the
    node_def of an operation is a copy. Other devices ignore it. Gradients do not inherit the
    attribute; float32_ops.json lists their operations.
    """
    keep = {'_keep_dtype': attr_value_pb2.AttrValue(i=1)}
    with tf.get_default_graph()._attr_scope(keep):  # pylint: disable=protected-access
        yield


def loss_scale_kind(device, config):
    """The meaning of `config.loss_scale` on `device`: 'off', 'dynamic' or 'fixed'.

    auto is dynamic if gradients may be too small for their dtype.
    """
    if config.loss_scale != 'auto':
        return config.loss_scale
    return 'dynamic' if device.own.precision(config).may_underflow else 'off'


def describe(device, config):
    """One line for the log: precision and loss scaling."""
    kind = loss_scale_kind(device, config)
    scaling = 'loss scaling %s' % kind
    if kind != 'off':
        scaling += ' from %g' % config.loss_scale_value
    return 'precision: %s, %s' % (device.own.precision(config).words, scaling)


def wrap_optimizer(optimizer, device, config, is_distributed):
    """Adds loss scaling to an optimizer: a step whose gradients overflow is skipped.

    A skipped step changes neither weights nor global step. `compute_gradients` returns unscaled
    gradients, so that clipping sees their true size.

    Args:
      optimizer: tf.train.Optimizer, which averages over the ranks if `is_distributed`.

    Returns:
      (optimizer, LossScaling), or (optimizer, None) if loss scaling is off.
    """
    kind = loss_scale_kind(device, config)
    if kind == 'off':
        return optimizer, None
    before = {variable.op.name for variable in tf.global_variables()}
    optimizer = device.own.scaled_optimizer(optimizer, kind, config, is_distributed)
    state = {_STATE_KEYS[variable.op.name.split('/')[-1]]: variable
             for variable in tf.global_variables() if variable.op.name not in before}
    return optimizer, LossScaling(config.loss_scale_value, state)


def scale_after(scaling, train_op):
    """The loss scale after the step `train_op`, which may change it: <float32>[]."""
    if not scaling.state:
        return tf.constant(scaling.initial_scale)
    with tf.control_dependencies([train_op]):
        return tf.identity(scaling.state['loss_scale/scale'].read_value())
