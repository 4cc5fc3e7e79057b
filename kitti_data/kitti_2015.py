"""The KITTI 2015 layout: `training/{image_2,flow_noc,flow_occ,disp_noc_0,...}/NNNNNN_10.png`."""
import re

from common.errors import UserError
from common.files import list_folder
from kitti_data.frame_files import natural_order

REFERENCE = 10  # number of the frame that has ground truth
_REFERENCE_NAME = re.compile(r'([0-9]{1,18})_%02d\.png' % REFERENCE)


def reference_names(folder, what='image'):
    """The `NNNNNN` of all `NNNNNN_10.png` in `folder`, ascending.

    Args:
      folder: one of KITTI 2015's folders.
      what: its files, for errors.

    Raises:
      UserError: there is none.
    """
    matches = (_REFERENCE_NAME.fullmatch(name) for name in list_folder(folder))
    names = sorted((match.group(1) for match in matches if match), key=natural_order)
    if not names:
        raise UserError('no %s NNNNNN_%02d.png in %s' % (what, REFERENCE, folder))
    return names
