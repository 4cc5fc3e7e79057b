"""Augmentation of GeoNet's training examples: drawing random numbers and applying them.

An example is a stack of F frames, uint8 [H, W, 3F], and the intrinsics that they share.
"""
import dataclasses
import math
import typing

import numpy as np

from kitti_data.mirror import mirrored_images, mirrored_intrinsics
from kitti_data.pipeline import turned_frames
from vo_common.flags import Flags, flag
from vo_common.opencv import cv2

MAX_SCALE = 1.15
GAMMA_RANGE = (0.8, 1.2)
BRIGHTNESS_RANGE = (0.5, 2.0)
COLOUR_RANGE = (0.8, 1.2)
CHANGED_SHARE = 0.5  # of the examples get other colours; the same share is mirrored, or reversed

PUBLISHED = ('scale', 'gamma', 'brightness', 'colour')
_LEVELS = np.arange(256, dtype=np.float32) / 255


@dataclasses.dataclass
class TurnFlags(Flags):
    """Augmentation by rotating frames about the camera's centre; not published."""
    augment_turn: float = flag(
        0.0, 'add a turn of up to this many radians from frame to frame', modes=('train',),
        at_least=0, at_most=turned_frames.MOST_TURN)
    augment_pivot: float = flag(
        0.0, 'fraction of the examples that show a single frame, turned on the spot by up to %g '
        'radians from frame to frame' % turned_frames.PIVOT_TURN, modes=('train',),
        at_least=0, at_most=1)
    augment_mount: float = flag(
        0.0, 'vary the mount of the camera: pitch and yaw it by up to this many radians, equally '
        'in all frames of an example', modes=('train',), at_least=0,
        at_most=turned_frames.MOST_MOUNT)

    @property
    def turns(self):
        """Whether frames are turned, which requires their intrinsics."""
        return any((self.augment_turn, self.augment_pivot, self.augment_mount))

    def draw_turn(self, turn, pivot, mount):
        """(pivot, turn, mount) of a <Draw> from numbers in [0, 1); those of mount are [2]."""
        pivot = bool(pivot < self.augment_pivot)
        most_turn = turned_frames.PIVOT_TURN if pivot else self.augment_turn
        return pivot, most_turn * (2 * turn - 1), self.augment_mount * (2 * mount - 1)


@dataclasses.dataclass
class AugmentConfig(TurnFlags):
    """Augmentation."""
    augment: typing.List[str] = flag(
        list(PUBLISHED), 'random changes of training examples; scale: enlarge each axis by a '
        'factor of 1..1.15 and crop; in half of the examples gamma: 0.8..1.2, brightness: 0.5..2, '
        'colour: multiply the channels of each frame by 0.8..1.2; flip (not published): mirror '
        'half of the examples left to right; empty: none', choices=PUBLISHED + ('flip',),
        modes=('train',))


class Draw(typing.NamedTuple):
    """The random numbers of an example. Pairs are height and width, or y and x."""
    scale: np.ndarray       # float64 [2]
    size: np.ndarray        # int64 [2], of the enlarged image in pixels
    offset: np.ndarray      # int64 [2], of the crop in the enlarged image, in pixels
    recolour: bool
    gamma: float
    brightness: float
    colours: np.ndarray     # float64 [3F], a factor for each channel of each frame
    flip: bool
    pivot: bool             # whether all frames show the middle one
    turn: float             # radians from frame to frame
    mount: np.ndarray       # float64 [2], radians about the camera's axes x and y


def random_numbers(seed, position, count):
    """float64 [count] in [0, 1), determined by the seed of the run and the position of an example.

    A resumed run therefore draws the same numbers as an uninterrupted one.
    """
    key = np.array([seed, position], np.int64).view(np.uint64)
    return np.random.Generator(np.random.Philox(key=key)).random(count)


def scaled_size(height, width, scale):
    """The size of an image enlarged by float64 `scale` [2], in whole pixels: int64 [2]."""
    return (np.float32([height, width]) * scale.astype(np.float32)).astype(np.int64)


def draw(config, seed, position, height, width, num_frames):
    """The `Draw` of the example at `position` of a run.

    Each change has its own numbers, so disabling one does not affect the others.
    """
    numbers = random_numbers(seed, position, 12 + 3 * num_frames)
    recolour, gamma, brightness = numbers[4:7]
    flip, turn, pivot = numbers[-5:-2]
    pivot, turn, mount = config.draw_turn(turn, pivot, numbers[-2:])

    def uniform(change, low, high, share):
        return low + (high - low) * share if change in config.augment else np.ones_like(share)

    scale = uniform('scale', 1.0, MAX_SCALE, numbers[1::-1])
    size = scaled_size(height, width, scale)
    return Draw(
        scale, size,
        offset=(numbers[2:4] * (size - [height - 1, width - 1])).astype(np.int64),
        recolour=bool(recolour > 1 - CHANGED_SHARE
                      and {'gamma', 'brightness', 'colour'}.intersection(config.augment)),
        gamma=float(uniform('gamma', *GAMMA_RANGE, gamma)),
        brightness=float(uniform('brightness', *BRIGHTNESS_RANGE, brightness)),
        colours=uniform('colour', *COLOUR_RANGE, numbers[7:-5]),
        flip=bool(flip < CHANGED_SHARE and 'flip' in config.augment),
        pivot=pivot, turn=turn, mount=mount)


def apply(drawn, stack, intrinsics, half_pixel_centers=False):
    """Returns an example changed according to a <Draw>; does not modify its arguments.

    Args:
      stack: uint8 [H, W, 3F], the middle frame and then the others in time order; F must be odd to
        turn frames.
      intrinsics: float32 [3, 3], pixels.
      half_pixel_centers: whether intrinsics follow the enlargement exactly, or as published.
    """
    if drawn.pivot:
        stack = np.tile(stack[..., :3], stack.shape[2] // 3)
    if drawn.turn or drawn.mount.any():
        frames = np.split(stack, stack.shape[2] // 3, axis=2)
        half = len(frames) // 2
        times = [0] + [time for time in range(-half, half + 1) if time]
        rotations = turned_frames.turn(np.multiply(drawn.turn, times)) @ turned_frames.mount(
            drawn.mount)
        stack = np.concatenate([turned_frames.turned_frame(frame, intrinsics, rotation)
                                for frame, rotation in zip(frames, rotations)], axis=2)
    stack = _enlarged_and_cropped(stack, drawn.size, drawn.offset)
    if drawn.recolour:
        stack = cv2.LUT(stack, _colour_table(drawn))
    intrinsics = _follow(intrinsics, drawn, stack.shape[:2], half_pixel_centers)
    if drawn.flip:
        stack = mirrored_images(stack)
        intrinsics = mirrored_intrinsics(intrinsics, stack.shape[1])
    return stack, intrinsics


def _enlarged_and_cropped(stack, size, offset):
    """Enlarges uint8 [H, W, C] to `size`, and crops [H, W, C] from there at `offset` (y, x).

    Averages over areas and truncates to integers, as the published code does.
    """
    height, width, _ = stack.shape
    if tuple(size) == (height, width):
        return stack
    (y, x), (scale_y, scale_x) = offset.tolist(), (size / [height, width]).tolist()
    # Enlarge only the part in the crop, plus one pixel to avoid border effects.
    rows = min(height, math.ceil((y + height) / scale_y) + 1)
    columns = min(width, math.ceil((x + width) / scale_x) + 1)
    enlarged = cv2.resize(stack[:rows, :columns].astype(np.float32), None, fx=scale_x, fy=scale_y,
                          interpolation=cv2.INTER_AREA)
    return enlarged[y:y + height, x:x + width].astype(np.uint8)


def _colour_table(drawn):
    """uint8 [1, 256, 3F], a table x -> min(brightness * colour * x^gamma, 1) for each channel."""
    factors = np.float32(drawn.brightness) * drawn.colours.astype(np.float32)
    values = np.minimum((_LEVELS ** np.float32(drawn.gamma))[:, None] * factors, 1)
    return (values * np.float32(255.5)).astype(np.uint8)[None]


def _follow(intrinsics, drawn, size, half_pixel_centers):
    """Intrinsics [3, 3] after scaling and cropping an image of `size` (H, W)."""
    scale = drawn.size / np.array(size) if half_pixel_centers else drawn.scale
    shift = 0.5 * (scale - 1) if half_pixel_centers else 0
    change = np.diag(np.float32([scale[1], scale[0], 1]))
    change[:2, 2] = (shift - drawn.offset)[::-1]
    return change @ intrinsics
