"""The contract between a model and the training loop."""
import typing

from npu_runtime.training.flags import TrainFlags


class TrainingOutput(typing.NamedTuple):
    """Output of a training graph."""
    losses: dict  # name -> <float32>[], weighted; the total loss is their sum
    images: dict  # name -> <uint8 or float32>[B, H, W, 1 or 3], for TensorBoard
    tensors: dict = {}  # name -> tensor or list of tensors: intermediate values


def default_log_line(step, row):
    """`Iteration: [    100] | Time: 2.8347s/iter | Loss: 3.112`."""
    line = 'Iteration: [%7d] | Time: %4.4fs/iter | Loss: %.3f' % (
        step, row['seconds_per_step'], row['total'])
    if 'loss_scale' in row:
        line += ' | Loss scale: %g' % row['loss_scale']
    return line


class Validation(typing.NamedTuple):
    """When and on what to validate."""
    # A function without arguments that returns an endless tf.data.Dataset of batches like those of
    # training; each validation reads it from the start, and so uses the same examples.
    make_dataset: typing.Callable
    every: int  # steps between validations
    batches: int  # batches per validation
    metric: str = 'total'  # name of the loss or evaluated number to minimise
    keep_best: bool = True  # whether to keep the best checkpoint as `model-best`
    # `%` format of the log line; its keys are step and total.
    log_format: str = 'Validation: [%(step)7d] | Loss: %(total).3f'
    # A function without arguments that builds a graph with reused variables and returns a function
    # session -> dict, name -> number.
    evaluator: typing.Optional[typing.Callable] = None
    examples: str = 'fixed examples'  # description for the log
    # Names of the flags of the run that determine the metric, besides those of the model.
    flags: typing.Sequence[str] = ()


class TrainingTask(typing.NamedTuple):
    """A training run of any model. Steps are weight updates; an interval of 0 means never."""
    # (batch, is_training) -> <TrainingOutput>; `batch` is an element of the dataset. With
    # `is_training=False` it reuses its variables.
    build_model: typing.Callable
    # (batches_seen, rank, size) -> endless tf.data.Dataset of the batches of this rank, starting
    # after the first `batches_seen`.
    make_dataset: typing.Callable
    flags: TrainFlags
    # Name -> dataclass or plain value, written to config.json. A run resumes only with the same
    # values of its `architecture` flags.
    configs: typing.Dict[str, typing.Any]
    folder: str  # of checkpoints, metrics and summaries; a run in it is resumed
    max_steps: int  # global step at which training ends
    save_every: int  # steps between checkpoints
    validation: typing.Optional[Validation] = None
    # Upper estimate of the largest gradient of the loss with respect to an activation of an
    # untrained net. Loss scaling divides the loss by it, so that scaled gradients fit into float16
    # from the first step. A power of two adds no rounding.
    gradient_size: float = 1.
    loss_is_sum: bool = False  # over examples, and hence over ranks; otherwise a mean
    trainable_scopes: typing.Optional[typing.List[str]] = None  # variable scopes; None trains all
    # Prefix or folder with initial model variables of a new run; may lack those in
    # `trainable_scopes`.
    init_checkpoint: str = ''
    # step -> name of a scheduled or final checkpoint.
    checkpoint_name: typing.Callable = 'model-{}'.format
    # (step, row) -> str; `row` has the numbers of a 'train' row of metrics.jsonl, see metrics.py.
    log_line: typing.Callable = default_log_line
