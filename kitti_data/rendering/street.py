"""A synthetic road, a drive along it, and the houses, walls, cars and trees on both sides.

World axes follow the camera: x right, y down, z forward; the ground is y = 0. A heading of 0 points
along z, a positive heading to the right (towards x). Units are metres and radians. Lateral
distances are measured to the right of the centre line: asphalt up to 5.2 m on both sides (the outer
1.9 m for parking), pavement up to 7.2 m, then grass.
"""
from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from kitti_data.poses import from_parts
from kitti_data.rendering.textures import MATERIALS

CAMERA_HEIGHT = 1.65
LANE_OFFSET = 1.7  # distance of the camera to the right of the centre line
ASPHALT_EDGE = 5.2
PAVEMENT_EDGE = 7.2
ROAD_SPACING = 0.1
_ROAD_BEHIND, _ROAD_AHEAD = 40.0, 130.0
_MAX_YAW_RATE = 0.05  # radians per frame


class Road(NamedTuple):
    """The centre line, sampled every ROAD_SPACING metres."""
    points: np.ndarray  # [P, 2] x and z
    headings: np.ndarray  # [P]
    curvatures: np.ndarray  # [P] 1/metres, positive to the right


class Drive(NamedTuple):
    """A road and the camera's path along it."""
    road: Road
    cam_to_world: np.ndarray  # <float64>[N, 4, 4]


class Boxes(NamedTuple):
    """M upright boxes in world coordinates."""
    center: np.ndarray  # <float64>[M, 3]
    half_size: np.ndarray  # <float64>[M, 3] along the box's right, down, forward
    heading: np.ndarray  # <float64>[M]
    material: np.ndarray  # <int32>[M] index into MATERIALS
    tint: np.ndarray  # <float32>[M, 3] multiplies the material's colour
    shift: np.ndarray  # <float32>[M] sideways shift of the texture, metres


def make_drive(num_frames, seed, min_speed, max_speed, static_frames, camera_height):
    """A random `Drive`: straights and curves, speeding up and slowing down.

    Args:
      num_frames, seed: number of camera poses; seed of the road and the speeds.
      min_speed, max_speed: metres per frame; about 60 frames cover the whole range, and curves are
        driven more slowly.
      static_frames: (first, end): the car stands still from frame `first` to frame `end` - 1.
      camera_height: metres above the road.
    """
    rng = np.random.RandomState(seed)
    road = _make_road(np.random.RandomState(rng.randint(2 ** 31)),
                      num_frames * max_speed + _ROAD_BEHIND + _ROAD_AHEAD)
    distances = _distances(rng, road, num_frames, min_speed, max_speed, static_frames)
    return Drive(road, _camera_poses(rng, road, distances, camera_height))


def locate(road, distance):
    """Point [..., 2] and heading [...] of the centre line at `distance` metres from its start."""
    knots = np.arange(len(road.points)) * ROAD_SPACING
    point = np.stack([np.interp(distance, knots, road.points[:, i]) for i in (0, 1)], -1)
    return point, np.interp(distance, knots, road.headings)


def right_of(heading):
    """Unit vector (x, z) to the right of a heading. [...] -> [..., 2]."""
    return np.stack([np.cos(heading), -np.sin(heading)], -1)


def _make_road(rng, length):
    """Straights of 6 to 25 m between curves of 25 to 85 degrees and 13 to 28 m radius."""
    curvatures = [np.zeros(int(_ROAD_BEHIND / ROAD_SPACING))]
    heading = 0.0
    while sum(map(len, curvatures)) * ROAD_SPACING < length:
        curvatures.append(np.zeros(int(rng.uniform(6, 25) / ROAD_SPACING)))
        angle, radius = np.radians(rng.uniform(25, 85)), rng.uniform(13, 28)
        # Tends back towards the first heading, so that few roads cross themselves.
        sign = 1 if rng.uniform() < 0.5 - 0.45 * np.tanh(heading) else -1
        curvatures.append(np.full(int(angle * radius / ROAD_SPACING), sign / radius))
        heading += sign * angle
    # A steering wheel turns gradually: 6 m from straight to full lock.
    window = np.hanning(int(6 / ROAD_SPACING))
    curvature = np.convolve(np.concatenate(curvatures), window / window.sum(), mode='same')
    headings = np.cumsum(curvature) * ROAD_SPACING
    steps = ROAD_SPACING * np.stack([np.sin(headings), np.cos(headings)], -1)
    return Road(np.cumsum(steps, axis=0), headings, curvature)


def _distances(rng, road, num_frames, min_speed, max_speed, static_frames):
    """Distance of each frame along the centre line in metres, [N]."""
    frames = np.arange(num_frames)
    wave = np.zeros(num_frames)
    for period, weight in ((rng.uniform(45, 70), 1.0), (rng.uniform(17, 30), 0.6)):
        wave += weight * np.sin(2 * np.pi * (frames / period + rng.uniform()))
    desired = min_speed + (max_speed - min_speed) * (0.5 + 0.5 * np.clip(wave / 1.2, -1, 1))
    distances = np.empty(num_frames)
    distance, speed = _ROAD_BEHIND, desired[0]
    for frame in frames:
        distances[frame] = distance
        if static_frames[0] <= frame < static_frames[1] - 1:
            speed = 0.0
            continue
        ahead = int(distance / ROAD_SPACING) + np.arange(int(4 / ROAD_SPACING))
        sharpest = np.abs(road.curvatures[ahead]).max()
        limit = max(min_speed, _MAX_YAW_RATE / max(sharpest, 1e-6))
        speed += np.clip(min(desired[frame], limit) - speed, -0.12, 0.09)
        distance += speed
    return distances


def _camera_poses(rng, road, distances, camera_height):
    """[N, 4, 4] camera to world: in the right lane, swaying slightly like a car."""
    point, heading = locate(road, distances)
    point = point + LANE_OFFSET * right_of(heading)
    pitch, roll, rise = [amplitude * np.sin(distances / rng.uniform(3, 9) + rng.uniform(0, 6))
                         for amplitude in (0.004, 0.004, 0.015)]
    rotations = Rotation.from_euler('YXZ', np.stack([heading, pitch, roll], -1)).as_matrix()
    return from_parts(rotations, np.stack([point[:, 0], rise - camera_height, point[:, 1]], -1))


class _Builder:
    """Collects the boxes of a street, and rejects those that block the road."""

    def __init__(self, rng, road):
        self.rng = rng
        self.length = len(road.points) * ROAD_SPACING
        self._road = road
        self._centre_line = road.points[::5]
        self._lane = (road.points + LANE_OFFSET * right_of(road.headings))[::5]
        self._rows = []

    def place(self, distance, lateral, size, material, tint=None, *, clearance, bottom=0.0,
              shift=None, turned=0.0):
        """Adds a box at `distance` along the road; returns False if it blocks the road.

        Args:
          distance, lateral: position of the centre of the box.
          size: (width across the road, height, length along the road).
          bottom: height above the ground.
          clearance: least distance from the centre line; the distance from the lane is always at
            least 1.6 m.
          turned: rotation of the box relative to the road, in radians.
        """
        point, heading = locate(self._road, distance)
        center = point + lateral * right_of(heading)
        heading = heading + turned
        half = np.array(size) / 2
        if (_gap(center, half, heading, self._centre_line) < clearance or
                _gap(center, half, heading, self._lane) < 1.6):
            return False
        tint = self.tint(0.15) if tint is None else tint
        shift = self.rng.uniform(0, 30) if shift is None else shift
        self._rows.append(([center[0], -bottom - half[1], center[1]], half, heading,
                           MATERIALS.index(material), tint, shift))
        return True

    def tint(self, spread):
        """A random brightness and hue, [3]."""
        return self.rng.uniform(0.7, 1.15) * self.rng.uniform(1 - spread, 1 + spread, 3)

    def boxes(self):
        """The `Boxes` placed so far."""
        dtypes = (np.float64, np.float64, np.float64, np.int32, np.float32, np.float32)
        return Boxes(*(np.array(column, dtype) for column, dtype in zip(zip(*self._rows), dtypes)))


def build_street(road, seed):
    """The random `Boxes` along a `Road`; none is nearer than 1.6 m to the lane."""
    builder = _Builder(np.random.RandomState(seed), road)
    for side in (-1, 1):
        for furnish, first, last in _FURNISHINGS:
            distance = builder.rng.uniform(2, 8) if first is None else first
            while distance < builder.length - last:
                distance += furnish(builder, builder.rng, side, distance)
    return builder.boxes()


def _gap(center, half, heading, points):
    """Least distance of `points` [P, 2] to the box's outline on the ground."""
    delta = points - center
    right, ahead = right_of(heading), np.array([np.sin(heading), np.cos(heading)])
    outside = np.stack([np.abs(delta @ right) - half[0], np.abs(delta @ ahead) - half[2]], -1)
    return np.linalg.norm(np.maximum(outside, 0), axis=-1).min()


def _house(builder, rng, side, distance):
    length, depth = rng.uniform(6, 15), rng.uniform(6, 9)
    height, setback = rng.uniform(4, 11), rng.uniform(8, 10.5)
    material = ('brick', 'plaster', 'plaster', 'concrete')[rng.randint(4)]
    tint = builder.tint(0.12)
    for extra in (0, 1.5, 3, 5):
        lateral = side * (setback + extra + depth / 2)
        if builder.place(distance + length / 2, lateral, (depth, height, length), material, tint,
                         clearance=PAVEMENT_EDGE + 0.5):
            break
    return length + (0 if rng.uniform() < 0.4 else rng.uniform(1, 5))


def _garden_front(builder, rng, side, distance):
    length = rng.uniform(2.5, 6)
    if rng.uniform() < 0.6:
        material = ('hedge', 'concrete', 'brick')[rng.randint(3)]
        height = rng.uniform(0.6, 0.9) if material == 'brick' else rng.uniform(0.7, 1.9)
        builder.place(distance + length / 2, side * (PAVEMENT_EDGE + 0.35),
                      (0.3 if material != 'hedge' else 0.6, height, length), material,
                      clearance=PAVEMENT_EDGE - 0.1)
    return length + rng.uniform(0, 2)


def _parked_car(builder, rng, side, distance):
    if rng.uniform() < 0.55:
        tint = rng.uniform(0.25, 1.3) * rng.uniform(0.75, 1.1, 3)
        lateral = side * (4.25 + rng.uniform(-0.1, 0.15))
        length, width = rng.uniform(3.8, 4.5), rng.uniform(1.65, 1.8)
        # No sideways shift, because the texture shows the wheels.
        shape = dict(tint=tint, shift=0, turned=rng.uniform(-0.04, 0.04), clearance=3.2)
        if builder.place(distance, lateral, (width, 0.8, length), 'car', bottom=0.17, **shape):
            builder.place(distance - 0.1, lateral, (width - 0.25, 0.52, 2.1), 'car', bottom=0.97,
                          **shape)
    return rng.uniform(5, 11)


def _pole_or_tree(builder, rng, side, distance):
    lateral = side * rng.uniform(5.6, 5.9)
    if rng.uniform() < 0.5:
        builder.place(distance, lateral, (0.16, rng.uniform(4, 6.5), 0.16), 'bark',
                      clearance=ASPHALT_EDGE)
    elif builder.place(distance, lateral, (0.28, 2.6, 0.28), 'bark', clearance=ASPHALT_EDGE):
        width = rng.uniform(1.5, 2.6)
        for level, share in ((2.2, 1.0), (3.6, 0.7)):
            builder.place(distance, lateral, (share * width, 1.5, share * width), 'hedge',
                          bottom=level, clearance=3.5, turned=rng.uniform(0, 1.5))
    return rng.uniform(7, 16)


def _high_block(builder, rng, side, distance):
    """A high block behind the houses; these close the gaps and leave little sky."""
    length = rng.uniform(10, 22)
    builder.place(distance + length / 2, side * rng.uniform(24, 36),
                  (10, rng.uniform(10, 18), length),
                  ('concrete', 'plaster', 'brick', 'hedge')[rng.randint(4)], clearance=14)
    return length + rng.uniform(2, 12)


# Function that may place something at a distance along the road and returns the metres to the next,
# distance of the first (None: 2 to 8 m, at random), and of the last from the end of the road.
_FURNISHINGS = ((_house, 2.0, 16), (_garden_front, 0.0, 8), (_parked_car, None, 6),
                (_pole_or_tree, None, 4), (_high_block, None, 20))
