"""The model's configuration, which is saved beside a checkpoint."""
import dataclasses

from kitti_data.motion import LABEL_FRAMES
from npu_runtime.training.flags import architecture
from vo_common.flags import Flags, flag

LOSS_REDUCTIONS = ('sum', 'mean')
_LARGEST_SIZE = 16384


@dataclasses.dataclass
class ModelConfig(Flags):
    """The network and what it learns.

    Raises:
      UserError: a value that no model can be built with; names the flag.
    """
    time_steps: int = architecture(1, 'T, frame pairs in a window', aliases=('steps',),
                                   at_least=1, at_most=1000)
    img_height: int = architecture(384, 'height to which frames are resized',
                                   at_least=1, at_most=_LARGEST_SIZE)
    img_width: int = architecture(1280, 'width to which frames are resized',
                                  at_least=1, at_most=_LARGEST_SIZE)
    label_frame: str = architecture(
        'camera', 'camera: motion as the camera sees it; world: difference of absolute 6-DoF '
                  'poses, as published', choices=LABEL_FRAMES)
    rotation_weight: float = flag(100.0, 'K, weight of squared radians against squared metres',
                                  modes=('train',), above=0)
    loss_reduction: str = flag('sum', 'over a batch and its time steps', choices=LOSS_REDUCTIONS,
                               modes=('train',))
