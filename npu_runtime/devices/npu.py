"""The Ascend NPU, through the TF Adapter's `npu_bridge`; defines the names of cpu.py.

Imports single submodules of the plugin, and only when they are needed, because its `npu_init`
replaces tf.Session for the whole process.
"""
import importlib
import inspect
import re

import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf import rewriter_config_pb2

from npu_runtime.devices import npu_options
from npu_runtime.devices.precision import Precision
from vo_common.errors import UserError
from vo_common.parallel import num_cores

SHARED = False  # a card belongs to one process
SHOWS_PROCESSES = 'npu-smi info'
REFUSED = re.compile(r'geop|\bge::|\bacl|\brt[A-Z]\w+|\bE[A-Z0-9]\d{4}\b|\btsd|ascend',
                     re.IGNORECASE)
_Rewrite = rewriter_config_pb2.RewriterConfig


def prepare_process():
    """Does nothing."""


def configure(proto, config, ranks):
    """As `cpu.configure`: names the plugin, and disables rewrites that would undo its work.

    Raises:
      UserError: the installed plugin lacks an option, a file or folder is missing, or there is a
        single thread although data are fetched on the device.
    """
    del ranks  # each rank sees its own card: ASCEND_DEVICE_ID
    if config.enable_data_pre_proc:
        # The plugin fetches batches in one thread of this pool and waits for them in another.
        if config.inter_op_threads == 1:
            raise UserError('--inter_op_threads=1: must be at least 2, or 0, with '
                            '--enable_data_pre_proc (a single thread never receives data)')
        proto.inter_op_parallelism_threads = config.inter_op_threads or max(2, num_cores())
    proto.graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.OFF
    rewrite = proto.graph_options.rewrite_options
    rewrite.remapping = _Rewrite.OFF
    # In this field, the number of OFF means MANUAL; NO_MEM_OPT disables it.
    rewrite.memory_optimization = _Rewrite.NO_MEM_OPT
    optimizer = rewrite.custom_optimizers.add()
    optimizer.name = 'NpuOptimizer'
    npu_options.fill(optimizer.parameter_map,
                     npu_options.for_plugin(config, _plugin_defaults()))


def _plugin_defaults():
    """dict, argument of the plugin's run configuration -> default; None if it has none.

    They identify the version, because every release calls itself 1.15.0.
    """
    try:
        module = importlib.import_module('npu_bridge.estimator.npu.npu_config')
        parameters = inspect.signature(module.NPURunConfig.__init__).parameters
    except (ImportError, AttributeError):
        return None
    return {name: parameter.default for name, parameter in parameters.items()}


def precision(config):
    """As `cpu.precision`: the mode of the plugin; 16 bits may underflow."""
    mode = npu_options.given_mode(config) or npu_options.DEFAULT_MODE
    return Precision(mode, None, mode in npu_options.MODES_OF_16_BITS)


def scaled_optimizer(optimizer, kind, config, is_distributed):
    """As `cpu.scaled_optimizer`."""
    from npu_bridge.estimator.npu import npu_loss_scale_manager as managers
    from npu_bridge.estimator.npu import npu_loss_scale_optimizer as optimizers
    if kind == 'fixed':
        manager = managers.FixedLossScaleManager(loss_scale=config.loss_scale_value)
    else:
        manager = managers.ExponentialUpdateLossScaleManager(
            init_loss_scale=config.loss_scale_value,
            incr_every_n_steps=config.loss_scale_growth_steps)
    return optimizers.NPULossScaleOptimizer(optimizer, manager, is_distributed=is_distributed)


def step_loop(train_op, config):
    """As `cpu.step_loop`; several steps run entirely on the device. Call it before the session.

    The plugin turns the step into a loop whose length is a variable on the device, so that it can
    change between calls without recompiling the graph. Steps that loss scaling skips do not advance
    the global step; the next call makes up for them.
    """
    if config.iterations_per_loop == 1:
        return train_op, 1, None
    from npu_bridge.estimator.npu import util
    length = util.IterationPerLoop()
    operation = length.create_iteration_per_loop_var(train_op)
    return operation, config.iterations_per_loop, length.load_iteration_per_loop_var


def fetched_images(images):
    """As `cpu.fetched_images`.

    A call with other fetches than the training call compiles another graph. If that graph contained
    the step, it would run a further step, with all-reduces that the other ranks do not join.
    Therefore each step stores its images in variables on the device, which a separate call reads.
    """
    kept, updates = {}, []
    with tf.variable_scope('kept_images'):
        for number, name in enumerate(images):
            first = images[name][:1]
            variable = tf.get_variable(
                'image_%d' % number, first.shape, first.dtype, tf.zeros_initializer(),
                trainable=False, collections=[tf.GraphKeys.LOCAL_VARIABLES])
            kept[name] = variable.value()
            updates.append(tf.assign(variable, first).op)
    return kept, updates
