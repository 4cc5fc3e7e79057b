"""Camera geometry: poses, rigid flow, bilinear warps.

All arithmetic is element-wise float32 with static shapes, also in mixed precision: half precision
cannot represent pixel coordinates. Small matrix products are multiply-and-sum, because accelerators
round the operands of a MatMul. Inverses are closed forms.

Frames: x right, y down, z forward; pixel (0, 0) is the centre of the upper left pixel.
"""
import math

import numpy as np
import tensorflow.compat.v1 as tf

from geonet import pyramid
from npu_runtime.devices.precision import kept_in_float32

_DEPTH_EPSILON = 1e-10


@kept_in_float32()
def pose_matrix(pose_vector):
    """The rigid transform [R | t] of a pose vector, R = Rx(rx) Ry(ry) Rz(rz).

    Maps <float32>[P, 6], (tx, ty, tz, rx, ry, rz), the translation in the unit of the depth and
    angles in radians, clipped to [-pi, pi], to <float32>[P, 3, 4], which maps points of the first
    frame to the second (target to source).
    """
    angles = tf.clip_by_value(pose_vector[:, 3:], -math.pi, math.pi)
    sx, sy, sz = tf.unstack(tf.sin(angles), axis=1)
    cx, cy, cz = tf.unstack(tf.cos(angles), axis=1)
    tx, ty, tz = tf.unstack(pose_vector[:, :3], axis=1)
    sx_sy, cx_sy = sx * sy, cx * sy
    rows = [cy * cz, -cy * sz, sy, tx,
            cx * sz + sx_sy * cz, cx * cz - sx_sy * sz, -sx * cy, ty,
            sx * sz - cx_sy * cz, sx * cz + cx_sy * sz, cx * cy, tz]
    return tf.reshape(tf.stack(rows, axis=1), [-1, 3, 4])


@kept_in_float32()
def invert_pose(pose):
    """The inverse of rigid transforms <float32>[..., 3, 4]: [R' | -R' t]."""
    rotation, translation = pose[..., :3], pose[..., 3:]
    inverse_rotation = tf.matrix_transpose(rotation)
    return tf.concat([inverse_rotation, -_product(inverse_rotation, translation)], axis=-1)


def invert_intrinsics(intrinsics):
    """The inverse of pinhole intrinsics [[fx, 0, cx], [0, fy, cy], [0, 0, 1]].

    Maps <float32>[..., 3, 3] in pixels to <float32>[..., 3, 3], pixels to rays of depth 1.
    """
    inverse_fx, inverse_fy = 1.0 / intrinsics[..., 0, 0], 1.0 / intrinsics[..., 1, 1]
    zero, one = tf.zeros_like(inverse_fx), tf.ones_like(inverse_fx)
    rows = [inverse_fx, zero, -intrinsics[..., 0, 2] * inverse_fx,
            zero, inverse_fy, -intrinsics[..., 1, 2] * inverse_fy,
            zero, zero, one]
    return tf.reshape(tf.stack(rows, axis=-1), intrinsics.shape)


@kept_in_float32()
def pixel_transform(pose, intrinsics):
    """The transform of homogeneous pixels by a pose: p' ~ depth * (K R K^-1) p + K t.

    For a pose <float32>[..., 3, 4] and intrinsics [..., 3, 3] in pixels, <float32>[..., 3, 4]:
    K R K^-1 and, in the last column, K t.
    """
    projected = _product(intrinsics, pose)
    return tf.concat([_product(projected[..., :3], invert_intrinsics(intrinsics)),
                      projected[..., 3:]], axis=-1)


@kept_in_float32()
def rigid_flow(depth, transform, sizes, half_pixel_centers=False):
    """The optical flow of a static scene seen by a moving camera (Yin & Shi 2018, equation 1).

    Computes all scales at once: a pixel of scale s has the flow of the full image at its position,
    in pixels of scale s.

    Args:
      depth: <float32>[M, P, 1], flat pyramid of the first frame, in the unit of the translations.
      transform: <float32>[M, 3, 4] of `pixel_transform` at full size, first frame to second.
      sizes: [(H_s, W_s)], finest first.
      half_pixel_centers: see `pyramid.full_image_grid`.

    Returns:
      (flow <float32>[M, P, 2], flat pyramid, pixels of each scale, x first; depth
      <float32>[M, P, 1] of the same points in the second frame, in the unit of `depth`).
    """
    grid, factors = pyramid.full_image_grid(sizes, half_pixel_centers)
    grid = grid.T[np.newaxis]
    column_x, column_y, column_1, offset = tf.split(transform, 4, axis=2)
    # Planes [M, 3, P]: the long dimension last, so that broadcasting stays cheap.
    points = column_x * grid[:, :1] + column_y * grid[:, 1:] + column_1
    points = points * tf.reshape(depth, [-1, 1, grid.shape[-1]]) + offset
    flow = points[:, :2] / (points[:, 2:] + _DEPTH_EPSILON) - grid
    return (tf.transpose(flow * (1.0 / factors.T), [0, 2, 1]),
            tf.reshape(points[:, 2], depth.shape))


class FlowSampler:
    """Bilinear sampling of any number of image pyramids where a flow ends: at grid + flow.

    A point outside the image, or exactly on its last column or row, gives 0 and no gradient.
    """

    @kept_in_float32()
    def __init__(self, flow, sizes):
        """Prepares indices and weights.

        Args:
          flow: <float32>[M, P, 2], flat pyramid, pixels of each scale, x first.
          sizes: [(H_s, W_s)], finest first, at least 2 x 2.
        """
        coordinates = flow + pyramid.pixel_grid(sizes)
        heights, widths = np.array(sizes, np.int32).T
        areas = (heights - 1) * (widths - 1)
        firsts = np.cumsum(areas) - areas
        self._rows_apart = int(sum(areas))
        corner = tf.floor(coordinates)
        last_corner = pyramid.per_pixel(np.stack([widths - 2, heights - 2], axis=1), sizes)
        # Clip integers, so that the index stays in range whatever NaN is cast to.
        index = tf.minimum(tf.maximum(tf.cast(corner, tf.int32), 0), last_corner)
        inside = tf.reduce_all(tf.equal(tf.cast(index, tf.float32), corner), axis=-1,
                               keepdims=True)
        strides = pyramid.per_pixel(np.stack([np.ones_like(widths), widths - 1], axis=1), sizes)
        self._index = (tf.reduce_sum(index * strides, axis=-1)
                       + pyramid.per_pixel(firsts, sizes).astype(np.int32))
        self._weights = tf.expand_dims(
            _corner_weights(coordinates - corner) * tf.cast(inside, tf.float32), -1)

    @kept_in_float32()
    def __call__(self, levels, rows):
        """The values where the flow ends: <float32>[M, P, C].

        Args:
          levels: list of <float32>[R, H_s, W_s, C].
          rows: M integers, the image in which each row of the flow ends.
        """
        channels = levels[0].shape.as_list()[-1]
        table = tf.reshape(pyramid.flatten([_neighbourhoods(level) for level in levels]),
                           [-1, 4, channels])
        first_index = (np.asarray(rows)[:, np.newaxis] * self._rows_apart).astype(np.int32)
        neighbours = tf.gather(table, self._index + first_index)
        return tf.reduce_sum(neighbours * self._weights, axis=-2)


def flow_warp(images, flow):
    """Backward warp of a single scale: `images` <float32>[M, H, W, C] at the ends of `flow`.

    The flow is <float32>[M, H, W, 2], pixels, x first.
    """
    sizes = pyramid.sizes_of([images])
    sampler = FlowSampler(pyramid.flatten([flow]), sizes)
    warped = sampler([images], range(images.shape.as_list()[0]))
    return pyramid.unflatten(warped, sizes)[0]


def _neighbourhoods(images):
    """[R, H, W, C] -> [R, H-1, W-1, 4C]: each 2x2 block contiguous, for a single gather."""
    return tf.concat([images[:, :-1, :-1], images[:, :-1, 1:],
                      images[:, 1:, :-1], images[:, 1:, 1:]], axis=-1)


def _corner_weights(fraction):
    """<float32>[..., 2] in [0, 1), x first -> [..., 4], in the order of `_neighbourhoods`."""
    x, y = tf.unstack(fraction, axis=-1)
    xy = x * y
    return tf.stack([1.0 - x - y + xy, x - xy, y - xy, xy], axis=-1)


def _product(a, b):
    """Matrix product [..., I, J] x [..., J, K] of tiny matrices, leading dimensions broadcast."""
    return tf.reduce_sum(tf.expand_dims(a, -1) * tf.expand_dims(b, -3), axis=-2)
