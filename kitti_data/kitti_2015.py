"""The layouts of KITTI's flow benchmarks: scenes of a few frames, with ground truth for frame 10.

2015: `training/{image_2,flow_noc,flow_occ,disp_noc_0,...}/NNNNNN_10.png` with
`calib_cam_to_cam/NNNNNN.txt`; 2012: `training/{colored_0,image_0,...}` with `calib/NNNNNN.txt`;
`testing/` is like `training/`.
"""
import os
import re

from kitti_data.calibration import Calibration, typed_camera
from kitti_data.frame_files import natural_order
from vo_common.errors import UserError
from vo_common.files import list_folder, require_file

REFERENCE = 10  # number of the frame that has ground truth
_REFERENCE_NAME = re.compile(r'([0-9]{1,18})_%02d\.png' % REFERENCE)
# Folders of images: (camera, its key in the calibration), in KITTI 2015 and then in 2012, whose
# cameras 0 and 1 are gray.
_CAMERAS = {'image_2': (2, 'P_rect_02'), 'image_3': (3, 'P_rect_03'), 'colored_0': (2, 'P2'),
            'colored_1': (3, 'P3'), 'image_0': (0, 'P0'), 'image_1': (1, 'P1')}
_PARTS = ('training', 'testing', '')
DEFAULT_CAMERA = 2  # as of --camera


def reference_names(folder, what='image'):
    """The `NNNNNN` of all `NNNNNN_10.png` in `folder`, ascending.

    Raises a UserError if there are none; it calls the files `what`.
    """
    names = _names_in(folder)
    if not names:
        raise UserError('no %s NNNNNN_%02d.png in %s' % (what, REFERENCE, folder))
    return names


def _names_in(folder):
    matches = map(_REFERENCE_NAME.fullmatch, list_folder(folder) if os.path.isdir(folder) else ())
    return sorted((match.group(1) for match in matches if match), key=natural_order)


class FlowScenes:
    """The scenes of `training/` or `testing/` of a flow benchmark, seen by one camera.

    Args:
      folder: folder of the images, such as `training/image_2`.
      calib_root: parent of the calibration folder; empty for the parent of `folder`.

    Attributes:
      names: the `NNNNNN` of the scenes, ascending; a UserError if there are none.
    """

    def __init__(self, folder, calib_root=''):
        part, name = os.path.split(folder)
        self.folder, self.names = folder, reference_names(folder)
        self._camera_key = _CAMERAS[name][1]
        self.calib_folder = os.path.join(calib_root or part, (
            'calib_cam_to_cam' if self._camera_key.startswith('P_rect') else 'calib'))

    def frame_paths(self, name, length):
        """The paths of `length` frames of a scene, in time order, the reference in the middle.

        Raises a UserError if a frame does not exist.
        """
        first = REFERENCE - length // 2
        return [require_file(os.path.join(self.folder, '%s_%02d.png' % (name, frame)),
                             'frame of a KITTI flow snippet', 'snippets of %d frames need the '
                             'multi-view extension' % length)
                for frame in range(first, first + length)]

    def calibration_path(self, name):
        """The calibration file of a scene; a UserError if it does not exist."""
        return require_file(os.path.join(self.calib_folder, name + '.txt'),
                            'KITTI flow calibration', 'or give --intrinsics=fx,fy,cx,cy')

    def camera(self, name, size, intrinsics=()):
        """float64 [3, 3] of --intrinsics if given, else of a scene's calibration.

        It is in pixels of the scene's files, of `size` (height, width).
        """
        if len(intrinsics):
            return typed_camera(intrinsics, size)
        calibration = Calibration(self.calibration_path(name))
        return calibration.projection(self._camera_key, size)[:, :3]


def find_flow_scenes(path, camera):
    """The <FlowScenes> at `path`, or None if it is not a flow benchmark.

    Args:
      path: the folder of KITTI 2015 or 2012 (`training/` is preferred to `testing/`), one of these
        parts, or a folder of images in it.
      camera: 0..3, used if `path` names none; a UserError if the scenes are only of others.
    """
    others = {}
    for folder in [path] + [os.path.join(path, part, name) for part in _PARTS for name in _CAMERAS]:
        name = os.path.basename(folder)
        if name in _CAMERAS and _names_in(folder):
            number, _ = _CAMERAS[name]
            if camera == number or folder == path and camera == DEFAULT_CAMERA:
                return FlowScenes(folder)
            others[name] = number
    if others:
        raise UserError('--camera=%d: %s has no such camera, must be that of %s' % (
            camera, path, ' or '.join('%s (--camera=%d)' % other for other in others.items())))
    return None
