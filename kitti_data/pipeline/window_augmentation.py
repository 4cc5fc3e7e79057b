"""Random changes of a window of frames together with its motions: more drives out of few.

Drawing is a function of (seed, position) alone, so that an interrupted run continues with the very
windows it would have seen.
"""
import dataclasses

import numpy as np

from kitti_data import motion
from kitti_data import poses as pose_math
from kitti_data.pipeline import turned_frames
from vo_common.errors import UserError
from vo_common.flags import check_fields, flag, read_by

CONTRAST_RANGE = (0.7, 1.4)
# x to -x: steps to the side and turns about y and z change their sign.
_MIRROR_SIGNS = np.float32([-1, 1, 1, 1, -1, -1])


@read_by('train')
@dataclasses.dataclass(frozen=True)
class WindowAugmentConfig:
    """Augmentation of training windows; the published training has none."""
    augment_mirror: bool = flag(False, 'mirror half of the windows left to right')
    augment_reverse: bool = flag(False, 'run half of the windows backwards in time')
    augment_contrast: bool = flag(False, 'multiply the contrast of each window by 0.7..1.4')
    augment_turn: float = flag(
        0.0, 'turn the camera by up to so many radians more from frame to frame', at_least=0,
        at_most=turned_frames.MOST_TURN)
    augment_pivot: float = flag(
        0.0, 'share of the windows in which the camera turns on the spot: their first frame, '
             'turned by up to %g radians from frame to frame' % turned_frames.PIVOT_TURN,
        at_least=0, at_most=1)
    augment_mount: float = flag(
        0.0, 'turn the camera up, down and aside by up to so many radians, alike in all frames of '
             'a window: another mount, in which the road is seen elsewhere', at_least=0,
        at_most=turned_frames.MOST_MOUNT)

    def __post_init__(self):
        check_fields(self)

    @property
    def active(self):
        """Whether anything is changed at all."""
        return (self.augment_mirror or self.augment_reverse or self.augment_contrast
                or self.turns)

    @property
    def turns(self):
        """Whether frames are turned, which takes the camera's intrinsics."""
        return self.augment_turn > 0 or self.augment_pivot > 0 or self.augment_mount > 0

    def check(self, label_frame):
        """Raises a UserError where labels of this kind cannot follow the change."""
        for name in ('augment_mirror', 'augment_reverse', 'augment_turn', 'augment_pivot',
                     'augment_mount'):
            require_camera_frame(name, getattr(self, name), label_frame)


def require_camera_frame(name, value, label_frame):
    """Raises a UserError where the flag `name` is on and motions are not in the camera's frame."""
    if value and label_frame != 'camera':
        raise UserError('--%s=%s: must be %s with --label_frame=%s (its motions depend on where '
                        'the sequence began)' % (name, str(value).lower(), str(type(value)()).lower(),
                                             label_frame))


def change_window(compact, motions, config, seed, position, intrinsics=None):
    """A window as `config` changes the one at `position`; what is given stays as it is.

    Args:
      compact: <CompactFrames> of T + 1 frames.
      motions: float32 [T, 6] in the camera's frame.
      config: <WindowAugmentConfig>.
      seed: of the run.
      position: how many-th window of the run it is.
      intrinsics: float [3, 3] of the frames, pixels, which turning takes.

    Returns:
      (<CompactFrames>, float32 [T, 6]).
    """
    key = np.array([seed, position], np.int64).view(np.uint64)
    mirror, reverse, contrast, turn, pivot, *mount = np.random.Generator(
        np.random.Philox(key=key)).random(7)
    most_turn = config.augment_turn
    if pivot < config.augment_pivot:
        compact = type(compact)(*(values[np.zeros(len(values), int)] for values in compact))
        motions, most_turn = np.zeros_like(motions), turned_frames.PIVOT_TURN
    if most_turn or config.augment_mount:
        compact, motions = _turned(compact, motions, intrinsics, most_turn * (2 * turn - 1),
                                   config.augment_mount * (2 * np.array(mount) - 1))
    if config.augment_mirror and mirror < 0.5:
        compact, motions = mirrored_frames(compact), mirrored_motions(motions)
    if config.augment_reverse and reverse < 0.5:
        compact = type(compact)(*(np.ascontiguousarray(values[::-1]) for values in compact))
        motions = reversed_motions(motions)
    if config.augment_contrast:
        low, high = CONTRAST_RANGE
        factor = np.float32(low * (high / low) ** contrast)
        compact = compact._replace(scale=factor * compact.scale, mean=factor * compact.mean)
    return compact, motions


def _turned(compact, motions, intrinsics, angle, mount):
    """The window of a camera that turns by `angle` more from frame to frame, about its middle, in
    a mount that is turned by `mount`."""
    times = np.arange(len(compact.frames)) - (len(compact.frames) - 1) / 2
    rotations = turned_frames.turn(angle * times) @ turned_frames.mount(mount)
    steps = motion.poses_from_vectors(motions)
    turns = pose_math.from_parts(rotations, np.zeros([len(rotations), 3]))
    steps = pose_math.inverse(turns[:-1]) @ steps @ turns[1:]
    frames = np.stack([turned_frames.turned_frame(frame, intrinsics, rotation)
                       for frame, rotation in zip(compact.frames, rotations)])
    return compact._replace(frames=frames), motion.vectors_from_poses(steps).astype(np.float32)


def mirrored_frames(compact):
    """<CompactFrames> whose left is the right of those given."""
    return compact._replace(frames=np.ascontiguousarray(compact.frames[:, :, ::-1]))


def mirrored_motions(motions):
    """float32 [T, 6] motions, in the camera's frame, of the mirrored world."""
    return _MIRROR_SIGNS * motions


def reversed_motions(motions):
    """float32 [T, 6] motions of the same drive run backwards: each inverted, the last one first."""
    steps = pose_math.inverse(motion.poses_from_vectors(motions[::-1]))
    return motion.vectors_from_poses(steps).astype(np.float32)
