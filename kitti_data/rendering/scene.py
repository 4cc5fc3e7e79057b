"""A scene: everything that a synthetic sequence is made from, told by a few numbers."""
import dataclasses
import functools
import os
import zlib

import numpy as np

from kitti_data import poses
from kitti_data.rendering.drive import Drive, make_drive
from kitti_data.rendering.world import World, exact_flow, render_depth, render_image
from vo_common.errors import UserError
from vo_common.files import read_json, write_json

BASELINE = 0.54  # metres between the left and the right camera, as on KITTI's car
FRAME_SECONDS = 0.1
# Velodyne axes (x forward, y left, z up) to those of camera 0; the scanner is 8 cm above it.
VELO_TO_CAM = np.array([[0, -1, 0, 0], [0, 0, -1, -0.08], [1, 0, 0, -0.27]], np.float64)
SCENE_FILE = 'synthetic.json'


@dataclasses.dataclass(frozen=True)
class Scene:
    """One drive through one world, seen by KITTI's four cameras.

    The pictures of equal scenes are equal. `first_static`..`end_static` are the frames at which the
    car stands (none where they are equal). Sizes in pixels, speeds in metres a frame.
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

    def __post_init__(self):
        for name, least in (('num_frames', 2), ('height', 16), ('width', 16)):
            if getattr(self, name) < least:
                raise UserError('%s=%d: must be at least %d for a rendered drive' % (
                    name, getattr(self, name), least))
        if not 0 < self.min_speed <= self.max_speed:
            raise UserError('min_speed=%g, max_speed=%g: must be 0 < min_speed <= max_speed' % (
                self.min_speed, self.max_speed))

    @property
    def intrinsics(self):
        """<float64>[3, 3] of all cameras: KITTI's field of view at this size."""
        scale_x, scale_y = self.width / 1242, self.height / 375
        return np.array([[721.5377 * scale_x, 0, 609.5593 * scale_x],
                         [0, 721.5377 * scale_y, 172.854 * scale_y], [0, 0, 1]])

    @property
    def drive(self):
        """The `Drive`; cached, as is the world, for the last few scenes."""
        return _drive(self)

    @property
    def world(self):
        """The `World` along the drive's road."""
        return _world(self)

    @property
    def poses(self):
        """<float64>[N, 4, 4] of the left cameras, in the frame of the first one, as KITTI's are."""
        cam_to_world = self.drive.cam_to_world
        # Rounded to picometres: the last bits of sines differ by machine. + 0 turns -0 to 0.
        return np.round(poses.relative(cam_to_world[:1], cam_to_world), 12) + 0.0

    def projection(self, camera):
        """[3, 4] KITTI's P of camera 0..3: 1 and 3 stand BASELINE to the right of 0 and 2."""
        offset = np.array([[-BASELINE * (camera % 2)], [0], [0]])
        return self.intrinsics @ np.hstack([np.eye(3), offset])

    def cam_to_world(self, frame, camera=2):
        """<float64>[4, 4] where `camera` 0..3 stands at `frame`."""
        pose = self.drive.cam_to_world[frame].copy()
        pose[:3, 3] += pose[:3, 0] * BASELINE * (camera % 2)
        return pose

    def image(self, frame, camera=2):
        """<uint8>[H, W, 3], also for the gray cameras."""
        return render_image(self.world, self.cam_to_world(frame, camera), self.intrinsics,
                            self.height, self.width)

    def depth(self, frame, camera=2):
        """<float32>[H, W] exact metres along the optical axis, 0 for sky."""
        return render_depth(self.world, self.cam_to_world(frame, camera), self.intrinsics,
                            self.height, self.width)

    def flow(self, frame, other_frame, camera=2, other_camera=2):
        """Exact flow between two pictures, as `exact_flow`: flow, occ, noc."""
        return exact_flow(self.world, self.cam_to_world(frame, camera),
                          self.cam_to_world(other_frame, other_camera), self.intrinsics,
                          self.height, self.width)

    def save(self, folder):
        """Notes the scene in `folder`, so that `load_scene` can give the truth of its pictures.

        Raises:
          UserError: the folder already holds the pictures of another scene.
        """
        path = os.path.join(folder, SCENE_FILE)
        if os.path.exists(path) and load_scene(folder) != self:
            raise UserError('%s holds another synthetic sequence (%s); remove it or choose another '
                            'folder' % (folder, load_scene(folder)))
        write_json(path, dataclasses.asdict(self))


def load_scene(folder):
    """The `Scene` whose pictures are in `folder` (the one `Scene.save` was given)."""
    path = os.path.join(folder, SCENE_FILE)
    values = read_json(path)
    try:
        return Scene(**values)
    except TypeError as error:
        raise UserError('%s does not describe a synthetic scene: %s' % (path, error)) from error


def _seed(scene):
    """Differs for every name, whatever other sequences are made along with it."""
    return zlib.crc32(('%d/%s' % (scene.seed, scene.name)).encode()) % 2 ** 31


@functools.lru_cache(maxsize=4)
def _drive(scene) -> Drive:
    return make_drive(scene.num_frames, _seed(scene), scene.min_speed, scene.max_speed,
                      (scene.first_static, scene.end_static))


@functools.lru_cache(maxsize=2)
def _world(scene) -> World:
    return World.along(scene.drive.road, _seed(scene))
