"""A scene: the parameters that define a synthetic sequence, with its images and exact truth."""
import dataclasses
import functools
import os
import zlib

import numpy as np

from kitti_data import poses
from kitti_data.rendering.raycast import cast_pixels
from kitti_data.rendering.street import CAMERA_HEIGHT, make_drive
from kitti_data.rendering.world import World, render_image
from vo_common.errors import UserError
from vo_common.files import read_json, write_json

BASELINE = 0.54  # metres between the left and the right camera, as on KITTI's car
SCENE_FILE = 'synthetic.json'
_OPTIONAL = ('zoom', 'camera_height')  # fields that are not saved if they have their defaults
_OCCLUSION_TOLERANCE = 1e-3  # relative difference of depth beyond which a point is hidden


@dataclasses.dataclass(frozen=True)
class Scene:
    """One drive through one world, seen by KITTI's four cameras.

    Equal scenes have equal images. The car stands still from frame `first_static` up to, but not
    including, `end_static` (never if they are equal). Sizes are in pixels, speeds in metres per
    frame, the height of the camera above the road in metres; `zoom` multiplies KITTI's focal
    length.
    """
    name: str
    seed: int
    num_frames: int
    height: int = 128
    width: int = 416
    min_speed: float = 0.25
    max_speed: float = 1.2
    first_static: int = 0
    end_static: int = 0
    zoom: float = 1.0
    camera_height: float = CAMERA_HEIGHT

    def __post_init__(self):
        if not 0 < self.min_speed <= self.max_speed:
            raise UserError('min_speed=%g, max_speed=%g: must be 0 < min_speed <= max_speed' % (
                self.min_speed, self.max_speed))

    @property
    def intrinsics(self):
        """<float64>[3, 3] of all cameras, with KITTI's field of view unless zoomed."""
        scale_x, scale_y = self.width / 1242, self.height / 375
        return np.array([[721.5377 * self.zoom * scale_x, 0, 609.5593 * scale_x],
                         [0, 721.5377 * self.zoom * scale_y, 172.854 * scale_y], [0, 0, 1]])

    @property
    @functools.lru_cache(maxsize=4)
    def drive(self):
        """The `Drive`; drives and worlds of the last few scenes are cached."""
        return make_drive(self.num_frames, self._random_seed, self.min_speed, self.max_speed,
                          (self.first_static, self.end_static), self.camera_height)

    @property
    @functools.lru_cache(maxsize=2)
    def world(self):
        """The `World` along the drive's road."""
        return World.along(self.drive.road, self._random_seed)

    @property
    def _random_seed(self):
        """A seed that depends only on the scene's seed and name."""
        return zlib.crc32(('%d/%s' % (self.seed, self.name)).encode()) % 2 ** 31

    @property
    def poses(self):
        """<float64>[N, 4, 4] of the left cameras, relative to the first frame as in KITTI."""
        cam_to_world = self.drive.cam_to_world
        # Rounded to picometres, since the last bits of sines depend on the machine. + 0 turns -0
        # into 0.
        return np.round(poses.relative(cam_to_world[:1], cam_to_world), 12) + 0.0

    def projection(self, camera):
        """[3, 4], KITTI's P of camera 0..3; 1 and 3 are BASELINE to the right of 0 and 2."""
        offset = np.array([[-BASELINE * (camera % 2)], [0], [0]])
        return self.intrinsics @ np.hstack([np.eye(3), offset])

    def cam_to_world(self, frame, camera=2):
        """<float64>[4, 4] pose of `camera` 0..3 at `frame`."""
        pose = self.drive.cam_to_world[frame].copy()
        pose[:3, 3] += pose[:3, 0] * BASELINE * (camera % 2)
        return pose

    def image(self, frame, camera=2):
        """<uint8>[H, W, 3], in colour even for the gray cameras."""
        return render_image(self.world, self.cam_to_world(frame, camera), self.intrinsics,
                            self.height, self.width)

    def depth(self, frame):
        """<float32>[H, W] metres along the left cameras' axis at pixel centres, 0 for sky."""
        return cast_pixels(self.world.boxes, self.cam_to_world(frame), self.intrinsics,
                           *self._pixels(), on_grid=True).depth

    def flow(self, frame, other_frame, other_camera=2):
        """Exact optical flow from an image of camera 2 to another image.

        Returns:
          flow <float32>[H, W, 2] pixels, x first; occ <bool>[H, W], true where there is a flow (not
          in the sky, nor behind the other camera); noc <bool>[H, W], true where the point is also
          visible in the other image: inside and not hidden.
        """
        pixels = np.stack(self._pixels() + [np.ones((self.height, self.width))], -1)
        depth = self.depth(frame).astype(np.float64)
        points = depth[..., None] * (pixels @ np.linalg.inv(self.intrinsics).T)
        other_to_world = self.cam_to_world(other_frame, other_camera)
        cam_to_other = np.linalg.inv(other_to_world) @ self.cam_to_world(frame)
        points = points @ cam_to_other[:3, :3].T + cam_to_other[:3, 3]
        occ = (depth > 0) & (points[..., 2] > 0.1)
        projected = points @ np.transpose(self.intrinsics)
        target = projected[..., :2] / np.where(occ, projected[..., 2], 1)[..., None]
        target[~occ] = 0
        seen_depth = cast_pixels(self.world.boxes, other_to_world, self.intrinsics,
                                 target[..., 0], target[..., 1]).depth
        hidden = np.abs(seen_depth - points[..., 2]) > _OCCLUSION_TOLERANCE * points[..., 2]
        # Tolerates rounding at the border, which a stereo pair maps onto itself.
        inside = ((target > -1e-6) & (target < [self.width - 1 + 1e-6,
                                                self.height - 1 + 1e-6])).all(-1)
        flow = np.where(occ[..., None], target - pixels[..., :2], 0)
        return flow.astype(np.float32), occ, occ & inside & ~hidden

    def _pixels(self):
        return list(np.meshgrid(np.arange(self.width), np.arange(self.height)))

    def save(self, folder):
        """Writes the scene to `folder`; a UserError if that holds the images of another scene."""
        path = os.path.join(folder, SCENE_FILE)
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)
                  if field.name not in _OPTIONAL or getattr(self, field.name) != field.default}
        before = read_json(path) if os.path.exists(path) else values
        if before != values:
            raise UserError('%s holds another synthetic sequence (%s); remove it or choose another '
                            'folder' % (folder, before))
        write_json(path, values)
