"""What a model's side decides of a training run."""
import typing

from npu_runtime.training.flags import TrainFlags


class TrainingOutput(typing.NamedTuple):
    """Output of a training graph.

    Attributes:
      losses: dict, name -> <float32>[], weighted; the total loss is their sum.
      images: dict, name -> <uint8 or float32>[B, H, W, 1 or 3], for TensorBoard.
      tensors: dict, name -> tensor or list of tensors: intermediate values.
    """
    losses: dict
    images: dict
    tensors: dict = {}


class StepRecord(typing.NamedTuple):
    """What a log line can tell.

    Attributes:
      step, max_steps: global steps.
      losses: term -> float.
      total, learning_rate: float.
      loss_scale: float, or None.
      seconds_per_step: mean since the last log line.
      examples_per_second: the same, over all ranks.
    """
    step: int
    max_steps: int
    losses: typing.Dict[str, float]
    total: float
    learning_rate: float
    loss_scale: typing.Optional[float]
    seconds_per_step: float
    examples_per_second: float


def default_log_line(record):
    """`Iteration: [    100] | Time: 2.8347s/iter | Loss: 3.112`."""
    line = 'Iteration: [%7d] | Time: %4.4fs/iter | Loss: %.3f' % (
        record.step, record.seconds_per_step, record.total)
    if record.loss_scale is not None:
        line += ' | Loss scale: %g' % record.loss_scale
    return line


class Validation(typing.NamedTuple):
    """When and on what to validate.

    Attributes:
      make_dataset: called without arguments, gives a tf.data.Dataset of batches like the training
        ones; each validation reads it from its beginning, so that the same examples are compared.
      every: steps between validations.
      batches: how many batches each reads.
      metric: name of the loss term, or of the evaluator's number, whose smallest value is the best.
      keep_best: whether the best is kept as the checkpoint `model-best`.
      log_line: function of a StepRecord whose losses are the means; None prints step, total and
        what the evaluator measured.
      evaluator: function without arguments that builds what it needs in the default graph, where
        every variable is reused, and returns a function session -> dict of numbers by name; or
        None.
      examples: which ones are compared, for the log.
    """
    make_dataset: typing.Callable
    every: int
    batches: int
    metric: str = 'total'
    keep_best: bool = True
    log_line: typing.Optional[typing.Callable] = None
    evaluator: typing.Optional[typing.Callable] = None
    examples: str = ''


class TrainingTask(typing.NamedTuple):
    """A training run, whatever the model. Steps count updates; an interval of 0 is never.

    Attributes:
      build_model: function (batch, is_training), batch being what the dataset yields. Returns
        something with `losses`, a dict, term -> float32 scalar, weighted, whose sum is minimised,
        and `images`, a dict, name -> [B, H, W, 1 or 3] uint8 or float, for TensorBoard. With
        `is_training` false it must reuse the variables of its scopes.
      make_dataset: function (batches_seen, rank, size) -> tf.data.Dataset of batches of this rank,
        without end, beginning after the first `batches_seen`.
      flags: <TrainFlags>.
      configs: dict, name -> dataclass or plain value, written to config.json; a run can only go on
        with the same values of the fields declared by `flags.architecture`.
      folder: path: checkpoints, metrics, summaries; a run found there is continued.
      max_steps: where training ends.
      save_every: steps between checkpoints.
      validation: <Validation>, or None.
      learning_rate: function global step -> float32 scalar; None is that of the flags.
      l2_weight: factor of the regularization losses that the model collects.
      gradient_size: about the largest gradient of the loss in an untrained model, rather too large:
        loss scaling divides the loss by it first, so that gradients times the scale fit into
        float16 from the first step on. A power of two rounds nothing.
      loss_is_sum: summed over a batch's examples, not their mean: so over ranks too.
      trainable_scopes: list of variable scopes; None trains all.
      init_checkpoint: prefix or folder: model variables that a new run begins with.
      init_scopes: list of scopes that must be in it; None: all variables.
      checkpoint_name: function step -> name.
      final_checkpoint_name: of the last one; empty: as `checkpoint_name` says.
      log_line: function of a StepRecord.
      explain_input_error: see `failures.explained`.
    """
    build_model: typing.Callable
    make_dataset: typing.Callable
    flags: TrainFlags
    configs: typing.Dict[str, typing.Any]
    folder: str
    max_steps: int
    save_every: int
    validation: typing.Optional[Validation] = None
    learning_rate: typing.Optional[typing.Callable] = None
    l2_weight: float = 0.
    gradient_size: float = 1.
    loss_is_sum: bool = False
    trainable_scopes: typing.Optional[typing.List[str]] = None
    init_checkpoint: str = ''
    init_scopes: typing.Optional[typing.List[str]] = None
    checkpoint_name: typing.Callable = 'model-{}'.format
    final_checkpoint_name: str = ''
    log_line: typing.Callable = default_log_line
    explain_input_error: typing.Optional[typing.Callable] = None
