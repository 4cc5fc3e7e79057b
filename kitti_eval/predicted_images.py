"""Matches predictions with images by the JSON files of test_depth and test_flow."""
import os
import re

from kitti_data.kitti_2015 import REFERENCE
from vo_common.errors import UserError
from vo_common.files import read_json

# An image of KITTI raw or odometry: drive or sequence, camera, digits of the name.
_KITTI_IMAGE = re.compile(r'([^/]+)/image_0?([0-3])/(?:data/)?([0-9]+)\.[^./]+$')
# An image with true flow: of KITTI 2015 or 2012, or formatted from it.
_FLOW_IMAGE = re.compile(r'(?<!testing)/(?:image_2|image_0|colored_0)/([0-9]+)_%02d\.png$'
                         r'|/sub_folder_02/([0-9]+)\.jpg$' % REFERENCE)


def depths_in_order(images, depths, path):
    """The depth maps of images, in their order.

    Args:
      images: paths of N images.
      depths: <float>[n, H, W] in the file `path`. If `<path without .npy>.json` names their images,
        these must include `images`; otherwise they must be exactly those, in order.

    Returns:
      List of N <float>[H, W].

    Raises:
      UserError: an image has no depth map, or the counts differ and no file names the images.
    """
    names_path = os.path.splitext(path)[0] + '.json'
    named = _named_images(names_path)
    if named is None:
        if len(depths) != len(images):
            raise UserError('%s holds %d depth maps, the split has %d images' % (
                path, len(depths), len(images)))
        return list(depths)
    if len(named) != len(depths):
        raise UserError('%s names %d images, but %s holds %d depth maps: must be from the same run'
                        % (names_path, len(named), path, len(depths)))
    found = list(map(_key, named))
    places = {key: place for place, key in enumerate(found)}
    ordered = []
    for place, key in enumerate(map(_key, images)):
        there = found[place] if place < len(found) else ('nothing',)
        # A name without drive and camera is identified only by its place in the list.
        if key not in places and not (1 in (len(key), len(there)) and key[-1] == there[-1]):
            raise UserError('%s: image %d of the split is %s, where %s names %s (predict and score '
                            'the same images)' % (path, place + 1, '/'.join(key), names_path,
                                                  '/'.join(there)))
        ordered.append(depths[places.get(key, place)])
    return ordered


def require_flow_images(path):
    """Raises a UserError if the JSON file `path` of test_flow names images without true flow."""
    for image in _named_images(path) or ():
        if not _FLOW_IMAGE.search(image):
            raise UserError(
                '%s: the flow is for images such as %s, must be for training/image_2/NNNNNN_'
                '%02d.png of KITTI 2015 (predict with --dataset_dir=KITTI_2015)' % (
                    path, image, REFERENCE))


def _named_images(path):
    """List of the image paths in the JSON file `path`; None if it has none."""
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
