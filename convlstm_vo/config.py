"""Flags of the model, saved with its checkpoints."""
import dataclasses

from kitti_data.motion import LABEL_FRAMES
from npu_runtime.training.flags import architecture
from vo_common.flags import Flags, flag

_LARGEST_SIZE = 16384


@dataclasses.dataclass
class ModelConfig(Flags):
    """Network and loss."""
    time_steps: int = architecture(1, 'frame pairs per window (T)', aliases=('steps',),
                                   at_least=1, at_most=1000)
    img_height: int = architecture(384, 'height in pixels of resized frames',
                                   at_least=1, at_most=_LARGEST_SIZE)
    img_width: int = architecture(1280, 'width in pixels of resized frames',
                                  at_least=1, at_most=_LARGEST_SIZE)
    label_frame: str = architecture(
        'camera', 'camera: motion in the frame of the camera; world: difference of absolute 6-DoF '
                  'poses, as published', choices=LABEL_FRAMES)
    rotation_weight: float = flag(100.0, 'weight of squared radians relative to squared metres (K)',
                                  modes=('train',), above=0)
    loss_reduction: str = flag('sum', 'reduction of the loss over batch and time',
                               choices=('sum', 'mean'), modes=('train',))
