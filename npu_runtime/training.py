"""The one training loop, for every model and device."""
import collections
import dataclasses
import typing

import tensorflow.compat.v1 as tf

from common.errors import UserError
from npu_runtime.devices import ranks as distribution
from npu_runtime.devices import precision
from common.console import log
from npu_runtime.devices.choose import choose_device
from npu_runtime.failures import explained
from npu_runtime.devices.host_memory import keep_freed_memory
from npu_runtime.loop import TrainingLoop
from npu_runtime.loop_sinking import steps_per_call
from npu_runtime.resume import StartingPoint
from npu_runtime.session import session_config
from npu_runtime.training_graph import TrainingGraph

ModelOutput = collections.namedtuple('ModelOutput', 'losses images', defaults=(None,))
ModelOutput.__doc__ = """What a model gives the training loop.

losses: OrderedDict, term -> float32 scalar, already weighted; their sum is minimised.
images: dict, name -> [B, H, W, 1 or 3] uint8 or float, for TensorBoard; may be empty.
"""


def default_log_line(record):
    """`Iteration: [    100] | Time: 2.8347s/iter | Loss: 3.112`."""
    line = 'Iteration: [%7d] | Time: %4.4fs/iter | Loss: %.3f' % (
        record.step, record.seconds_per_step, record.total)
    if record.loss_scale is not None:
        line += ' | Loss scale: %g' % record.loss_scale
    return line


@dataclasses.dataclass
class TrainOptions:
    """How to train, whatever the model. Steps count updates; an interval of 0 is never."""
    output_dir: str
    max_steps: int
    batch_size: int  # examples a step of one rank
    learning_rate: typing.Union[float, typing.Callable]  # or: global step -> float32 scalar
    adam_beta1: float = 0.9
    gradient_clip: float = 0.  # largest global norm; 0 does not clip
    l2_weight: float = 0.  # factor of the regularization losses that the model collects
    loss_is_sum: bool = False  # summed over a batch's examples, not their mean: so over ranks too
    trainable_scopes: typing.Optional[typing.List[str]] = None  # None trains all
    init_checkpoint: str = ''  # prefix or folder: model variables a new run begins with
    init_scopes: typing.Optional[typing.List[str]] = None  # must be in it; None: all variables
    checkpoint_every: int = 5000
    max_to_keep: int = 20  # 0 keeps all
    checkpoint_name: typing.Callable = 'model-{}'.format  # step -> name
    final_checkpoint_name: str = ''  # empty: as checkpoint_name says
    seed: int = 8964
    log_every: int = 100
    summary_every: int = 500
    log_line: typing.Callable = default_log_line  # StepRecord -> str
    explain_input_error: typing.Optional[typing.Callable] = None  # error -> str, names the file

    def __post_init__(self):
        for name in ('max_steps', 'batch_size'):
            if getattr(self, name) < 1:
                raise UserError('%s is %d; wanted is at least 1' % (name, getattr(self, name)))
        for name in ('checkpoint_every', 'log_every', 'summary_every', 'max_to_keep',
                     'gradient_clip', 'l2_weight'):
            if getattr(self, name) < 0:
                raise UserError('%s is %s; wanted is 0 or more' % (name, getattr(self, name)))


def train(build_model, make_dataset, options, runtime, saved_config, validation=None, hooks=()):
    """Trains a model, or goes on training it from the newest checkpoint in `options.output_dir`.

    A resumed run has the weights, optimizer slots, step, loss scale and data order of one that
    was never interrupted. On SIGTERM or SIGINT it stops after the current step with a checkpoint.

    Args:
      build_model: function (batch, is_training) -> ModelOutput; batch is what the dataset yields.
        With `is_training` false it must reuse the variables of its scopes.
      make_dataset: function (start_step, rank, size) -> tf.data.Dataset of batches of this rank,
        without end, beginning with the batch of step `start_step` + 1.
      options: TrainOptions.
      runtime: RuntimeConfig.
      saved_config: dict, written to config.json beside the checkpoints; what a resumed run must
        have in common with them stands under 'model'.
      validation: Validation, or None.
      hooks: further tf.train.SessionRunHooks; called after the loop's own.

    Returns:
      dict: 'step', 'losses', 'total', 'checkpoint' (prefix), 'best' (the best validation metric or
      None), 'seconds_per_step' (median), 'examples_per_second' (over all ranks), 'device'. Of a
      run that had nothing left to do only 'step', 'checkpoint' and 'device'.

    Raises:
      UserError: bad input, a loss that is not finite, no memory or no space on the disk.
      KeyboardInterrupt: stopped by SIGINT (status 130 by `run_main`).
      SystemExit: stopped by SIGTERM, status 143.
    """
    device = choose_device(runtime)
    if device.kind == 'cpu':
        keep_freed_memory()
    ranks = distribution.connect(device)
    chief = ranks.rank == 0
    if chief:
        _introduce(device, runtime, ranks, options)
    with explained(options):
        start = StartingPoint(options, saved_config, ranks, session_config(device, runtime, ranks))
        if start.step >= options.max_steps:
            if chief:
                log('nothing to do: %s is at step %d of %d'
                    % (start.prefix, start.step, options.max_steps))
            return {'step': start.step, 'checkpoint': start.prefix, 'device': device.kind}
        steps = steps_per_call(device, runtime, options, validation, start.step)
        proto = session_config(device, dataclasses.replace(runtime, iterations_per_loop=steps),
                               ranks)
        with tf.Graph().as_default():
            tf.set_random_seed(options.seed)
            dataset = make_dataset(start.batches_seen, ranks.rank, ranks.size)
            graph = TrainingGraph(build_model, dataset, options, device, runtime, ranks)
            loop = TrainingLoop(graph, start, options, ranks, steps, hooks)
            if chief:
                loop.watch(build_model, validation)
            return dict(loop.run(proto), device=device.kind)


def _introduce(device, runtime, ranks, options):
    log('device: %s (%s)' % device)
    log(precision.describe(device, runtime))
    if ranks.size > 1:
        log('ranks: %d, together %d examples a step'
            % (ranks.size, ranks.size * options.batch_size))
