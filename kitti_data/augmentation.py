"""Random changes of a training example: how they are drawn, and how they are applied.

One example is its frames (the target first, then the sources), uint8 [H, W, 3] each, and the
intrinsics they share. Drawing is a function of (seed, position) alone, so that an interrupted run
continues with the very numbers it would have drawn.
"""
import dataclasses
import typing

import numpy as np

from common.flags import flag
from common.opencv import cv2

MAX_SCALE = 1.15
GAMMA_RANGE = (0.8, 1.2)
BRIGHTNESS_RANGE = (0.5, 2.0)
COLOUR_RANGE = (0.8, 1.2)
COLOUR_PROBABILITY = 0.5
FLIP_PROBABILITY = 0.5


@dataclasses.dataclass(frozen=True)
class AugmentConfig:
    """Augmentation of training examples."""
    augment_scale: bool = flag(True, 'enlarge by 1..1.15 in each axis and crop back')
    augment_gamma: bool = flag(True, 'gamma 0.8..1.2, in half of the examples')
    augment_brightness: bool = flag(True, 'brightness 0.5..2, in half of the examples')
    augment_colour: bool = flag(True, 'channels times 0.8..1.2, in half of the examples')
    augment_same_colour: bool = flag(
        False, 'the same channel factors for all frames of an example '
        '(published training: other ones for each frame)')
    augment_flip: bool = flag(
        False, 'mirror half of the examples left to right (published training: never)')

    @property
    def active(self):
        """Whether anything is changed at all."""
        return (self.augment_scale or self.augment_gamma or self.augment_brightness
                or self.augment_colour or self.augment_flip)


class Draws(typing.NamedTuple):
    """The random numbers of one example."""
    scale_x: float = 1.0
    scale_y: float = 1.0
    offset_x: int = 0    # pixels of the enlarged image left of the crop
    offset_y: int = 0    # and above it
    recolour: bool = False
    gamma: float = 1.0
    brightness: float = 1.0
    colours: typing.Sequence[float] = ()   # a factor for each channel of each frame
    flip: bool = False


def scaled_size(height, width, scale_x, scale_y):
    """(height, width) of the enlarged image, whole pixels."""
    return (int(np.float32(height) * np.float32(scale_y)),
            int(np.float32(width) * np.float32(scale_x)))


def draw(config, seed, position, height, width, num_frames):
    """The `Draws` of the example at `position` of a run with `seed`.

    The same numbers are drawn whatever is switched off, so a switch changes nothing but its part.
    """
    key = np.array([seed, position], np.int64).view(np.uint64)
    numbers = iter(np.random.Generator(np.random.Philox(key=key)).random(8 + 3 * num_frames))

    def uniform(low, high, enabled):
        value = low + (high - low) * next(numbers)
        return value if enabled else 1.0

    scale_x = uniform(1.0, MAX_SCALE, config.augment_scale)
    scale_y = uniform(1.0, MAX_SCALE, config.augment_scale)
    out_height, out_width = scaled_size(height, width, scale_x, scale_y)
    offset_y = int(next(numbers) * (out_height - height + 1))
    offset_x = int(next(numbers) * (out_width - width + 1))
    recolour = next(numbers) > 1 - COLOUR_PROBABILITY
    gamma = uniform(*GAMMA_RANGE, enabled=config.augment_gamma)
    brightness = uniform(*BRIGHTNESS_RANGE, enabled=config.augment_brightness)
    colours = [uniform(*COLOUR_RANGE, enabled=config.augment_colour) for _ in range(3 * num_frames)]
    if config.augment_same_colour:
        colours = colours[:3] * num_frames
    recolour = recolour and (
        config.augment_gamma or config.augment_brightness or config.augment_colour)
    flip = config.augment_flip and next(numbers) < FLIP_PROBABILITY
    return Draws(scale_x, scale_y, offset_x, offset_y, recolour, gamma, brightness, colours, flip)


def apply(draws, frames, intrinsics):
    """The example as `draws` changes it.

    Args:
      draws: <Draws> with 3 colour factors for each frame where it recolours.
      frames: list of uint8 [H, W, 3].
      intrinsics: float32 [3, 3], pixels.

    Returns:
      (list of uint8 [H, W, 3], float32 [3, 3]).
    """
    height, width = frames[0].shape[:2]
    size = scaled_size(height, width, draws.scale_x, draws.scale_y)
    if size != (height, width):
        frames = [_enlarge_and_crop(frame, size, draws.offset_y, draws.offset_x)
                  for frame in frames]
    if draws.recolour:
        tables = colour_tables(draws)
        frames = [cv2.LUT(frame, table) for frame, table in zip(frames, tables)]
    intrinsics = _follow(intrinsics, draws)
    if draws.flip:
        frames = [frame[:, ::-1] for frame in frames]
        intrinsics = mirrored_intrinsics(intrinsics, width - 1)
    return frames, intrinsics


def _enlarge_and_crop(frame, size, offset_y, offset_x):
    """Enlarges by area averaging, crops back, and drops the fraction as the published code does."""
    height, width = frame.shape[:2]
    enlarged = cv2.resize(frame.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA)
    return enlarged[offset_y:offset_y + height, offset_x:offset_x + width].astype(np.uint8)


def colour_tables(draws):
    """uint8 [F, 1, 256, 3]: where a value goes, in each channel of each of F frames.

    clip(brightness * factor * x^gamma, 0, 1), for x from 0 to 1.
    """
    gamma_curve = (np.arange(256, dtype=np.float32) / 255) ** np.float32(draws.gamma)
    factors = np.float32(draws.brightness) * np.asarray(draws.colours, np.float32)
    values = np.clip(gamma_curve[:, None] * factors.reshape(-1, 1, 1, 3), 0, 1)
    return (values * np.float32(255.5)).astype(np.uint8)


def stack_channels(frames):
    """uint8 [H, W, 3N] of N frames [H, W, 3]."""
    return cv2.merge([np.ascontiguousarray(frame) for frame in frames])


def mirrored_intrinsics(intrinsics, last_column):
    """Intrinsics of a camera whose images are mirrored left to right: x becomes last_column - x.

    The world is mirrored with them, x to -x, so that focal lengths stay positive.

    Args:
      intrinsics: float32 [..., 3, 3], array or tensor, pixels.
      last_column: float [...], pixels: W - 1, divided by 2^s at scale s.

    Returns:
      float32 [..., 3, 3].
    """
    signs = np.float32([[1, -1, -1], [1, 1, 1], [1, 1, 1]])
    principal_x = np.float32([[0, 0, 1], [0, 0, 0], [0, 0, 0]])
    return signs * intrinsics + np.float32(last_column)[..., None, None] * principal_x


def _follow(intrinsics, draws):
    """Intrinsics after the scaling and the crop."""
    change = np.array([[draws.scale_x, 0, -draws.offset_x], [0, draws.scale_y, -draws.offset_y],
                       [0, 0, 1]], np.float32)
    return change @ np.asarray(intrinsics, np.float32)
