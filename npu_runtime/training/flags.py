"""The flags that every training program has, declared once."""
import dataclasses

from vo_common.flags import Flags, flag, read_by


def architecture(default, help, **arguments):  # pylint: disable=redefined-builtin
    """A `flag` on which the meaning of the weights depends: a run cannot go on with another value.

    All other flags may differ between a run and its continuation.
    """
    field = flag(default, help, **arguments)
    field.metadata = dict(field.metadata, architecture=True)
    return field


@read_by('train')
@dataclasses.dataclass
class TrainFlags(Flags):
    """How to train."""
    batch_size: int = flag(4, 'examples a step and device', at_least=1, at_most=65536)
    learning_rate: float = flag(0.0002, 'learning rate of Adam', above=0)
    gradient_clip: float = flag(0.0, 'largest global gradient norm; 0 is no limit', at_least=0)
    max_to_keep: int = flag(20, 'checkpoints kept; 0 is all', at_least=0)
    save_minutes: float = flag(10., 'after so many minutes without a checkpoint write '
                                    'model-latest, which the next one replaces; 0 is never',
                               at_least=0)
    log_freq: int = flag(100, 'steps between log lines', at_least=1)
    summary_freq: int = flag(500, 'steps between TensorBoard images; 0 is never', at_least=0)
    num_threads: int = flag(32, 'about how many examples are read and decoded at once; 0 lets '
                                'tf.data choose', at_least=0, at_most=4096)
    seed: int = flag(8964, 'of initial weights, data order and augmentation',
                     at_least=-2 ** 31, at_most=2 ** 31 - 1)
    shuffle: bool = flag(True, 'visit the training set in a new order each epoch')


@read_by('train')
@dataclasses.dataclass
class EvalFlags(Flags):
    """Validation while training."""
    eval_every: int = flag(0, 'steps between validations; 0 is never', at_least=0)
    eval_batches: int = flag(20, 'batches of a validation', at_least=1)


@read_by('export')
@dataclasses.dataclass
class ExportFlags(Flags):
    """Frozen graphs."""
    export_batch: int = flag(1, 'export: B of the frozen graph', at_least=1, at_most=65536)
    onnx: bool = flag(False, 'export: also as ONNX (needs tf2onnx)')
    soc_version: str = flag('Ascend310', 'export: chip named in the printed atc command')
