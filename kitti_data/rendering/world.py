"""The synthetic world and images of it.

Surfaces are Lambertian and the light is constant, so a point of the world has the same colour in
every image, up to the filtering of its texture.
"""
from typing import NamedTuple

import numpy as np
import scipy.spatial

from kitti_data.rendering.raycast import GROUND, SKY, cast_pixels, local_origin, slabs, turned
from kitti_data.rendering.street import (
    ASPHALT_EDGE, PAVEMENT_EDGE, ROAD_SPACING, Boxes, Road, build_street, right_of)
from kitti_data.rendering.textures import MATERIALS, Textures

_RAY_STEP = 0.5  # pixels between the rays of an image
_STAIN = MATERIALS.index('stain')
_TENT = (0.125, 0.375, 0.375, 0.125)  # weights of the rays across a pixel


class World(NamedTuple):
    """A road and everything along it."""
    road: Road
    boxes: Boxes
    textures: Textures
    nearest_road: scipy.spatial.cKDTree  # over road.points

    @classmethod
    def along(cls, road, seed):
        """The world of `seed` along `road`."""
        return cls(road, build_street(road, seed), Textures(seed),
                   scipy.spatial.cKDTree(road.points))


def render_image(world, cam_to_world, intrinsics, height, width):
    """Renders the image <uint8>[H, W, 3], RGB, of a pinhole camera in a `World`.

    Args:
      cam_to_world: [4, 4] camera axes (x right, y down, z forward) to world.
      intrinsics: [3, 3], pixels; integer coordinates are pixel centres.
    """
    # Two rays per pixel along each axis, with a margin of one. A pixel is a tent filter over 4 x 4
    # rays, about as blurred as by a lens, so that images can be resampled without visible loss.
    x, y = (np.arange(-1, 2 * size + 1) * _RAY_STEP - _RAY_STEP / 2 for size in (width, height))
    hits = cast_pixels(world.boxes, cam_to_world, intrinsics, *np.meshgrid(x, y), on_grid=True)
    # Differences between rays of neighbouring pixels, in x and in y.
    steps = (cam_to_world[:3, :2] / np.diag(intrinsics)[:2]).T.astype(np.float32)
    colour = _shade(world, hits, steps * np.float32(_RAY_STEP)).reshape(len(y), len(x), 3)
    colour = sum(share * colour[i:i + 2 * height:2] for i, share in enumerate(_TENT))
    colour = sum(share * colour[:, i:i + 2 * width:2] for i, share in enumerate(_TENT))
    return np.round(np.clip(colour, 0, 1) * 255).astype(np.uint8)


def _shade(world, hits, steps):
    """Colours of rays: <float32>[h * w, 3], in 0..1 or slightly above.

    `steps` [2, 3] are the differences between neighbouring rays.
    """
    surface, rays, depth = (a.reshape((-1,) + a.shape[2:])
                            for a in (hits.surface, hits.rays, hits.depth))
    colour = np.empty_like(rays)
    sky, ground, box = surface == SKY, surface == GROUND, surface >= 0
    colour[sky] = _shade_sky(world, rays[sky], steps)
    colour[ground] = _shade_ground(world, hits.origin, rays[ground], depth[ground], steps)
    colour[box] = _shade_boxes(world, hits.origin, rays[box], depth[box], steps, surface[box])
    return colour


def _shade_sky(world, rays, steps):
    """A bright sky with clouds, infinitely far away: it depends only on the direction."""
    unit = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
    flat = 5 / (np.float32(0.2) - np.minimum(unit[:, 1], 0))
    footprint = flat * np.abs(steps).max()
    clouds = world.textures.lookup(_STAIN, unit[:, 0] * flat, unit[:, 2] * flat,
                                   footprint, footprint)
    share = np.clip(1.6 * clouds - 0.3, 0, 1)
    return share * np.float32([0.97, 0.97, 0.97]) + (1 - share) * np.float32([0.55, 0.7, 0.9])


def _shade_ground(world, origin, rays, depth, steps):
    """Asphalt with markings, kerb, pavement, grass, by the distances along and from the road."""
    point = rays[:, [0, 2]] * depth[:, None] + origin[[0, 2]]
    _, index = world.nearest_road.query(point)
    right = right_of(world.road.headings[index])
    ahead = np.stack([-right[:, 1], right[:, 0]], -1)
    offset = point - world.road.points[index]
    along = (index * ROAD_SPACING + (offset * ahead).sum(-1)).astype(np.float32)
    lateral = (offset * right).sum(-1).astype(np.float32)
    slides = [depth[:, None] * (step - rays * (step[1] / rays[:, 1])[:, None])[:, [0, 2]]
              for step in steps]
    size_along, size_lateral = (
        np.hypot(*[(slide * axis).sum(-1) for slide in slides]).astype(np.float32)
        for axis in (ahead, right))
    material = np.select(
        [np.abs(lateral) < ASPHALT_EDGE, np.abs(lateral) < PAVEMENT_EDGE],
        [MATERIALS.index('asphalt'), MATERIALS.index('pavement')], MATERIALS.index('grass'))
    colour = world.textures.lookup(material, lateral, along, size_lateral, size_along)
    kerb = _band(np.abs(lateral), ASPHALT_EDGE - 0.08, ASPHALT_EDGE + 0.12, size_lateral)[:, None]
    colour += kerb * (np.float32(0.68) - colour)
    paint = _painted(along, lateral, size_along, size_lateral)[:, None]
    colour += paint * (np.float32(0.9) - colour)
    return colour * _stains(world, lateral, along, size_lateral, size_along) * np.float32(1.05)


def _painted(along, lateral, size_along, size_lateral):
    """Fraction of white paint under each ray: centre dashes, parking lines, crossings."""
    dashes = _band(lateral, -0.08, 0.08, size_lateral) * _stripes(along, 3.0, 6.5, size_along)
    parking = _band(np.abs(lateral), 3.2, 3.32, size_lateral)
    crossing = (_stripes(along, 3.0, 47.0, size_along) * _stripes(lateral, 0.5, 1.0, size_lateral) *
                _band(lateral, -3.0, 3.0, size_lateral))
    return np.maximum(np.maximum(dashes, parking), crossing)


def _band(x, low, high, size):
    """Fraction of [x - size/2, x + size/2] that is in [low, high]."""
    covered = np.minimum(x + size / 2, high) - np.maximum(x - size / 2, low)
    return np.clip(covered / size, 0, 1)


def _stripes(x, width, period, size):
    """Fraction of [x - size/2, x + size/2] covered by stripes [0, width) of every period."""
    def integral(end):
        whole = np.floor(end / period)
        return whole * width + np.minimum(end - whole * period, width)
    return (integral(x + size / 2) - integral(x - size / 2)) / size


def _stains(world, u, v, size_u, size_v):
    """Shade that varies over metres, so that neighbouring tiles of a texture look different."""
    return np.float32(0.5) + world.textures.lookup(
        _STAIN, *(np.float32(0.23) * metres for metres in (u, v, size_u, size_v)))


def _shade_boxes(world, origin, rays, depth, steps, surface):
    """Upright textures, with a brightness that depends on the direction of each face."""
    boxes = world.boxes
    heading = boxes.heading[surface].astype(np.float32)
    ray = np.stack(turned(rays.T, heading), -1)
    start = local_origin(boxes, origin)[surface]
    near, _ = slabs(start, boxes.half_size[surface], ray.T)
    normal = np.argmax(near, axis=0)
    rows = np.arange(len(ray))
    slides = []
    for step in steps:
        step = np.stack(turned(np.broadcast_to(step, rays.shape).T, heading), -1)
        slope = step[rows, normal] / ray[rows, normal]
        slides.append(depth[:, None] * (step - ray * slope[:, None]))
    size = np.hypot(*slides)
    point = start + depth[:, None] * ray
    height = -point[:, 1] - boxes.center[surface, 1].astype(np.float32)
    axis_u, axis_v = np.where(normal == 0, 2, 0), np.where(normal == 1, 2, 1)
    u = point[rows, axis_u] + boxes.shift[surface]
    v = np.where(normal == 1, point[:, 2], height)
    material = boxes.material[surface]
    v = np.where((normal == 1) & (material == MATERIALS.index('car')), np.float32(0.75), v)
    size_u, size_v = size[rows, axis_u], size[rows, axis_v]
    colour = world.textures.lookup(material, u, v, size_u, size_v) * boxes.tint[surface]
    colour *= _stains(world, u + boxes.shift[surface] * 7, v, size_u, size_v)
    return colour * _light(heading, normal, -np.sign(ray[rows, normal]))[:, None]


def _light(heading, normal, sign):
    """Brightness of faces under a low sun, to the left behind the first camera."""
    towards_sun = np.where(normal == 0, -0.8 * np.cos(heading) + 0.6 * np.sin(heading),
                           -0.8 * np.sin(heading) - 0.6 * np.cos(heading)) * sign
    return np.where(normal == 1, 1.1, 0.92 + 0.2 * towards_sun).astype(np.float32)
