"""What the learning runs of both models share: the drives, and the flags that say how they are."""
import dataclasses
import os

from common.flags import flag
from kitti_data.rendering.synthetic import synthetic_dataset

TEST_SEQUENCE = '00'


@dataclasses.dataclass
class LearnConfig:
    """What is rendered, and where it trains."""
    num_sequences: int = flag(8, 'training drives')
    num_frames: int = flag(200, 'frames of a training drive')
    test_frames: int = flag(400, 'frames of the test drive')
    img_height: int = flag(32, 'height of the pictures')
    img_width: int = flag(104, 'width of the pictures')
    min_speed: float = flag(0.25, 'metres a frame where the car is slowest')
    max_speed: float = flag(1.2, 'metres a frame where it is fastest')
    device: str = flag('auto', 'where to run')

    @property
    def training_names(self):
        """Names of the training drives."""
        return ['%02d' % number for number in range(1, self.num_sequences + 1)]


def render_drives(config, folder, camera):
    """Renders the training drives and the test drive, and returns their odometry folder.

    Args:
      config: <LearnConfig>.
      folder: where to; drives already there are kept.
      camera: 0 gray, 2 colour.
    """
    data = os.path.join(folder, 'data')
    for names, frames in ((config.training_names, config.num_frames),
                          ([TEST_SEQUENCE], config.test_frames)):
        synthetic_dataset(data, names, frames, config.img_height, config.img_width,
                          cameras=(camera,), min_speed=config.min_speed, max_speed=config.max_speed,
                          num_workers=0)
    return data
