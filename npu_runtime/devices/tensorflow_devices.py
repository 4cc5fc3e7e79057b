"""What CPU and GPU share: TensorFlow itself runs the step and scales the loss."""
import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf import rewriter_config_pb2

from vo_common.console import log

# Whether two processes can use the device at once.
SHARED = True


def switch_on(proto, rewrite):
    """Has sessions of a tf.ConfigProto run the graph rewrite of that name in RewriterConfig."""
    setattr(proto.graph_options.rewrite_options, rewrite, rewriter_config_pb2.RewriterConfig.ON)


class SingleSteps:
    """A training step a session call.

    Args:
      train_op: tf.Operation, one step.

    Attributes:
      operation: tf.Operation, what a session call runs.
    """

    def __init__(self, train_op):
        self.operation = train_op

    def until(self, step, last_step):
        """How many steps the call after global step `step` makes: 1, or 0 at the end."""
        return min(1, last_step - step)

    def set_steps(self, session, steps):
        """Nothing to tell the device: `steps` is 1."""


def step_loop(train_op, config, intervals):
    """What runs the step: <SingleSteps>, whatever `config.iterations_per_loop` says."""
    del intervals
    if config.iterations_per_loop > 1:
        log('--iterations_per_loop=%d has no effect: an NPU alone makes several steps in one call'
            % config.iterations_per_loop)
    return SingleSteps(train_op)


def scaled_optimizer(optimizer, kind, config, is_distributed):
    """(optimizer with loss scaling, <float32>[] the scale); `kind` is 'dynamic' or 'fixed'."""
    del is_distributed
    # TensorFlow's FixedLossScale would apply gradients that overflowed; a dynamic scale that
    # grows by a factor of 1 stays fixed and skips them.
    loss_scale = tf.train.experimental.DynamicLossScale(
        initial_loss_scale=config.loss_scale_value,
        increment_period=config.loss_scale_growth_steps,
        multiplier=1. if kind == 'fixed' else 2.)
    scaled = tf.train.experimental.MixedPrecisionLossScaleOptimizer(optimizer, loss_scale)
    return scaled, loss_scale()


def fetched_images(images):
    """Images that a session call may fetch, and what each step must run for it.

    Args:
      images: dict, name -> [B, H, W, C].

    Returns:
      (dict, name -> [1, H, W, C] the first example, to be fetched with the step, [])
    """
    return {name: image[:1] for name, image in images.items()}, []
