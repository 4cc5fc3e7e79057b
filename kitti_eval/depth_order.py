"""Which depth map is of which image, by the names that test_depth writes beside its .npy file."""
import itertools
import os
import re

from vo_common.errors import UserError
from vo_common.files import read_json

# A raw or odometry image: drive or sequence, camera, and the digits of its name.
_KITTI_IMAGE = re.compile(r'([^/]+)/image_0?([0-3])/(?:data/)?([0-9]+)\.[^./]+$')


def in_order_of(split, depths, path):
    """The depth maps of a split's images, in their order.

    Args:
      split: one of `depth_splits`.
      depths: <float>[n, H, W] in the file `path`, maps of at least the split's images where
        `<path without .npy>.json` names them; without that file just of those, in their order.

    Returns:
      Sequence of N <float>[H, W].

    Raises:
      UserError: an image has no depth map, or the numbers differ and nothing names the images.
    """
    names_path = os.path.splitext(path)[0] + '.json'
    found = _predicted_images(names_path)
    if found is None:
        if len(depths) != len(split.names):
            raise UserError('%s holds %d depth maps, the split has %d images' % (
                path, len(depths), len(split.names)))
        return depths
    if len(found) != len(depths):
        raise UserError('%s names %d images, but %s holds %d depth maps: must be of one run' % (
            names_path, len(found), path, len(depths)))
    wanted = [_key(split.image_path(index)) for index in range(len(split.names))]
    if len(found) == len(wanted) and all(map(_same, wanted, found)):
        return depths
    places = {key: place for place, key in enumerate(found)}
    absent = [place for place, key in enumerate(wanted) if key not in places]
    if len(absent) == len(wanted):  # Names of another kind may be right as far as they go.
        absent = [place for place, keys in enumerate(itertools.zip_longest(
            wanted, found, fillvalue=())) if not _same(*keys)]
    if absent:
        there, here = ('/'.join(keys[absent[0]]) if absent[0] < len(keys) else 'nothing'
                       for keys in (found, wanted))
        raise UserError('%s: image %d of the split is %s, where %s names %s (predict and score the '
                        'same images)' % (path, absent[0] + 1, here, names_path, there))
    return [depths[places[key]] for key in wanted]


def _predicted_images(path):
    """List of the `_key`s of the images that a JSON file of test_depth names; None of no such."""
    content = read_json(path) if os.path.exists(path) else None
    names = content.get('images') if isinstance(content, dict) else None
    if not isinstance(names, list):
        return None
    folder = str(content.get('folder', ''))
    return [_key(os.path.join(folder, str(name))) for name in names]


def _key(path):
    """(drive or sequence, camera, digits) of an image of KITTI raw or odometry, else (name,)."""
    match = _KITTI_IMAGE.search(path.replace(os.sep, '/'))
    return match.groups() if match else (os.path.splitext(os.path.basename(path))[0],)


def _same(one, other):
    """Whether two `_key`s are of one image, as far as the less complete of them says."""
    return one == other or min(len(one), len(other)) == 1 and one[-1:] == other[-1:]
