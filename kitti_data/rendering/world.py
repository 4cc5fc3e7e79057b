"""The synthetic world: pictures of it, with exact depth and flow, in numpy.

Surfaces are Lambertian and the light stands still: a point of the world has the same colour in
every picture, up to the filtering of its texture.
"""
from typing import NamedTuple

import numpy as np
import scipy.spatial

from kitti_data.rendering.drive import ROAD_SPACING, Road, right_of
from kitti_data.rendering.raycast import (
    GROUND, SKY, cast, cast_pixels, local_origin, slabs, turned)
from kitti_data.rendering.street import ASPHALT_EDGE, PAVEMENT_EDGE, Boxes, build_street
from kitti_data.rendering.textures import MATERIALS, Textures

RAY_STEP = 0.5  # pixels between the rays of a picture
TENT = (0.125, 0.375, 0.375, 0.125)  # weights of the rays across a pixel
OCCLUSION_TOLERANCE = 1e-3  # relative difference of depth at which a point counts as hidden


class World(NamedTuple):
    """A road with all that stands along it."""
    road: Road
    boxes: Boxes
    textures: Textures
    nearest_road: scipy.spatial.cKDTree  # over road.points

    @classmethod
    def along(cls, road, seed):
        """The world of `seed` along `road`."""
        return cls(road, build_street(road, seed), Textures(seed),
                   scipy.spatial.cKDTree(road.points))


def render(world, cam_to_world, intrinsics, height, width):
    """Picture and exact depth seen by a pinhole camera.

    Args:
      world: a `World`.
      cam_to_world: [4, 4] camera axes (x right, y down, z forward) to world.
      intrinsics: [3, 3], pixels; integer coordinates are pixel centres.
      height, width: of the picture, pixels.

    Returns:
      image <uint8>[H, W, 3] RGB and depth <float32>[H, W], metres along the optical axis at the
      pixel's centre, 0 for sky.
    """
    return (render_image(world, cam_to_world, intrinsics, height, width),
            render_depth(world, cam_to_world, intrinsics, height, width))


def render_image(world, cam_to_world, intrinsics, height, width):
    """The picture of `render` alone, <uint8>[H, W, 3]."""
    # Two rays a pixel each way and one around the picture: a pixel is a tent over 4 x 4 of them,
    # as blurred as a lens makes it, so that a picture can be resampled without visible loss.
    x, y = (np.arange(-1, 2 * size + 1) * RAY_STEP - RAY_STEP / 2 for size in (width, height))
    hits = cast_pixels(world.boxes, cam_to_world, intrinsics, *np.meshgrid(x, y), on_grid=True)
    colour = _shade(world, hits, RAY_STEP).reshape(len(y), len(x), 3)
    colour = sum(share * colour[i:i + 2 * height:2] for i, share in enumerate(TENT))
    colour = sum(share * colour[:, i:i + 2 * width:2] for i, share in enumerate(TENT))
    return np.round(np.clip(colour, 0, 1) * 255).astype(np.uint8)


def render_depth(world, cam_to_world, intrinsics, height, width):
    """The depth of `render` alone, <float32>[H, W]."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    return cast_pixels(world.boxes, cam_to_world, intrinsics, x, y, on_grid=True).depth


def exact_flow(world, cam_to_world, other_to_world, intrinsics, height, width):
    """Optical flow from one camera's picture to another's.

    Args:
      world: a `World`.
      cam_to_world, other_to_world: [4, 4] the two cameras.
      intrinsics: [3, 3] of both; height, width: of both pictures, pixels.

    Returns:
      flow <float32>[H, W, 2] pixels (x first), occ <bool>[H, W] where there is a flow (not in the
      sky, nor behind the other camera), noc <bool>[H, W] where the point is seen in the other
      picture as well: inside of it and not hidden.
    """
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    depth = render_depth(world, cam_to_world, intrinsics, height, width).astype(np.float64)
    pixels = np.stack([x, y, np.ones_like(x)], -1)
    points = depth[..., None] * (pixels @ np.linalg.inv(intrinsics).T)
    cam_to_other = np.linalg.inv(other_to_world) @ cam_to_world
    points = points @ cam_to_other[:3, :3].T + cam_to_other[:3, 3]
    occ = (depth > 0) & (points[..., 2] > 0.1)
    projected = points @ np.transpose(intrinsics)
    target = projected[..., :2] / np.where(occ, projected[..., 2], 1)[..., None]
    target[~occ] = 0
    seen_depth = cast_pixels(world.boxes, other_to_world, intrinsics,
                             target[..., 0], target[..., 1]).depth
    hidden = np.abs(seen_depth - points[..., 2]) > OCCLUSION_TOLERANCE * points[..., 2]
    inside = ((target >= 0) & (target <= [width - 1, height - 1])).all(-1)
    flow = np.where(occ[..., None], target - pixels[..., :2], 0)
    return flow.astype(np.float32), occ, occ & inside & ~hidden


def range_along(world, origin, directions):
    """How far away the first surface is.

    Args:
      world: a `World`.
      origin: [3] and directions: [N, 3], both in the world's axes.

    Returns:
      <float32>[N] in units of the direction's length, 0 for sky.
    """
    rays = np.asarray(directions, np.float32)
    return cast(world.boxes, np.asarray(origin, np.float64), rays[:, None, :]).depth[:, 0]


def _shade(world, hits, step):
    """Colour of every ray, <float32>[h * w, 3] in 0..1 (a little more is possible).

    `step` is the distance of neighbouring rays in pixels.
    """
    surface, rays, depth = (a.reshape((-1,) + a.shape[2:])
                            for a in (hits.surface, hits.rays, hits.depth))
    colour = np.empty_like(rays)
    per_step = hits.per_pixel * np.float32(step)
    for shade, chosen in ((_shade_sky, surface == SKY), (_shade_ground, surface == GROUND),
                          (_shade_boxes, surface >= 0)):
        if chosen.any():
            colour[chosen] = shade(world, hits.origin, rays[chosen], depth[chosen], per_step,
                                   surface[chosen])
    return colour


def _shade_sky(world, origin, rays, depth, per_step, surface):
    """A bright sky with clouds, infinitely far: a function of the direction alone."""
    del origin, depth, surface
    unit = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
    flat = 5 / (np.float32(0.2) - np.minimum(unit[:, 1], 0))
    footprint = flat * np.abs(per_step).max()
    clouds = world.textures.lookup(np.full(len(rays), MATERIALS.index('stain')),
                                   unit[:, 0] * flat, unit[:, 2] * flat, footprint, footprint)
    share = np.clip(1.6 * clouds - 0.3, 0, 1)
    return share * np.float32([0.97, 0.97, 0.97]) + (1 - share) * np.float32([0.55, 0.7, 0.9])


def _shade_ground(world, origin, rays, depth, per_step, surface):
    """Asphalt with marks, kerb, pavement, grass, by the distances along and from the road."""
    del surface
    point = rays[:, [0, 2]] * depth[:, None] + origin[[0, 2]]
    _, index = world.nearest_road.query(point)
    heading = world.road.headings[index]
    right = right_of(heading)
    ahead = np.stack([-right[:, 1], right[:, 0]], -1)
    offset = point - world.road.points[index]
    along = (index * ROAD_SPACING + (offset * ahead).sum(-1)).astype(np.float32)
    aside = (offset * right).sum(-1).astype(np.float32)
    slides = [depth[:, None] * (change - rays * (change[1] / rays[:, 1])[:, None])[:, [0, 2]]
              for change in per_step]
    size_along, size_aside = (
        np.hypot(*[(slide * axis).sum(-1) for slide in slides]).astype(np.float32)
        for axis in (ahead, right))
    material = np.select(
        [np.abs(aside) < ASPHALT_EDGE, np.abs(aside) < PAVEMENT_EDGE],
        [MATERIALS.index('asphalt'), MATERIALS.index('pavement')], MATERIALS.index('grass'))
    colour = world.textures.lookup(material, aside, along, size_aside, size_along)
    shade = _stains(world, aside, along, size_aside, size_along)
    painted = _painted(along, aside, size_along, size_aside)[:, None]
    kerb = _band(np.abs(aside), ASPHALT_EDGE - 0.08, ASPHALT_EDGE + 0.12, size_aside)[:, None]
    colour += kerb * (np.float32(0.68) - colour)
    colour += painted * (np.float32(0.9) - colour)
    return colour * shade * np.float32(1.05)


def _painted(along, aside, size_along, size_aside):
    """Share of white paint under each ray: middle dashes, parking lines, crossings."""
    dashes = (_band(aside, -0.08, 0.08, size_aside) * _stripes(along, 3.0, 6.5, size_along))
    parking = _band(np.abs(aside), 3.2, 3.32, size_aside)
    crossing = (_stripes(along, 3.0, 47.0, size_along) * _stripes(aside, 0.5, 1.0, size_aside) *
                _band(aside, -3.0, 3.0, size_aside))
    return np.maximum(np.maximum(dashes, parking), crossing)


def _band(x, low, high, size):
    """Share of [x - size/2, x + size/2] that lies in [low, high]."""
    covered = np.minimum(x + size / 2, high) - np.maximum(x - size / 2, low)
    return np.clip(covered / size, 0, 1)


def _stripes(x, width, period, size):
    """Share of [x - size/2, x + size/2] covered by stripes [0, width) of every period."""
    def integral(end):
        whole = np.floor(end / period)
        return whole * width + np.minimum(end - whole * period, width)
    return (integral(x + size / 2) - integral(x - size / 2)) / size


def _stains(world, u, v, size_u, size_v):
    """Shade that varies over metres, so that no tile of a texture looks like the next one."""
    scale = np.float32(0.23)
    stain = world.textures.lookup(np.full(len(u), MATERIALS.index('stain')), u * scale,
                                  v * scale, size_u * scale, size_v * scale)
    return np.float32(0.5) + stain


def _shade_boxes(world, origin, rays, depth, per_step, surface):
    """Each face has its texture upright, and the light of its direction."""
    boxes = world.boxes
    heading = boxes.heading[surface].astype(np.float32)
    ray = np.stack(turned(rays.T, heading), -1)
    start = local_origin(boxes, np.arange(len(boxes.heading)), origin)[surface]
    near, _ = slabs(start, boxes.half_size[surface], ray.T)
    normal = np.argmax(near, axis=0)
    rows = np.arange(len(ray))
    slides = []
    for change in per_step:
        change = np.stack(turned(np.broadcast_to(change, rays.shape).T, heading), -1)
        slope = change[rows, normal] / ray[rows, normal]
        slides.append(depth[:, None] * (change - ray * slope[:, None]))
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
    """Brightness of faces: a low sun from the left behind the first camera."""
    towards_sun = np.where(normal == 0, -0.8 * np.cos(heading) + 0.6 * np.sin(heading),
                           -0.8 * np.sin(heading) - 0.6 * np.cos(heading)) * sign
    return np.where(normal == 1, 1.1, 0.92 + 0.2 * towards_sun).astype(np.float32)
