"""GeoNet's losses in float64 numpy, for one source, direction and scale at a time.

Written from the specification, without the batching of `geonet/model.py`, to check what golden
data do not cover.
"""
import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation


def euler_pose(vector):
    """[6] (tx, ty, tz, rx, ry, rz) -> [4, 4]."""
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler('XYZ', vector[3:]).as_matrix()
    pose[:3, 3] = vector[:3]
    return pose


def rigid_flow(depth, pose, intrinsics):
    """depth [H, W], pose [4, 4], intrinsics [3, 3] -> [H, W, 2]."""
    y, x = np.mgrid[:depth.shape[0], :depth.shape[1]].astype(np.float64)
    rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ np.linalg.inv(intrinsics).T
    points = (rays * depth[..., None]) @ pose[:3, :3].T + pose[:3, 3]
    projected = points @ intrinsics.T
    return projected[..., :2] / (projected[..., 2:] + 1e-10) - np.stack([x, y], axis=-1)


def warp(image, flow):
    """image [H, W, C] sampled at grid + flow, 0 outside."""
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width] + np.moveaxis(flow[..., ::-1], -1, 0)
    inside = (x >= 0) & (x < width - 1) & (y >= 0) & (y < height - 1)
    return np.stack([ndimage.map_coordinates(channel, [y, x], order=1) * inside
                     for channel in np.moveaxis(image, -1, 0)], axis=-1)


def window_mean(image):
    """3 x 3 means of [H, W, C]; at the border, of the pixels that are there."""
    sums, counts = [ndimage.convolve(field, np.ones([3, 3, 1]), mode='constant')
                    for field in (image, np.ones_like(image))]
    return sums / counts


def dissimilarity(x, y, weight=0.85):
    a, b = window_mean(x), window_mean(y)
    variances = window_mean(x * x) - a * a + window_mean(y * y) - b * b
    covariance = window_mean(x * y) - a * b
    ssim = ((2 * a * b + 1e-4) * (2 * covariance + 9e-4)
            / ((a * a + b * b + 1e-4) * (variances + 9e-4)))
    return weight * np.clip((1 - ssim) / 2, 0, 1) + (1 - weight) * np.abs(x - y)


def smoothness(field, images):
    """Mean over [M, H, W, C] and axes; images [M, H, W, 3]."""
    total = 0
    for axis in (1, 2):
        edges = np.exp(-np.abs(np.diff(images, axis=axis)).mean(axis=-1, keepdims=True))
        total += np.abs(np.diff(field, axis=axis) * edges).mean()
    return total


def area_levels(images, scales=4):
    """images [M, H, W, C] -> levels of [M, H // 2^s, W // 2^s, C], exact area averages."""
    batch, height, width, channels = images.shape
    levels = []
    for scale in range(scales):
        rows, columns = height >> scale, width >> scale
        fine = images.repeat(rows, axis=1).repeat(columns, axis=2)
        levels.append(fine.reshape([batch, rows, height, columns, width, channels]).mean((2, 4)))
    return levels


def frames_of(batch):
    """uint8 frames -> [(B, H, W, 3)] in [-1, 1]: the target, then each source."""
    stack = batch['frames'] / 255. * 2 - 1
    return np.split(stack, stack.shape[-1] // 3, axis=-1)


def pair_flows(disparities, poses, intrinsics):
    """flows[scale][source][direction] [B, H_s, W_s, 2] from frame-stacked disparities."""
    batch, sources = poses.shape[:2]
    flows = []
    for scale, disparity in enumerate(disparities):
        depth = 1.0 / disparity[..., 0].astype(np.float64)
        flows.append([])
        for i in range(sources):
            forward, backward = [], []
            for b in range(batch):
                pose = euler_pose(poses[b, i].astype(np.float64))
                camera = intrinsics[b] / np.float64([[2 ** scale], [2 ** scale], [1]])
                forward.append(rigid_flow(depth[b], pose, camera))
                backward.append(rigid_flow(depth[(i + 1) * batch + b], np.linalg.inv(pose),
                                           camera))
            flows[-1].append((np.array(forward), np.array(backward)))
    return flows


def rigid_losses(batch, disparities, poses):
    """dict of rigid_warp and disp_smooth, default weights."""
    frames = [area_levels(frame) for frame in frames_of(batch)]
    flows = pair_flows(disparities, poses, batch['intrinsics'])
    rigid_warp = disp_smooth = 0
    for scale, disparity in enumerate(disparities):
        errors = []
        for source, directions in enumerate(flows[scale]):
            pair = frames[0][scale], frames[source + 1][scale]
            for flow, starts, ends in zip(directions, pair, pair[::-1]):
                errors += [dissimilarity(warp(end, row), start)
                           for row, start, end in zip(flow, starts, ends)]
        rigid_warp += (len(frames) - 1) * np.mean(errors)
        images = np.concatenate([frame[scale] for frame in frames])
        disp_smooth += 0.5 / 2 ** scale * smoothness(disparity.astype(np.float64), images)
    return {'rigid_warp': rigid_warp, 'disp_smooth': disp_smooth}


def flow_losses(batch, flows):
    """dict of the three flow losses, default weights; flows: list of pair-stacked flows."""
    frames = [area_levels(frame) for frame in frames_of(batch)]
    count, batch_size = len(frames) - 1, len(frames[0][0])
    sums = dict(flow_warp=0, flow_smooth=0, flow_consistency=0)
    for scale, stacked in enumerate(flows):
        halves = np.split(stacked.astype(np.float64), 2)
        for direction, flow in enumerate(halves):
            opposite, error, difference, visible, starts = halves[1 - direction], [], [], [], []
            for row in range(count * batch_size):
                pair = [frames[0][scale][row % batch_size],
                        frames[row // batch_size + 1][scale][row % batch_size]]
                start, end = pair[direction], pair[1 - direction]
                starts.append(start)
                error.append(dissimilarity(warp(end, flow[row]), start).mean(-1))
                difference.append(np.abs(warp(opposite[row], flow[row]) + flow[row]))
                bound = np.maximum(3.0, 0.05 * norm(flow[row]) * 2 ** scale)
                visible.append(norm(difference[-1]) * 2 ** scale < bound)
            visible = np.array(visible)
            sums['flow_warp'] += count / 2 * np.array(error)[visible].mean()
            sums['flow_smooth'] += 0.2 / 2 ** (scale + 1) * smoothness(flow, np.array(starts))
            sums['flow_consistency'] += 0.2 / 2 * np.array(difference).mean(-1)[visible].mean()
    return sums


def norm(vectors):
    return np.sqrt(((np.abs(vectors) + 1e-10) ** 2).sum(axis=-1))
