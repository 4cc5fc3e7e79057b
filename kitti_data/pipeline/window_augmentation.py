"""Augmentation of the ConvLSTM's training windows: frames and motions change consistently."""
import dataclasses
import typing

import numpy as np

from kitti_data import motion
from kitti_data import poses as pose_math
from kitti_data.mirror import mirrored_images, mirrored_motions
from kitti_data.pipeline import turned_frames
from kitti_data.pipeline.augmentation import CHANGED_SHARE, TurnFlags, random_numbers
from vo_common.flags import flag


@dataclasses.dataclass
class WindowAugmentConfig(TurnFlags):
    """Augmentation."""
    augment: typing.List[str] = flag(
        [], 'random changes of half of the training windows, not published; mirror: left to right; '
        'reverse: last frame first; empty: none', choices=('mirror', 'reverse'), modes=('train',))
    frame_distance: typing.List[int] = flag(
        [1], 'distances in frames between the neighbours in a training window; beyond the '
        'published 1, windows show other speeds', modes=('train',), at_least=1)
    augment_shake: float = flag(
        0.0, 'rotate each frame of a training window by up to this many radians about each axis of '
        'the camera, independently of its neighbours', modes=('train',), at_least=0,
        at_most=turned_frames.MOST_SHAKE)

    def __post_init__(self):
        super().__post_init__()
        self.require(frame_distance='at least one number of frames')

    @property
    def turns(self):
        """Whether frames are turned, which requires their intrinsics."""
        return super().turns or self.augment_shake > 0

    def check(self, label_frame):
        """Raises a UserError if motions in `label_frame` cannot follow the changes."""
        flags = dataclasses.asdict(self)
        del flags['frame_distance']
        motion.require_camera_frame(label_frame, **flags)


def change_window(compact, motions, config, seed, position, intrinsics=None):
    """Returns the augmented window at `position` of a run; does not modify its arguments.

    Args:
      compact: <CompactFrames> of T + 1 frames.
      motions: float32 [T, 6] in the camera's frame.
      config: <WindowAugmentConfig>.
      seed, position: see `random_numbers`.
      intrinsics: float [3, 3] of the frames, pixels; needed only for turning.
    """
    numbers = random_numbers(seed, position, 6 + 3 * len(compact.frames))
    mirror, turn, pivot = numbers[:3]
    reverse = numbers[5]
    pivot, turn, mount = config.draw_turn(turn, pivot, numbers[3:5])
    if pivot:
        compact = compact.at(np.zeros(len(compact.frames), int))
        motions = np.zeros_like(motions)
    if turn or mount.any() or config.augment_shake:
        compact, motions = _turned(compact, motions, intrinsics, turn, mount,
                                   config.augment_shake * (2 * numbers[6:].reshape(-1, 3) - 1))
    if 'mirror' in config.augment and mirror < CHANGED_SHARE:
        compact = compact._replace(frames=mirrored_images(compact.frames))
        motions = mirrored_motions(motions)
    if 'reverse' in config.augment and reverse < CHANGED_SHARE:
        compact = compact.at(slice(None, None, -1))
        motions = motion.reversed_motions(motions).astype(np.float32)
    return compact, motions


def _turned(compact, motions, intrinsics, angle, mount, shake):
    """Rotates the camera of a window by `angle` from frame to frame, 0 in its middle.

    Also by the radians `mount` [2] in all frames and `shake` [T + 1, 3] in each; see
    `turned_frames`.
    """
    times = np.arange(len(compact.frames)) - (len(compact.frames) - 1) / 2
    rotations = (turned_frames.turn(angle * times) @ turned_frames.mount(mount)
                 @ turned_frames.shake(shake))
    frames = np.stack([turned_frames.turned_frame(frame, intrinsics, rotation)
                       for frame, rotation in zip(compact.frames, rotations)])
    turns = pose_math.from_parts(rotations, np.zeros([len(rotations), 3]))
    steps = pose_math.inverse(turns[:-1]) @ motion.poses_from_vectors(motions) @ turns[1:]
    return compact._replace(frames=frames), motion.vectors_from_poses(steps).astype(np.float32)
