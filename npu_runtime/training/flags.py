"""Flags that all training programs share."""
import dataclasses
import functools

from vo_common.flags import Flags, flag, read_by

architecture = functools.partial(flag, architecture=True)


@read_by('train')
@dataclasses.dataclass
class TrainFlags(Flags):
    """Training."""
    batch_size: int = flag(4, 'examples per step and device', at_least=1, at_most=65536)
    learning_rate: float = flag(
        0.0002, 'learning rate of Adam; resume with a lower one to decay it', at_least=1e-30)
    gradient_clip: float = flag(0.0, 'maximum global gradient norm; 0 means no limit', at_least=0)
    max_to_keep: int = flag(20, 'number of checkpoints to keep; 0 keeps all', at_least=0)
    save_minutes: float = flag(10., 'minutes after the last checkpoint at which to write '
                                    'model-latest, which the next checkpoint replaces; 0 means '
                                    'never',
                               at_least=0)
    log_freq: int = flag(100, 'steps between log lines', at_least=1)
    summary_freq: int = flag(500, 'steps between TensorBoard images; 0 means never', at_least=0)
    num_threads: int = flag(32, 'examples to decode in parallel; 0: one for each core',
                            at_least=0, at_most=4096)
    seed: int = flag(8964, 'seed of initial weights, data order and augmentation',
                     at_least=-2 ** 31, at_most=2 ** 31 - 1)
    shuffle: bool = flag(True, 'visit the examples in a new order in each epoch')


@read_by('train')
@dataclasses.dataclass
class EvalFlags(Flags):
    """Validation while training."""
    eval_every: int = flag(0, 'steps between validations; 0 means never', at_least=0)
    eval_batches: int = flag(20, 'batches per validation', at_least=1)


@read_by('export')
@dataclasses.dataclass
class ExportFlags(Flags):
    """Frozen graphs."""
    export_batch: int = flag(1, 'batch size of the frozen graph', at_least=1, at_most=65536)
    onnx: bool = flag(False, 'also write ONNX (needs tf2onnx)')
    soc_version: str = flag('Ascend310', 'chip in the printed atc command')
