"""Flags for device, precision and speed."""
import dataclasses
from typing import List

from npu_runtime.devices import npu_options
from vo_common.flags import Flags, flag, path_flag

DEVICES = ('auto', 'npu', 'gpu', 'cpu')
_MOST_THREADS = 1024


@dataclasses.dataclass
class RuntimeConfig(Flags):
    """Device, precision and speed.

    Checked on construction, before TensorFlow starts. The last four flags affect only an NPU.
    """
    device: str = flag('auto', 'where to run; auto uses an NPU, else a GPU, else the CPU',
                       choices=DEVICES)
    precision_mode: str = flag(
        '', 'empty is allow_mix_precision on an NPU, float32 elsewhere; allow_mix_precision is '
            'float16 on a GPU, bfloat16 on a CPU that has it; a GPU and a CPU support few of the '
            'other modes', choices=('',) + npu_options.PRECISION_MODES)
    loss_scale: str = flag('auto', 'loss scaling; auto is dynamic in mixed precision, except for '
                                   "a CPU's bfloat16", modes=('train',),
                           choices=('auto', 'off', 'dynamic', 'fixed'))
    loss_scale_value: float = flag(32768.0, 'loss scale; the initial one if it is dynamic',
                                   modes=('train',), at_least=1, at_most=3e38)
    loss_scale_growth_steps: int = flag(
        2000, 'steps without overflow before a dynamic loss scale doubles', modes=('train',),
        at_least=1, at_most=2 ** 31 - 1)
    learning_rate_scaling: bool = flag(False, 'multiply the learning rate by the number of ranks',
                                       modes=('train',))
    intra_op_threads: int = flag(0, 'CPU threads inside one operation; 0 is one for each core, '
                                    'which the ranks of a host share', at_least=0,
                                at_most=_MOST_THREADS)
    inter_op_threads: int = flag(0, 'CPU operations in parallel; 0 is one for each core',
                                 at_least=0, at_most=_MOST_THREADS)
    xla: str = flag('auto', 'compile the training step with XLA; auto is off',
                    choices=('auto', 'on', 'off'), modes=('train',))
    modify_mixlist: str = path_flag(
        '', 'NPU: JSON list of the operations that may run in 16 bits; empty keeps layer norm, '
            'losses and geometry in float32, none uses the lists of the plugin')
    iterations_per_loop: int = flag(1, 'NPU: maximum number of steps per session call; more than '
                                       '1 needs --enable_data_pre_proc', at_least=1)
    enable_data_pre_proc: bool = flag(False, 'NPU: fetch the next batch on the device')
    npu_options: List[str] = flag([], 'NPU: further options of the plugin as KEY=VALUE; '
                                      '--help_npu lists them',
                                  topic=('help_npu', npu_options.describe))

    def __post_init__(self):
        super().__post_init__()
        npu_options.check_together(self)
