"""What stands along a synthetic road: houses, garden walls, hedges, parked cars, poles, trees.

Everything is an upright box. Lateral distances are metres to the right of the road's centre
line: asphalt to 5.2 on both sides (the outer 1.9 for parking), pavement to 7.2, then grass.
"""
from typing import NamedTuple

import numpy as np

from kitti_data.rendering.drive import LANE_OFFSET, ROAD_SPACING, locate, right_of
from kitti_data.rendering.textures import MATERIALS

ASPHALT_EDGE = 5.2
PAVEMENT_EDGE = 7.2


class Boxes(NamedTuple):
    """Upright boxes, M of them, in world coordinates (y down, ground at 0)."""
    center: np.ndarray  # <float64>[M, 3]
    half_size: np.ndarray  # <float64>[M, 3] along its own right, down, forward
    heading: np.ndarray  # <float64>[M]
    material: np.ndarray  # <int32>[M] index into MATERIALS
    tint: np.ndarray  # <float32>[M, 3] multiplies the material's colour
    shift: np.ndarray  # <float32>[M] metres by which the texture is moved sideways


class _Builder:
    """Collects boxes, refusing those that stand in the way."""

    def __init__(self, rng, road):
        self.rng = rng
        self.road = road
        self._centre_line = road.points[::5]
        self._lane = (road.points + LANE_OFFSET * right_of(road.headings))[::5]
        self._rows = []

    def place(self, distance, lateral, size, material, tint=None, bottom=0.0, clearance=0.0,
              lane_clearance=1.6, shift=None, turned=0.0):
        """Adds a box beside the road at `distance` along it; returns False if it is in the way.

        Args:
          distance, lateral: of the box's middle.
          size: (width across the road, height, length along the road).
          bottom: height above the ground.
          clearance, lane_clearance: least distance from the centre line and from the lane.
          turned: radians by which the box is turned against the road.
        """
        point, heading = locate(self.road, distance)
        center = point + lateral * right_of(heading)
        heading = heading + turned
        half = np.array(size) / 2
        if (_gap(center, half, heading, self._centre_line) < clearance or
                _gap(center, half, heading, self._lane) < lane_clearance):
            return False
        tint = self.tint(0.15) if tint is None else tint
        shift = self.rng.uniform(0, 30) if shift is None else shift
        self._rows.append(([center[0], -bottom - half[1], center[1]], half, heading,
                           MATERIALS.index(material), tint, shift))
        return True

    def tint(self, spread):
        return self.rng.uniform(0.7, 1.15) * self.rng.uniform(1 - spread, 1 + spread, 3)

    def boxes(self):
        dtypes = (np.float64, np.float64, np.float64, np.int32, np.float32, np.float32)
        return Boxes(*(np.array(column, dtype) for column, dtype in zip(zip(*self._rows), dtypes)))


def build_street(road, seed):
    """Lines `road` with boxes, the same for the same seed.

    Args:
      road: a `Road`.
      seed: of the random choices.

    Returns:
      `Boxes`; none is nearer than 1.6 m to the camera's lane.
    """
    rng = np.random.RandomState(seed)
    builder = _Builder(rng, road)
    for side in (-1, 1):
        _houses(builder, side)
        _garden_fronts(builder, side)
        _parked_cars(builder, side)
        _poles_and_trees(builder, side)
        _high_blocks(builder, side)
    return builder.boxes()


def _gap(center, half, heading, points):
    """Least distance of `points` [P, 2] to the box's outline on the ground."""
    delta = points - center
    right, ahead = right_of(heading), np.array([np.sin(heading), np.cos(heading)])
    outside = np.stack([np.abs(delta @ right) - half[0], np.abs(delta @ ahead) - half[2]], -1)
    return np.linalg.norm(np.maximum(outside, 0), axis=-1).min()


def _road_length(builder):
    return len(builder.road.points) * ROAD_SPACING


def _houses(builder, side):
    rng, distance = builder.rng, 2.0
    while distance < _road_length(builder) - 16:
        length, depth = rng.uniform(6, 15), rng.uniform(6, 9)
        height, setback = rng.uniform(4, 11), rng.uniform(8, 10.5)
        material = ('brick', 'plaster', 'plaster', 'concrete')[rng.randint(4)]
        tint = builder.tint(0.12)
        for extra in (0, 1.5, 3, 5):
            lateral = side * (setback + extra + depth / 2)
            if builder.place(distance + length / 2, lateral, (depth, height, length), material,
                             tint, clearance=PAVEMENT_EDGE + 0.5):
                break
        distance += length + (0 if rng.uniform() < 0.4 else rng.uniform(1, 5))


def _garden_fronts(builder, side):
    rng, distance = builder.rng, 0.0
    while distance < _road_length(builder) - 8:
        length = rng.uniform(2.5, 6)
        if rng.uniform() < 0.6:
            material = ('hedge', 'concrete', 'brick')[rng.randint(3)]
            height = rng.uniform(0.6, 0.9) if material == 'brick' else rng.uniform(0.7, 1.9)
            builder.place(distance + length / 2, side * (PAVEMENT_EDGE + 0.35),
                          (0.3 if material != 'hedge' else 0.6, height, length), material,
                          clearance=PAVEMENT_EDGE - 0.1)
        distance += length + rng.uniform(0, 2)


def _parked_cars(builder, side):
    rng, distance = builder.rng, builder.rng.uniform(2, 8)
    while distance < _road_length(builder) - 6:
        if rng.uniform() < 0.55:
            tint = rng.uniform(0.25, 1.3) * rng.uniform(0.75, 1.1, 3)
            lateral = side * (4.25 + rng.uniform(-0.1, 0.15))
            length, width, turned = rng.uniform(3.8, 4.5), rng.uniform(1.65, 1.8), rng.uniform(
                -0.04, 0.04)
            # The texture's sides have wheels where the body has them: no sideways shift.
            shape = dict(tint=tint, shift=0, turned=turned, clearance=3.2)
            if builder.place(distance, lateral, (width, 0.8, length), 'car', bottom=0.17, **shape):
                builder.place(distance - 0.1, lateral, (width - 0.25, 0.52, 2.1), 'car',
                              bottom=0.97, **shape)
        distance += rng.uniform(5, 11)


def _poles_and_trees(builder, side):
    rng, distance = builder.rng, builder.rng.uniform(2, 8)
    while distance < _road_length(builder) - 4:
        lateral = side * rng.uniform(5.6, 5.9)
        if rng.uniform() < 0.5:
            builder.place(distance, lateral, (0.16, rng.uniform(4, 6.5), 0.16), 'bark',
                          clearance=ASPHALT_EDGE)
        elif builder.place(distance, lateral, (0.28, 2.6, 0.28), 'bark', clearance=ASPHALT_EDGE):
            width = rng.uniform(1.5, 2.6)
            for level, share in ((2.2, 1.0), (3.6, 0.7)):
                builder.place(distance, lateral, (share * width, 1.5, share * width), 'hedge',
                              bottom=level, clearance=3.5, turned=rng.uniform(0, 1.5))
        distance += rng.uniform(7, 16)


def _high_blocks(builder, side):
    """Behind the houses: they close the gaps, so that little of the picture is sky."""
    rng, distance = builder.rng, builder.rng.uniform(2, 8)
    while distance < _road_length(builder) - 20:
        length = rng.uniform(10, 22)
        builder.place(distance + length / 2, side * rng.uniform(24, 36),
                      (10, rng.uniform(10, 18), length),
                      ('concrete', 'plaster', 'brick', 'hedge')[rng.randint(4)], clearance=14)
        distance += length + rng.uniform(2, 12)
