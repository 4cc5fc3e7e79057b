"""The images that predictions are of, by the JSON files of test_depth and test_flow."""
import itertools
import os
import re

from kitti_data.kitti_2015 import REFERENCE
from vo_common.errors import UserError
from vo_common.files import read_json

# A raw or odometry image: drive or sequence, camera and the digits of its name.
_KITTI_IMAGE = re.compile(r'([^/]+)/image_0?([0-3])/(?:data/)?([0-9]+)\.[^./]+$')
# An image that true flow starts from: of KITTI 2015 or 2012, or formatted from one.
_FLOW_IMAGE = re.compile(r'(?<!testing)/(?:image_2|image_0|colored_0)/([0-9]+)_%02d\.png$'
                         r'|/sub_folder_02/([0-9]+)\.jpg$' % REFERENCE)


def depths_in_order(split, depths, path):
    """The depth maps of a split's images, in their order.

    Args:
      split: one of `depth_splits`.
      depths: <float>[n, H, W] in the file `path`: of at least the split's images if
        `<path without .npy>.json` names them; without that file, of exactly these in order.

    Returns:
      Sequence of N <float>[H, W].

    Raises:
      UserError: an image has no depth map, or the numbers differ and no file names the images.
    """
    names_path = os.path.splitext(path)[0] + '.json'
    named = _named_images(names_path)
    if named is None:
        if len(depths) != len(split.names):
            raise UserError('%s holds %d depth maps, the split has %d images' % (
                path, len(depths), len(split.names)))
        return depths
    if len(named) != len(depths):
        raise UserError('%s names %d images, but %s holds %d depth maps: must be of one run' % (
            names_path, len(named), path, len(depths)))
    found = list(map(_key, named))
    wanted = [_key(split.image_path(index)) for index in range(len(split.names))]
    if len(found) == len(wanted) and all(map(_same, wanted, found)):
        return depths
    places = {key: place for place, key in enumerate(found)}
    absent = [place for place, key in enumerate(wanted) if key not in places]
    if len(absent) == len(wanted):  # Keys of another kind: compare what they have in common.
        absent = [place for place, keys in enumerate(itertools.zip_longest(
            wanted, found, fillvalue=())) if not _same(*keys)]
    if absent:
        there, here = ('/'.join(keys[absent[0]]) if absent[0] < len(keys) else 'nothing'
                       for keys in (found, wanted))
        raise UserError('%s: image %d of the split is %s, where %s names %s (predict and score the '
                        'same images)' % (path, absent[0] + 1, here, names_path, there))
    return [depths[places[key]] for key in wanted]


def require_flow_images(path):
    """Raises a UserError if the JSON file `path` of test_flow names images without true flow."""
    for image in _named_images(path) or ():
        if not _FLOW_IMAGE.search(image):
            raise UserError(
                '%s: the flow is that of images such as %s, must be of training/image_2/NNNNNN_'
                '%02d.png of KITTI 2015 (predict with --dataset_dir=KITTI_2015)' % (
                    path, image, REFERENCE))


def _named_images(path):
    """List of the image paths in the JSON file `path`; None without them."""
    content = read_json(path) if os.path.exists(path) else None
    names = content.get('images') if isinstance(content, dict) else None
    if not isinstance(names, list):
        return None
    folder = str(content.get('folder', ''))
    return [os.path.join(folder, str(name)).replace(os.sep, '/') for name in names]


def _key(path):
    """(drive or sequence, camera, digits) of an image of KITTI raw or odometry, else (name,)."""
    match = _KITTI_IMAGE.search(path.replace(os.sep, '/'))
    return match.groups() if match else (os.path.splitext(os.path.basename(path))[0],)


def _same(one, other):
    """Whether two `_key`s agree in what both hold."""
    return one == other or min(len(one), len(other)) == 1 and one[-1:] == other[-1:]
