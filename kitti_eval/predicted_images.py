"""Matches predictions with images by the JSON files of test_depth and test_flow."""
import os
import re

from kitti_data.kitti_2015 import REFERENCE
from vo_common.errors import UserError
from vo_common.files import read_json

# An image of KITTI raw or odometry: drive or sequence, camera, digits of the name.
_KITTI_IMAGE = re.compile(r'([^/]+)/image_0?([0-3])/(?:data/)?([0-9]+)\.[^./]+$')
# An image of KITTI 2015 or 2012: part, camera, name.
_BENCHMARK_IMAGE = re.compile(
    r'(training|testing)/(image_[0-3]|colored_[01])/([0-9]+_[0-9]{2})\.[^./]+$')
# Cameras with true flow: of KITTI 2015; of 2012, gray or colour.
_FLOW_CAMERAS = ('image_2', 'colored_0', 'image_0')
# An image with true flow, by folder and camera, or formatted from it.
_FLOW_IMAGE = re.compile(r'(?<!testing)/(%s)/([0-9]+)_%02d\.png$|/sub_folder_02/([0-9]+)\.jpg$'
                         % ('|'.join(_FLOW_CAMERAS), REFERENCE))


def depths_in_order(images, depths, path):
    """List of the depth maps <float>[H, W] of the images with these paths, in their order.

    `depths` [n, H, W] are those in the file `path`. If `<path without .npy>.json` names their
    images, these must include `images`; otherwise the counts must agree. Raises a UserError if not.
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


def flow_cameras(training):
    """Names of the folders in `training` whose images have true flow; KITTI 2015's without any."""
    return [name for name in _FLOW_CAMERAS if os.path.isdir(os.path.join(training, name))] or (
        list(_FLOW_CAMERAS[:1]))


def require_flow_images(path, cameras=_FLOW_CAMERAS):
    """Raises a UserError if the JSON file `path` of test_flow names images not of `cameras`."""
    for image in _named_images(path) or ():
        match = _FLOW_IMAGE.search(image)
        if not match or match.group(1) not in (None, *cameras):
            raise UserError(
                '%s: the flow is for images such as %s, must be for training/%s/NNNNNN_%02d.png of '
                'the benchmark (predict with its folder as --dataset_dir)' % (
                    path, image, cameras[0], REFERENCE))


def _named_images(path):
    """List of the image paths in the JSON file `path`; None if it has none."""
    content = read_json(path) if os.path.exists(path) else None
    names = content.get('images') if isinstance(content, dict) else None
    if not isinstance(names, list):
        return None
    folder = str(content.get('folder', ''))
    return [os.path.join(folder, str(name)).replace(os.sep, '/') for name in names]


def _key(path):
    """(drive, sequence or part, camera, digits) of an image of KITTI, else (name,)."""
    path = path.replace(os.sep, '/')
    match = _BENCHMARK_IMAGE.search(path) or _KITTI_IMAGE.search(path)
    return match.groups() if match else (os.path.splitext(os.path.basename(path))[0],)
