"""Depth, flow and pictures of the rendered world agree with each other."""
import numpy as np
import pytest

from geonet_reference import warp
from kitti_data import poses
from kitti_data.rendering.scene import Scene
from kitti_data.rendering.raycast import cast_pixels
from kitti_data.rendering.street import CAMERA_HEIGHT, LANE_OFFSET, Boxes
from kitti_data.rendering.textures import MATERIALS, TILE_METRES, Textures

SCENE = Scene('00', seed=3, num_frames=40, height=64, width=208)
TURNING = int(np.argmax(poses.rotation_angle(
    (np.linalg.inv(SCENE.poses[:-1]) @ SCENE.poses[1:])[:, :3, :3])))


def speeds(cam_to_world):
    """Metres a frame, [N - 1], of poses [N, 4, 4]."""
    return np.linalg.norm(np.diff(cam_to_world[:, :3, 3], axis=0), axis=1)


def _box(center, half_size, heading):
    return Boxes(center=np.array([center]), half_size=np.array([half_size]),
                 heading=np.array([heading]), material=np.zeros(1, np.int32),
                 tint=np.ones((1, 3), np.float32), shift=np.zeros(1, np.float32))


@pytest.mark.parametrize('box, camera_height, x, y, depth', [
    (_box([0., -1, 12], [1., 1, 2], 0.), 1.5, [50., 50, 90, 50], [20., 70, 70, -20],
     [10, 3, 3, 0]),
    (_box([0., -1, 10], [1., 1, 1], np.pi / 4), 1., [50.], [20.], [10 - np.sqrt(2)])],
    ids=['box, ground and sky', 'edge of a turned box'])
def test_depth_has_its_closed_form(box, camera_height, x, y, depth):
    camera = np.eye(4)
    camera[1, 3] = -camera_height
    intrinsics = np.array([[100., 0, 50], [0, 100, 20], [0, 0, 1]])
    found = cast_pixels(box, camera, intrinsics, np.array([x]), np.array([y])).depth
    np.testing.assert_allclose(found, [depth], rtol=1e-6)


@pytest.mark.parametrize('frame', [0, TURNING])
def test_points_land_on_the_depth_of_the_next_frame(frame):
    flow, _, noc = SCENE.flow(frame, frame + 1)
    depth = SCENE.depth(frame)
    y, x = np.nonzero(noc)
    points = (np.linalg.inv(SCENE.intrinsics) @ np.stack([x, y, np.ones_like(x)])) * depth[noc]
    moved = poses.relative(SCENE.poses[frame + 1], SCENE.poses[frame])
    points = moved[:3, :3] @ points + moved[:3, 3:]
    projected = SCENE.intrinsics @ points
    target = projected[:2] / projected[2]
    np.testing.assert_allclose(target.T, flow[noc] + np.stack([x, y], -1), atol=2e-3)
    there = cast_pixels(SCENE.world.boxes, SCENE.cam_to_world(frame + 1), SCENE.intrinsics,
                        *target[:, None]).depth
    np.testing.assert_allclose(there[0], points[2], rtol=2e-3)


@pytest.mark.parametrize('frame', [0, TURNING])
def test_flow_carries_one_picture_onto_the_other(frame):
    flow, occ, noc = SCENE.flow(frame, frame + 1)
    assert occ[noc].all() and not occ[SCENE.depth(frame) == 0].any()
    assert occ.mean() > noc.mean() > 0.5  # hidden points have a flow, too
    here, there = (SCENE.image(number).astype(float) for number in (frame, frame + 1))
    error = np.abs(warp(there, flow) - here).mean(-1)[noc].mean()
    unmoved = np.abs(there - here).mean(-1)[noc].mean()
    assert error < 4.5
    assert error < 0.2 * unmoved


def test_the_right_camera_sees_the_disparity_of_the_depth():
    flow, occ, _ = SCENE.flow(5, 5, other_camera=3)
    wanted = -SCENE.intrinsics[0, 0] * 0.54 / SCENE.depth(5)[occ]
    np.testing.assert_allclose(flow[occ][:, 0], wanted, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(flow[occ][:, 1], 0, atol=1e-4)


def test_a_stationary_car_has_neither_flow_nor_motion():
    scene = Scene('00', 3, 12, 32, 104, first_static=4, end_static=8)
    assert np.flatnonzero(speeds(scene.drive.cam_to_world) == 0).tolist() == [4, 5, 6]
    flow, occ, noc = scene.flow(4, 6)
    np.testing.assert_allclose(flow[occ], 0, atol=1e-4)


def test_pictures_are_rich_at_every_scale_and_depths_are_those_of_a_street():
    image, depth = SCENE.image(7).astype(float).mean(-1), SCENE.depth(7)
    for size in (1, 2, 4, 8):
        blocks = image.reshape(64 // size, size, 208 // size, size).mean((1, 3))
        assert np.abs(np.diff(blocks, axis=1)).mean() > 5
    solid = depth[depth > 0]
    assert solid.size > 0.8 * depth.size
    assert 1 < np.percentile(solid, 1) < 8
    assert 5 < np.median(solid) < 30


def test_drives_turn_both_ways_and_change_their_speed():
    drive = Scene('00', 5, 200).drive
    metres = speeds(drive.cam_to_world)
    assert 0.2 < metres.min() < 0.4 and 0.9 < metres.max() < 1.3
    yaw = np.arctan2(drive.cam_to_world[:, 0, 2], drive.cam_to_world[:, 2, 2])
    turns = np.degrees(np.diff(np.unwrap(yaw)))
    assert turns.max() > 1.5 and turns.min() < -1.5
    assert np.abs(turns).max() < 5


def test_the_camera_drives_on_its_lane_above_the_ground():
    drive = Scene('00', 5, 30).drive
    gap = np.linalg.norm(drive.road.points[None] - drive.cam_to_world[:, None, [0, 2], 3], axis=-1)
    np.testing.assert_allclose(gap.min(1), LANE_OFFSET, atol=0.01)
    np.testing.assert_allclose(drive.cam_to_world[:, 1, 3], -CAMERA_HEIGHT, atol=0.02)
    rotations = drive.cam_to_world[:, :3, :3]
    np.testing.assert_allclose(rotations @ np.swapaxes(rotations, 1, 2),
                               np.tile(np.eye(3), (30, 1, 1)), atol=1e-12)


def test_nothing_stands_on_the_lane():
    scene = Scene('00', 8, 60)
    drive, boxes = scene.drive, scene.world.boxes
    assert len(boxes.heading) > 50
    for center, half, turn in zip(boxes.center, boxes.half_size, boxes.heading):
        delta = drive.cam_to_world[:, [0, 2], 3] - center[[0, 2]]
        right = delta @ [np.cos(turn), -np.sin(turn)]
        ahead = delta @ [np.sin(turn), np.cos(turn)]
        assert ((np.abs(right) > half[0] + 1) | (np.abs(ahead) > half[2] + 1)).all()


def test_texture_seen_from_afar_is_its_mean_and_tiles():
    textures = Textures(0)
    material = np.full(50, MATERIALS.index('brick'))
    u, v = np.random.RandomState(0).uniform(-20, 20, (2, 50)).astype(np.float32)
    far, near = np.full(50, 100, np.float32), np.full(50, 0.01, np.float32)
    means = textures.lookup(material, u, v, far, far)
    np.testing.assert_allclose(means, np.tile(means[:1], (50, 1)), atol=1e-5)
    fine = textures.lookup(material, u, v, near, near)
    moved = textures.lookup(material, u + np.float32(3 * TILE_METRES), v, near, near)
    np.testing.assert_allclose(moved, fine, atol=2e-3)
    # Along a slant one axis is averaged and the other keeps its detail.
    slant = textures.lookup(material, u, v, far, near)
    np.testing.assert_allclose(slant, textures.lookup(material, u + 1, v, far, near), atol=1e-4)
    assert slant.std(axis=0).min() > 0.05
