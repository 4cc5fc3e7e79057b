"""What the learning runs of both models share: the drives, and the flags that say how they are."""
import dataclasses
import glob
import os
import sys

from common.flags import flag
from kitti_eval import html_report
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


def write_report(folder, title, figures, pictures):
    """Writes `<folder>/report.html`: figures beside their baselines, and pictures.

    Args:
      folder: of the run.
      title: of the page.
      figures: list of (label, found, baseline, share of the baseline that should be reached).
      pictures: patterns of picture files below `folder`; of each the first four are shown.
    """
    columns = [('found', '%.4f'), ('baseline', '%.4f'), ('share', '%.2f'), ('at most', '%.2f')]
    rows = [(label, {'found': found, 'baseline': baseline, 'share': found / baseline,
                     'at most': share}) for label, found, baseline, share in figures]
    blocks = [html_report.commands(['python ' + ' '.join(sys.argv)]),
              html_report.table(title, columns, rows)]
    for pattern in pictures:
        for path in sorted(glob.glob(os.path.join(glob.escape(folder), pattern)))[:4]:
            blocks.append(html_report.picture(path, os.path.relpath(path, folder)))
    html_report.write_page(os.path.join(folder, 'report.html'), title, blocks)
