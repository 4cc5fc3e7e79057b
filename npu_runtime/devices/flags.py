"""The flags that say on what, and how, a model runs."""
import dataclasses

from npu_runtime.devices import npu_options
from vo_common.flags import Flags, flag

DEVICES = ('auto', 'npu', 'gpu', 'cpu')
XLA_MODES = ('auto', 'on', 'off')
LOSS_SCALES = ('auto', 'off', 'dynamic', 'fixed')


def _with_npu_flags(flags_class):
    """The dataclass of `flags_class`, with a field for every option of the plugin."""
    for name, kind, field in npu_options.flag_fields():
        flags_class.__annotations__[name] = kind
        setattr(flags_class, name, field)
    return dataclasses.dataclass(flags_class)


@_with_npu_flags
class RuntimeConfig(Flags):
    """Device, precision and speed.

    Checked when made, before TensorFlow starts. Options of the NPU have no effect elsewhere; they
    are declared in npu_options.py.
    """
    device: str = flag('auto', 'where to run; auto takes an NPU, else a GPU, else the CPU',
                       choices=DEVICES)
    intra_op_threads: int = flag(0, 'CPU threads inside one operation; 0 is one for every core, '
                                    'which the ranks of a host share', at_least=0)
    inter_op_threads: int = flag(0, 'CPU operations at a time; 0 is one for every core',
                                 at_least=0)
    xla: str = flag('auto', 'compile the training step by XLA; auto is off',
                    choices=XLA_MODES, modes=('train',))
    loss_scale: str = flag('auto', 'loss scaling; auto is dynamic in mixed precision, but not in '
                                   "a CPU's bfloat16", choices=LOSS_SCALES,
                           modes=('train',))
    loss_scale_value: float = flag(32768.0, 'the loss scale, or with dynamic the first one',
                                   modes=('train',), at_least=1, at_most=3e38)
    loss_scale_growth_steps: int = flag(2000, 'good steps before a dynamic loss scale doubles',
                                        modes=('train',), at_least=1)
    learning_rate_scaling: bool = flag(False, 'multiply the learning rate by the number of ranks',
                                       modes=('train',))

    def __post_init__(self):
        super().__post_init__()
        npu_options.check_together(self)
