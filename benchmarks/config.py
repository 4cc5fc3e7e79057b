"""Configuration of the benchmarks. Does not import TensorFlow."""
import dataclasses
from typing import List

from geonet.config import ENCODERS
from npu_runtime.devices.flags import DEVICES
from vo_common.errors import UserError
from vo_common.flags import Flags, as_typed, flag, path_flag

# Flags of RuntimeConfig for each mode.
MODES = {'float32': dict(precision_mode='force_fp32', xla='off'),
         'mixed': dict(precision_mode='allow_mix_precision', xla='off'),
         'float32_xla': dict(precision_mode='force_fp32', xla='on'),
         'mixed_xla': dict(precision_mode='allow_mix_precision', xla='on')}
# The module that measures each part, by its function `measure`.
PARTS = {'step': 'steps', 'input': 'inputs', 'predict': 'predicting', 'engines': 'engines',
         'ranks': 'ranks'}


@dataclasses.dataclass
class BenchmarkConfig(Flags):
    """Measurement."""
    model: str = flag('geonet', 'model', choices=('geonet', 'convlstm_vo'))
    parts: List[str] = flag(['step', 'input'], 'step: a training step; input: the input pipeline; '
                            'predict: frames per second of predictions; engines: the step with '
                            'several interpreters; ranks: several processes of geonet',
                            choices=PARTS)
    modes: List[str] = flag([], 'precisions of step and engines; empty: all with --device=gpu, '
                                'else float32', choices=MODES)
    mode: str = flag('train_rigid', 'geonet: training graph',
                     choices=('train_rigid', 'train_flow'))
    flownet_type: str = flag('residual', 'geonet: type of flow in train_flow',
                             choices=('residual', 'direct'))
    encoder: str = flag('resnet50', 'geonet: encoder of depth_net', choices=tuple(ENCODERS))
    batch_size: int = flag(0, "examples per step; 0: the model's default, 4 or 32", at_least=0)
    img_height: int = flag(0, "height; 0: the model's default", at_least=0)
    img_width: int = flag(0, "width; 0: the model's default", at_least=0)
    time_steps: int = flag(1, 'convlstm_vo: frame pairs in a window', at_least=1)
    device: str = flag('auto', 'where to run', choices=DEVICES)
    steps: int = flag(5, 'steps of each kind, whose median is reported', at_least=1)
    data_path: str = path_flag('', 'KITTI odometry folder; empty: render a synthetic one')
    sequence: str = flag('00', 'sequence of --data_path')
    camera: int = flag(2, 'camera of --data_path: 0, 1 gray; 2, 3 colour', choices=(0, 1, 2, 3))
    pythons: List[str] = flag([], 'engines: interpreters, each with a TensorFlow; empty: this one')
    peers: List[str] = flag([], 'engines: commands of other programs that run the same step and '
                                'print `CPU-s/step 12.3` and `s/step: median 4.5`')
    np: int = flag(2, 'ranks: number of processes', at_least=2)
    output: str = path_flag('', 'JSON file for the results; empty: only print them')
    take_steps: bool = flag(False, 'internal: run a step for each line of standard input')

    def __post_init__(self):
        super().__post_init__()
        self.require(parts='among ' + ', '.join(PARTS))
        if 'ranks' in self.parts:
            if self.model != 'geonet':
                raise UserError('--parts=ranks: must not be given with --model=%s' % self.model)
            for name, value, needed in (('device', self.device, ('auto', 'cpu')),
                                        ('modes', self.modes, ([], ['float32'])),
                                        ('mode', self.mode, ('train_rigid',))):
                if value not in needed:
                    raise UserError('--%s=%s: must be %s with --parts=ranks' % (
                        name, as_typed(value), as_typed(needed[-1])))
        self.modes = self.modes or (list(MODES) if self.device == 'gpu' else ['float32'])
        self.batch_size = self.batch_size or (4 if self.model == 'geonet' else 32)
