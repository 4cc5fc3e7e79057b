"""Camera geometry: poses, rigid flow, bilinear warps.

Everything is element-wise arithmetic of float32 with static shapes. Small matrix products are
spelled as multiply and sum: an accelerator in mixed precision would round the operands of a MatMul
to half precision, and pixel coordinates do not survive that. Inverses are closed forms.

Frames: x right, y down, z forward; pixel (0, 0) is the centre of the upper left pixel.
"""
import math

import numpy as np
import tensorflow.compat.v1 as tf

_DEPTH_EPSILON = 1e-10


def pose_matrix(pose_vector):
    """The rigid transform [R | t] of a pose vector, R = Rx(rx) Ry(ry) Rz(rz).

    Args:
      pose_vector: <float32>[P, 6], (tx, ty, tz, rx, ry, rz). The translation has the model's own
        unit; angles are radians, each clipped to [-pi, pi].

    Returns:
      <float32>[P, 3, 4], mapping points of the first frame to the second (target to source).
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


def invert_pose(pose):
    """The inverse of rigid transforms: [R' | -R' t].

    Args:
      pose: <float32>[..., 3, 4].

    Returns:
      <float32>[..., 3, 4].
    """
    rotation, translation = pose[..., :3], pose[..., 3:]
    inverse_rotation = tf.matrix_transpose(rotation)
    return tf.concat([inverse_rotation, -_product(inverse_rotation, translation)], axis=-1)


def invert_intrinsics(intrinsics):
    """The inverse of pinhole intrinsics [[fx, 0, cx], [0, fy, cy], [0, 0, 1]].

    Args:
      intrinsics: <float32>[..., 3, 3], pixels.

    Returns:
      <float32>[..., 3, 3], pixels to rays of depth 1.
    """
    inverse_fx, inverse_fy = 1.0 / intrinsics[..., 0, 0], 1.0 / intrinsics[..., 1, 1]
    zero, one = tf.zeros_like(inverse_fx), tf.ones_like(inverse_fx)
    rows = [inverse_fx, zero, -intrinsics[..., 0, 2] * inverse_fx,
            zero, inverse_fy, -intrinsics[..., 1, 2] * inverse_fy,
            zero, zero, one]
    return tf.reshape(tf.stack(rows, axis=-1), intrinsics.shape)


def pixel_transform(pose, intrinsics):
    """What a pose does to homogeneous pixels: p' ~ depth * (K R K^-1) p + K t.

    The leading dimensions broadcast, so one call serves every scale.

    Args:
      pose: <float32>[..., 3, 4].
      intrinsics: <float32>[..., 3, 3], pixels.

    Returns:
      <float32>[..., 3, 4]: K R K^-1 and, in the last column, K t.
    """
    projected = _product(intrinsics, pose)
    return tf.concat([_product(projected[..., :3], invert_intrinsics(intrinsics)),
                      projected[..., 3:]], axis=-1)


def rigid_flow(depth, transform):
    """The optical flow of a static scene seen by a moving camera (Yin & Shi 2018, equation 1).

    Args:
      depth: <float32>[M, H, W, 1] of the first frame, in the unit of the translations.
      transform: <float32>[M, 3, 4] of `pixel_transform`, first frame to second.

    Returns:
      <float32>[M, H, W, 2], pixels, x first.
    """
    batch, height, width, _ = depth.shape.as_list()
    grid = pixel_grid(height, width).reshape([1, height * width, 2]).transpose([0, 2, 1])
    column_x, column_y, column_1, offset = tf.split(transform, 4, axis=2)
    # Planes [M, 3, HW]: the long dimension last, so that broadcasting stays cheap.
    points = column_x * grid[:, :1] + column_y * grid[:, 1:] + column_1
    points = points * tf.reshape(depth, [batch, 1, height * width]) + offset
    flow = points[:, :2] / (points[:, 2:] + _DEPTH_EPSILON) - grid
    return tf.reshape(tf.transpose(flow, [0, 2, 1]), [batch, height, width, 2])


def flow_warp(images, flow, rows=None):
    """Backward warp: what `images` look like from where `flow` starts.

    Args:
      images: <float32>[R, H, W, C].
      flow: <float32>[M, H, W, 2], pixels, x first.
      rows: M integers, the image that each flow leads into; None: the same number.

    Returns:
      <float32>[M, H, W, C]: images[rows] sampled at grid + flow, 0 outside.
    """
    _, height, width, _ = flow.shape.as_list()
    return bilinear_sample(images, flow + pixel_grid(height, width), rows)


def bilinear_sample(images, coordinates, rows=None):
    """Samples images between their pixels.

    A point outside the image, or exactly on its last column or row, gives 0, and no gradient.

    Args:
      images: <float32>[R, H, W, C], H and W at least 2.
      coordinates: <float32>[M, h, w, 2], pixels, x first.
      rows: M integers, the image that each set of coordinates refers to; None: the same number.

    Returns:
      <float32>[M, h, w, C].
    """
    count, height, width, channels = images.shape.as_list()
    batch = coordinates.shape.as_list()[0]
    rows = np.arange(count) if rows is None else np.asarray(rows)
    if len(rows) != batch or height < 2 or width < 2:
        raise ValueError('cannot sample %d images %s at %d sets of coordinates %s' % (
            len(rows), images.shape, batch, coordinates.shape))
    corner = tf.floor(coordinates)
    last_corner = np.array([width - 2, height - 2], np.int32)
    # Clipped as integers: whatever NaN becomes in the cast, the index stays inside the image.
    index = tf.minimum(tf.maximum(tf.cast(corner, tf.int32), 0), last_corner)
    inside = tf.reduce_all(tf.equal(tf.cast(index, tf.float32), corner), axis=-1, keepdims=True)
    strides = np.array([1, width - 1], np.int32)
    first_index = (rows * (height - 1) * (width - 1)).astype(np.int32).reshape([batch, 1, 1])
    index = tf.reduce_sum(index * strides, axis=-1) + first_index
    neighbours = tf.gather(tf.reshape(_neighbourhoods(images), [-1, 4 * channels]), index)
    neighbours = tf.reshape(neighbours, index.shape.as_list() + [4, channels])
    weights = _corner_weights(coordinates - corner) * tf.cast(inside, tf.float32)
    return tf.reduce_sum(neighbours * tf.expand_dims(weights, -1), axis=-2)


def pixel_grid(height, width):
    """The pixel coordinates: numpy float32 [1, height, width, 2], x first."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    return np.stack([x, y], axis=-1).astype(np.float32)[np.newaxis]


def _neighbourhoods(images):
    """[R, H, W, C] -> [R, H-1, W-1, 4C]: each 2x2 block in one row, so one gather fetches it."""
    return tf.concat([images[:, :-1, :-1], images[:, :-1, 1:],
                      images[:, 1:, :-1], images[:, 1:, 1:]], axis=-1)


def _corner_weights(fraction):
    """<float32>[..., 2] in [0, 1), x first -> [..., 4], in the order of `_neighbourhoods`."""
    x, y = fraction[..., 0], fraction[..., 1]
    xy = x * y
    return tf.stack([1.0 - x - y + xy, x - xy, y - xy, xy], axis=-1)


def _product(a, b):
    """Matrix product [..., I, J] x [..., J, K] of tiny matrices, leading dimensions broadcast."""
    return tf.reduce_sum(tf.expand_dims(a, -1) * tf.expand_dims(b, -3), axis=-2)
