"""Casts rays against the ground and upright boxes.

Camera rays have a z component of 1 in camera axes, so the distance along a ray is the depth along
the optical axis.
"""
from typing import NamedTuple

import numpy as np

MAX_DISTANCE = 150.0  # metres to the centre of the farthest box that is drawn
NEAR = 0.05  # metres
SKY, GROUND = -2, -1  # surfaces other than boxes, which have their index
_SIGNS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])


class Hits(NamedTuple):
    """The surfaces that the rays [h, w] of one camera hit first."""
    origin: np.ndarray  # <float64>[3]
    rays: np.ndarray  # <float32>[h, w, 3] world axes
    depth: np.ndarray  # <float32>[h, w] in units of the ray, 0 for sky
    surface: np.ndarray  # <int32>[h, w] box index, GROUND or SKY


def cast_pixels(boxes, cam_to_world, intrinsics, x, y, on_grid=False):
    """Casts rays from a pinhole camera [4, 4], [3, 3] through points of its image plane.

    Args:
      x, y: [h, w] pixels, inside or outside the image.
      on_grid: whether x and y are a meshgrid of ascending axes, which prunes most boxes early.

    Returns `Hits`, whose depth is along the optical axis.
    """
    cam_to_world, intrinsics = np.asarray(cam_to_world), np.asarray(intrinsics)
    camera_rays = np.stack([(x - intrinsics[0, 2]) / intrinsics[0, 0],
                            (y - intrinsics[1, 2]) / intrinsics[1, 1], np.ones_like(x, float)], -1)
    rays = (camera_rays @ cam_to_world[:3, :3].T).astype(np.float32)
    windows = None
    if on_grid:
        windows = _windows(boxes, cam_to_world, camera_rays[0, :, 0], camera_rays[:, 0, 1])
    return cast(boxes, cam_to_world[:3, 3], rays, windows)


def cast(boxes, origin, rays, windows=None):
    """Finds the first surface along each ray.

    Args:
      boxes: `Boxes`.
      origin: <float64>[3].
      rays: <float32>[h, w, 3].
      windows: (index, row slice, column slice) of every box that any ray can hit; None for all.
    """
    down = rays[..., 1]
    depth = np.full(down.shape, np.inf, np.float32)
    np.divide(np.float32(-origin[1]), down, out=depth, where=down > 1e-6)
    surface = np.where(depth < np.inf, GROUND, SKY).astype(np.int32)
    if windows is None:
        windows = [(index, slice(None), slice(None)) for index in _nearby(boxes, origin)]
    starts, headings = local_origin(boxes, origin), boxes.heading.astype(np.float32)
    planes = [np.ascontiguousarray(rays[..., axis]) for axis in range(3)]
    for index, rows, columns in windows:
        ray = [plane[rows, columns] for plane in planes]
        near, far = slabs(starts[index], boxes.half_size[index], turned(ray, headings[index]))
        near, far = np.maximum.reduce(near), np.minimum.reduce(far)
        best = depth[rows, columns]
        first = (near < far) & (near > NEAR) & (near < best)
        best[first] = near[first]
        surface[rows, columns][first] = index
    depth[surface == SKY] = 0
    return Hits(origin, rays, depth, surface)


def turned(vector, heading):
    """Rotates world components (x, y, z) into the axes of a box (right, down, forward)."""
    cos, sin = np.cos(heading), np.sin(heading)
    return cos * vector[0] - sin * vector[2], vector[1], sin * vector[0] + cos * vector[2]


def local_origin(boxes, origin):
    """`origin` [3] relative to the centres and axes of all M boxes: <float32>[M, 3]."""
    return np.stack(turned((origin - boxes.center).T, boxes.heading), -1).astype(np.float32)


def slabs(origin, half_size, ray):
    """Distances at which a ray enters and leaves the three slabs of a box: two lists of arrays."""
    near, far = [], []
    for axis in range(3):
        # Avoids division by zero for a ray exactly parallel to a face, and changes no other.
        inverse = 1 / (ray[axis] + np.float32(1e-12))
        middle = -origin[..., axis] * inverse
        reach = np.float32(half_size[..., axis]) * np.abs(inverse)
        near.append(middle - reach)
        far.append(middle + reach)
    return near, far


def _nearby(boxes, origin):
    """Indices of the boxes that are drawn from `origin`."""
    offset = boxes.center[:, [0, 2]] - origin[[0, 2]]
    return np.flatnonzero(np.hypot(offset[:, 0], offset[:, 1]) < MAX_DISTANCE)


def _windows(boxes, cam_to_world, ray_x, ray_y):
    """(index, row slice, column slice) of each box that may be visible in a grid of rays.

    ray_x, ray_y: x of each column and y of each row of the grid, at z = 1, ascending.
    """
    index = _nearby(boxes, cam_to_world[:3, 3])
    local = _SIGNS * boxes.half_size[index][:, None, :]
    corners = np.stack(turned(np.moveaxis(local, -1, 0), -boxes.heading[index, None]), -1)
    corners += boxes.center[index][:, None, :]
    corners = (corners - cam_to_world[:3, 3]) @ cam_to_world[:3, :3]
    projected = corners[..., :2] / np.maximum(corners[..., 2:], NEAR)
    # A box that reaches behind the camera may be visible anywhere.
    reaches_behind = (corners[..., 2] < NEAR).any(1)[:, None]
    low = np.where(reaches_behind, -np.inf, projected.min(1))
    high = np.where(reaches_behind, np.inf, projected.max(1))
    bounds = [np.searchsorted(grid, side[:, axis]) for axis, grid in ((1, ray_y), (0, ray_x))
              for side in (low, high)]
    in_front = (corners[..., 2] >= NEAR).any(1)
    return [(box, slice(top, bottom), slice(left, right))
            for box, front, top, bottom, left, right in zip(index, in_front, *bounds)
            if front and top < bottom and left < right]
