"""Drives of the synthetic world: a road with curves, a changing speed, exact camera poses.

The world's axes are the camera's convention: x right, y down, z forward; the ground is y = 0.
A heading of 0 looks along z, a positive one turns to the right (towards x). Metres, radians.
"""
from typing import NamedTuple

import numpy as np

CAMERA_HEIGHT = 1.65
LANE_OFFSET = 1.7  # of the camera, to the right of the road's centre line
ROAD_SPACING = 0.1
ROAD_BEHIND = 40.0
ROAD_AHEAD = 130.0
MAX_YAW_RATE = 0.05  # radians a frame


class Road(NamedTuple):
    """The centre line, sampled every ROAD_SPACING metres."""
    points: np.ndarray  # [P, 2] x and z
    headings: np.ndarray  # [P]
    curvatures: np.ndarray  # [P] 1/metres, positive to the right


class Drive(NamedTuple):
    """A road and the camera's way along it."""
    road: Road
    cam_to_world: np.ndarray  # <float64>[N, 4, 4]


def make_drive(num_frames, seed, min_speed=0.25, max_speed=1.2, static_frames=()):
    """A random drive: straights and curves, speeding up and slowing down.

    Args:
      num_frames: number of camera poses.
      seed: of the road and the speeds.
      min_speed, max_speed: metres a frame; the whole range is used within some 60 frames, and
        curves are taken more slowly.
      static_frames: (first, end): the frames from `first` to before `end` stand at one place.

    Returns:
      A `Drive`.
    """
    rng = np.random.RandomState(seed)
    road = _make_road(np.random.RandomState(rng.randint(2 ** 31)),
                      num_frames * max_speed + ROAD_BEHIND + ROAD_AHEAD)
    distances = _distances(rng, road, num_frames, min_speed, max_speed, static_frames)
    return Drive(road, _camera_poses(rng, road, distances))


def speeds(cam_to_world):
    """Metres between each camera position and the next. [N, 4, 4] -> [N - 1]."""
    return np.linalg.norm(np.diff(cam_to_world[:, :3, 3], axis=0), axis=1)


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
    curvatures = [np.zeros(int(ROAD_BEHIND / ROAD_SPACING))]
    heading = 0.0
    while sum(map(len, curvatures)) * ROAD_SPACING < length:
        curvatures.append(np.zeros(int(rng.uniform(6, 25) / ROAD_SPACING)))
        angle, radius = np.radians(rng.uniform(25, 85)), rng.uniform(13, 28)
        # Turning back towards the first heading keeps most roads from crossing themselves.
        turn_right = rng.uniform() < 0.5 - 0.45 * np.tanh(heading)
        sign = 1 if turn_right else -1
        curvatures.append(np.full(int(angle * radius / ROAD_SPACING), sign / radius))
        heading += sign * angle
    curvature = np.concatenate(curvatures)
    # A steering wheel turns gradually: 6 m from straight to full lock.
    window = np.hanning(int(6 / ROAD_SPACING))
    curvature = np.convolve(curvature, window / window.sum(), mode='same')
    headings = np.cumsum(curvature) * ROAD_SPACING
    steps = ROAD_SPACING * np.stack([np.sin(headings), np.cos(headings)], -1)
    return Road(np.cumsum(steps, axis=0), headings, curvature)


def _distances(rng, road, num_frames, min_speed, max_speed, static_frames):
    """Where on the road each frame is, in metres along the centre line. [N]"""
    frames = np.arange(num_frames)
    wave = np.zeros(num_frames)
    for period, weight in ((rng.uniform(45, 70), 1.0), (rng.uniform(17, 30), 0.6)):
        wave += weight * np.sin(2 * np.pi * (frames / period + rng.uniform()))
    wanted = min_speed + (max_speed - min_speed) * (0.5 + 0.5 * np.clip(wave / 1.2, -1, 1))
    distances = np.empty(num_frames)
    distance, speed = ROAD_BEHIND, wanted[0]
    for frame in frames:
        distances[frame] = distance
        if static_frames and static_frames[0] <= frame < static_frames[1] - 1:
            speed = 0.0
            continue
        ahead = int(distance / ROAD_SPACING) + np.arange(int(4 / ROAD_SPACING))
        sharpest = np.abs(road.curvatures[ahead]).max()
        limit = max(min_speed, MAX_YAW_RATE / max(sharpest, 1e-6))
        speed += np.clip(min(wanted[frame], limit) - speed, -0.12, 0.09)
        distance += speed
    return distances


def _camera_poses(rng, road, distances):
    """[N, 4, 4] camera to world: on the right lane, swaying a little as a car does."""
    point, heading = locate(road, distances)
    point = point + LANE_OFFSET * right_of(heading)
    sway = [amplitude * np.sin(distances / rng.uniform(3, 9) + rng.uniform(0, 6))
            for amplitude in (0.004, 0.004, 0.015)]
    poses = np.tile(np.eye(4), (len(distances), 1, 1))
    poses[:, :3, :3] = _rotation(heading, pitch=sway[0], roll=sway[1])
    poses[:, 0, 3], poses[:, 2, 3] = point[:, 0], point[:, 1]
    poses[:, 1, 3] = -CAMERA_HEIGHT + sway[2]
    return poses


def _rotation(yaw, pitch, roll):
    """R_y(yaw) R_x(pitch) R_z(roll), [N] each -> [N, 3, 3], camera axes to world axes."""
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)

    def matrix(*entries):
        return np.stack(entries, -1).reshape(-1, 3, 3)

    cos, sin = np.cos, np.sin
    around_y = matrix(cos(yaw), zero, sin(yaw), zero, one, zero, -sin(yaw), zero, cos(yaw))
    around_x = matrix(one, zero, zero, zero, cos(pitch), -sin(pitch), zero, sin(pitch), cos(pitch))
    around_z = matrix(cos(roll), -sin(roll), zero, sin(roll), cos(roll), zero, zero, zero, one)
    return around_y @ around_x @ around_z
