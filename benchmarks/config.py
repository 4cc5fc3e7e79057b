"""What the benchmarks of a training step have in common; imports no TensorFlow."""
import dataclasses

from geonet.config import ENCODERS
from npu_runtime.devices.flags import DEVICES
from vo_common.flags import Flags, flag

# Mode -> flags of RuntimeConfig.
MODES = {'float32': dict(precision_mode='force_fp32', xla='off'),
         'mixed': dict(precision_mode='allow_mix_precision', xla='off'),
         'float32_xla': dict(precision_mode='force_fp32', xla='on'),
         'mixed_xla': dict(precision_mode='allow_mix_precision', xla='on')}


@dataclasses.dataclass
class StepConfig(Flags):
    """Which training step, and on what."""
    model: str = flag('geonet', 'which model', choices=('geonet', 'convlstm_vo'))
    mode: str = flag('train_rigid', 'geonet: which training graph',
                     choices=('train_rigid', 'train_flow'))
    flownet_type: str = flag('residual', 'geonet: kind of train_flow',
                             choices=('residual', 'direct'))
    encoder: str = flag('resnet50', 'geonet: encoder of depth_net', choices=tuple(ENCODERS))
    batch_size: int = flag(0, "examples a step; 0 is the model's default, 4 or 32", at_least=0)
    img_height: int = flag(0, "height; 0 is the model's default", at_least=0)
    img_width: int = flag(0, "width; 0 is the model's default", at_least=0)
    time_steps: int = flag(1, 'convlstm_vo: frame pairs in a window', at_least=1)
    device: str = flag('auto', 'where to run', choices=DEVICES)


def examples_a_step(config):
    """The batch size that the flags describe."""
    return config.batch_size or (4 if config.model == 'geonet' else 32)
