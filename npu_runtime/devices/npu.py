"""The Ascend NPU, driven by the TF Adapter's `npu_bridge`; offers what cpu.py and gpu.py do.

Only submodules of the plugin are imported, and only when they are needed: its `npu_init` replaces
tf.Session for the whole process.
"""
import importlib
import inspect
import re

import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf import rewriter_config_pb2

from npu_runtime.devices import npu_options
from npu_runtime.devices.tensorflow_devices import SingleSteps
from vo_common.errors import UserError
from vo_common.parallel import num_cores

SHARED = False  # a card belongs to one process
SHOWS_PROCESSES = 'npu-smi info'
REFUSED = re.compile(r'geop|\bge::|\bacl|\brt[A-Z]\w+|\bE[A-Z0-9]\d{4}\b|\btsd|ascend',
                     re.IGNORECASE)
_Rewrite = rewriter_config_pb2.RewriterConfig


def prepare_process():
    """Sets what holds for the whole process: nothing."""


def configure(proto, config, ranks):
    """As `cpu.configure`: names the plugin, and stops the rewrites that would undo its work.

    Raises:
      UserError: options that the installed plugin lacks, files and folders that are not there, one
        thread alone for data that are fetched on the device.
    """
    del ranks  # each rank sees its own card: ASCEND_DEVICE_ID
    if config.enable_data_pre_proc:
        # The plugin fetches batches in a thread of this pool and waits for them in another.
        if config.inter_op_threads == 1:
            raise UserError('--inter_op_threads=1: must be at least 2, or 0, with '
                            '--enable_data_pre_proc (one thread would wait for data for ever)')
        proto.inter_op_parallelism_threads = config.inter_op_threads or max(2, num_cores())
    proto.graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.OFF
    rewrite = proto.graph_options.rewrite_options
    rewrite.remapping = _Rewrite.OFF
    # In this field OFF would mean "as annotated by hand"; off is called NO_MEM_OPT.
    rewrite.memory_optimization = _Rewrite.NO_MEM_OPT
    optimizer = rewrite.custom_optimizers.add()
    optimizer.name = 'NpuOptimizer'
    values = npu_options.fit_to_plugin(npu_options.values_of(config), _plugin_defaults())
    npu_options.fill(optimizer.parameter_map, npu_options.prepare_paths(values))


def _plugin_defaults():
    """dict: argument of the plugin's run configuration -> its default; None if it has none.

    The plugin tells its version nowhere else: every release calls itself 1.15.0.
    """
    try:
        module = importlib.import_module('npu_bridge.estimator.npu.npu_config')
        parameters = inspect.signature(module.NPURunConfig.__init__).parameters
    except (ImportError, AttributeError):
        return None
    return {name: parameter.default for name, parameter in parameters.items()}


def may_underflow(config):
    """Whether gradients may be too small for their type: where it computes partly in 16 bits."""
    return npu_options.is_mixed(npu_options.values_of(config))


def precision_name(config):
    """The precision, in words for the log."""
    values = npu_options.values_of(config)
    return values.get('precision_mode') or values.get('precision_mode_v2')


def scaled_optimizer(optimizer, kind, config, is_distributed):
    """(optimizer with loss scaling, <float32>[] the scale); `kind` is 'dynamic' or 'fixed'."""
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


class SunkSteps:
    """Several training steps in one session call, on the device alone; make it before the session.

    The plugin turns the step into a loop whose length is a variable of the device: it may change
    from call to call, and the graph is compiled once. Steps that loss scaling skips do not count,
    so that a call advances the global step by as many or fewer, and the next one makes up for it.

    Args:
      train_op: tf.Operation, one step.
      most_steps: how many steps one call may make.
      intervals: list of int, steps between two log lines, checkpoints and so on, each of which
        must fall on its step; 0 is never.

    Attributes:
      operation: tf.Operation, what a session call runs.
    """

    def __init__(self, train_op, most_steps, intervals):
        from npu_bridge.estimator.npu import util
        self._most_steps = most_steps
        self._intervals = [interval for interval in intervals if interval > 0]
        self._length = util.IterationPerLoop()
        self._steps = None
        self.operation = self._length.create_iteration_per_loop_var(train_op)

    def until(self, step, last_step):
        """How many steps the call after global step `step` makes: to what is due next at most."""
        due = [interval - step % interval for interval in self._intervals]
        return min([self._most_steps, last_step - step] + due)

    def set_steps(self, session, steps):
        """Makes the calls that follow take `steps` steps each."""
        if steps != self._steps:
            self._length.load_iteration_per_loop_var(session, steps)
            self._steps = steps


def step_loop(train_op, config, intervals):
    """What runs the step: <SunkSteps> where `config` asks for several in a call, <SingleSteps>."""
    if config.iterations_per_loop == 1:
        return SingleSteps(train_op)
    return SunkSteps(train_op, config.iterations_per_loop, intervals)


def fetched_images(images):
    """Images that a session call may fetch, and what each step must run for it.

    A call with other fetches than the training call's compiles another graph; if it reaches the
    step, that is the whole step once more with its all-reduces, which the other ranks do not run.
    So each step keeps its images in variables of the device, which a call of its own reads.

    Args:
      images: dict, name -> [B, H, W, C].

    Returns:
      (dict, name -> [1, H, W, C] the first example, list of operations for each step)
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
