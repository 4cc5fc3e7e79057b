"""The Cityscapes layout: 30-frame clips around labelled images, with a camera file for each clip.

`leftImg8bit_sequence/train/<city>/<city>_<sequence>_<frame>_leftImg8bit.png` and
`camera/train/<city>/<city>_<sequence>_<frame>_camera.json`, the latter only for labelled frames.
"""
import os
import re

from kitti_data.calibration import camera_matrix, check_camera
from kitti_data.frame_files import Frame, natural_order
from kitti_data.number_files import finite_numbers
from vo_common.errors import UserError
from vo_common.files import list_folder, read_json, require_folder

# The labelled frame is the 20th of its clip of 30.
FRAMES_BEFORE_LABEL, FRAMES_AFTER_LABEL = 19, 10
_NAME = re.compile(r'([^.].*_([0-9]{1,18})_([0-9]{1,18}))_(leftImg8bit\.png|camera\.json)')


def cities(root):
    """Sorted names of the cities."""
    folder = require_folder(os.path.join(root, 'leftImg8bit_sequence', 'train'),
                            'Cityscapes sequences')
    return [name for name in sorted(list_folder(folder))
            if os.path.isdir(os.path.join(folder, name))]


def city_frames(root, city):
    """{sequence: list of ascending `Frame`s} of a city; a UserError if it has no image."""
    folder = require_folder(os.path.join(root, 'leftImg8bit_sequence', 'train', city),
                            'Cityscapes city')
    frames = _by_sequence(folder, 'leftImg8bit.png')
    if not frames:
        raise UserError('no image *_leftImg8bit.png in %s' % folder)
    return {sequence: sorted(frames[sequence]) for sequence in sorted(frames, key=natural_order)}


def camera_files(root, city):
    """{sequence: {number of the labelled frame: path of its clip's camera file}} of a city."""
    folder = require_folder(os.path.join(root, 'camera', 'train', city), 'Cityscapes cameras')
    return {sequence: {file.number: file.path for file in files}
            for sequence, files in _by_sequence(folder, 'camera.json').items()}


def _by_sequence(folder, ending):
    """{sequence: list of `Frame`s} of the files with an ending; names omit the ending."""
    found = {}
    for match in filter(None, map(_NAME.fullmatch, list_folder(folder))):
        if match.group(4) == ending:
            found.setdefault(match.group(2), []).append(Frame(
                int(match.group(3)), match.group(1), os.path.join(folder, match.group(0))))
    return found


def labelled_frame(number, labelled):
    """The number in `labelled` whose clip contains frame `number`, or None.

    If clips overlap, the clip with the nearer middle is used.
    """
    offset = (FRAMES_BEFORE_LABEL - FRAMES_AFTER_LABEL) / 2
    inside = [label for label in labelled
              if label - FRAMES_BEFORE_LABEL <= number <= label + FRAMES_AFTER_LABEL]
    return min(inside, key=lambda label: abs(number - (label - offset)), default=None)


def read_camera(path, size=None):
    """Reads float64 [3, 3] from a camera file, pixels of image files of `size` (height, width)."""
    content = read_json(path)
    try:
        numbers = finite_numbers(content['intrinsic'][key] for key in ('fx', 'fy', 'u0', 'v0'))
    except (KeyError, TypeError, OverflowError):
        numbers = None
    if numbers is None:
        raise UserError('camera file %s: must have finite numbers fx, fy, u0, v0 under '
                        '"intrinsic"' % path)
    camera = camera_matrix(*numbers)
    check_camera(camera, 'camera file %s' % path, size)
    return camera
