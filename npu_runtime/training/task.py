"""The contract between a model and the training loop."""
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


def default_log_line(step, row):
    """`Iteration: [    100] | Time: 2.8347s/iter | Loss: 3.112`."""
    line = 'Iteration: [%7d] | Time: %4.4fs/iter | Loss: %.3f' % (
        step, row['seconds_per_step'], row['total'])
    if 'loss_scale' in row:
        line += ' | Loss scale: %g' % row['loss_scale']
    return line


class Validation(typing.NamedTuple):
    """When and on what to validate.

    Attributes:
      make_dataset: function without arguments that returns an endless tf.data.Dataset of batches
        like those of training; each validation reads it from the start, and so uses the same
        examples.
      every: steps between validations.
      batches: batches per validation.
      metric: name of the loss or evaluated number to minimise.
      keep_best: whether to keep the best checkpoint as `model-best`.
      log_format: `%` format of the log line; its keys are step and total.
      evaluator: None, or a function without arguments that builds a graph with reused variables
        and returns a function session -> dict, name -> number.
      examples: description of the examples, for the log.
      flags: names of the flags of the run that determine the metric, besides those of the model.
    """
    make_dataset: typing.Callable
    every: int
    batches: int
    metric: str = 'total'
    keep_best: bool = True
    log_format: str = 'Validation: [%(step)7d] | Loss: %(total).3f'
    evaluator: typing.Optional[typing.Callable] = None
    examples: str = 'fixed examples'
    flags: typing.Sequence[str] = ()


class TrainingTask(typing.NamedTuple):
    """A training run of any model. Steps are weight updates; an interval of 0 means never.

    Attributes:
      build_model: function (batch, is_training) -> <TrainingOutput>; `batch` is an element of the
        dataset. With `is_training=False` it reuses its variables.
      make_dataset: function (batches_seen, rank, size) -> endless tf.data.Dataset of the batches
        of this rank, starting after the first `batches_seen`.
      flags: <TrainFlags>.
      configs: dict, name -> dataclass or plain value, written to config.json. A run resumes only
        with the same values of its `architecture` flags.
      folder: path of checkpoints, metrics and summaries; a run in it is resumed.
      max_steps: global step at which training ends.
      save_every: steps between checkpoints.
      validation: <Validation>, or None.
      gradient_size: upper estimate of the largest gradient of the loss with respect to an
        activation of an untrained net. Loss scaling divides the loss by it, so that scaled
        gradients fit into float16 from the first step. A power of two adds no rounding.
      loss_is_sum: whether the loss is a sum over examples, and hence over ranks, not a mean.
      trainable_scopes: list of variable scopes; None trains all variables.
      init_checkpoint: prefix or folder with initial model variables of a new run. It may lack those
        in `trainable_scopes`.
      checkpoint_name: function step -> name of a scheduled or final checkpoint.
      log_line: function (step, row) -> str; `row` is a dict with the numbers of a 'train' row of
        metrics.jsonl, see metrics.py.
    """
    build_model: typing.Callable
    make_dataset: typing.Callable
    flags: TrainFlags
    configs: typing.Dict[str, typing.Any]
    folder: str
    max_steps: int
    save_every: int
    validation: typing.Optional[Validation] = None
    gradient_size: float = 1.
    loss_is_sum: bool = False
    trainable_scopes: typing.Optional[typing.List[str]] = None
    init_checkpoint: str = ''
    checkpoint_name: typing.Callable = 'model-{}'.format
    log_line: typing.Callable = default_log_line
