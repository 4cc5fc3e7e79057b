"""Random changes of a training example: how they are drawn, and how they are applied.

One example is its F frames, stacked as uint8 [H, W, 3F], and the intrinsics they share. Drawing is
a function of (seed, position) alone, so that an interrupted run continues with the very numbers it
would have drawn.
"""
import collections
import contextlib
import dataclasses
import math
import typing

import numpy as np

from kitti_data.pipeline import turned_frames
from vo_common.flags import check_fields, flag, read_by
from vo_common.opencv import cv2

MAX_SCALE = 1.15
GAMMA_RANGE = (0.8, 1.2)
BRIGHTNESS_RANGE = (0.5, 2.0)
COLOUR_RANGE = (0.8, 1.2)
COLOUR_PROBABILITY = 0.5
FLIP_PROBABILITY = 0.5

_LEVELS = np.arange(256, dtype=np.float32) / 255
_idle_generators, _idle_buffers = collections.deque(), collections.deque()


@read_by('train')
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
    augment_turn: float = flag(
        0.0, 'turn the camera by up to so many radians more from frame to frame (published '
        'training: 0)', at_least=0, at_most=turned_frames.MOST_TURN)
    augment_pivot: float = flag(
        0.0, 'share of the examples in which the camera turns on the spot: their middle frame, '
        'turned by up to %g radians from frame to frame (published training: 0)'
        % turned_frames.PIVOT_TURN, at_least=0, at_most=1)
    augment_mount: float = flag(
        0.0, 'turn the camera up, down and aside by up to so many radians, alike in all frames of '
        'an example: another mount, in which the direction of travel is seen elsewhere (published '
        'training: 0)', at_least=0, at_most=turned_frames.MOST_MOUNT)

    def __post_init__(self):
        check_fields(self)

    @property
    def active(self):
        """Whether anything is changed at all."""
        return (self.augment_scale or self.augment_gamma or self.augment_brightness
                or self.augment_colour or self.augment_flip or self.augment_turn > 0
                or self.augment_pivot > 0 or self.augment_mount > 0)


class Draws(typing.NamedTuple):
    """The random numbers of B examples. Pairs are of height and width, or y and x."""
    scale: np.ndarray       # float64 [B, 2]
    size: np.ndarray        # int64 [B, 2], pixels of the enlarged image
    offset: np.ndarray      # int64 [B, 2], pixels of it above and left of the crop
    recolour: np.ndarray    # bool [B]
    gamma: np.ndarray       # float64 [B]
    brightness: np.ndarray  # float64 [B]
    colours: np.ndarray     # float64 [B, 3F], a factor for each channel of each frame
    flip: np.ndarray        # bool [B]
    pivot: np.ndarray       # bool [B], whether all frames show the middle one
    turn: np.ndarray        # float64 [B], radians from frame to frame
    mount: np.ndarray       # float64 [B, 2], radians about the camera's axes x and y


def scaled_size(height, width, scale):
    """int64 [B, 2], whole pixels, of images enlarged by float64 `scale` [B, 2]."""
    return (np.float32([height, width]) * scale.astype(np.float32)).astype(np.int64)


def draw(config, seed, positions, height, width, num_frames):
    """The `Draws` of the examples at `positions`, integers [B], of a run with `seed`.

    The same numbers are drawn whatever is switched off, so a switch changes nothing but its part.
    """
    numbers = _random_numbers(seed, positions, 12 + 3 * num_frames)
    numbers, of_mount = numbers[:, :-2], numbers[:, -2:]
    pivot = numbers[:, -1] < config.augment_pivot

    def uniform(low, high, share, enabled):
        return low + (high - low) * share if enabled else np.ones_like(share)

    scale = uniform(1.0, MAX_SCALE, numbers[:, 1::-1], config.augment_scale)
    size = scaled_size(height, width, scale)
    colours = uniform(*COLOUR_RANGE, numbers[:, 7:-3], config.augment_colour)
    if config.augment_same_colour:
        colours = np.tile(colours[:, :3], num_frames)
    return Draws(
        scale, size,
        offset=(numbers[:, 2:4] * (size - [height - 1, width - 1])).astype(np.int64),
        recolour=(numbers[:, 4] > 1 - COLOUR_PROBABILITY) & (
            config.augment_gamma or config.augment_brightness or config.augment_colour),
        gamma=uniform(*GAMMA_RANGE, numbers[:, 5], config.augment_gamma),
        brightness=uniform(*BRIGHTNESS_RANGE, numbers[:, 6], config.augment_brightness),
        colours=colours,
        flip=(numbers[:, -3] < FLIP_PROBABILITY) & config.augment_flip,
        pivot=pivot,
        turn=(np.where(pivot, turned_frames.PIVOT_TURN, config.augment_turn)
              * (2 * numbers[:, -2] - 1)),
        mount=config.augment_mount * (2 * of_mount - 1))


def _random_numbers(seed, positions, count):
    """float64 [B, count] from 0 to below 1: the first ones of Philox with key (seed, position)."""
    with _lent(_idle_generators, _new_generator) as (generator, start):
        numbers = np.empty((len(positions), count))
        for row, position in zip(numbers, positions):
            start['state']['key'] = np.array([seed, position], np.int64).view(np.uint64)
            generator.bit_generator.state = start
            generator.random(out=row)
    return numbers


def apply(draws, stacks, intrinsics, out, half_pixel_centers=False):
    """Writes B examples into `out` as `draws` changes them; what is given stays as it is.

    Args:
      draws: <Draws>.
      stacks: B arrays uint8 [H, W, 3F], the middle frame and then the others in time order.
      intrinsics: float32 [B, 3, 3], pixels.
      out: uint8 [B, H, W, 3F], contiguous.
      half_pixel_centers: whether intrinsics follow the enlargement exactly, or as published.

    Returns:
      float32 [B, 3, 3], the intrinsics of `out`.
    """
    tables = iter(_colour_tables(draws))
    with _lent(_idle_buffers, lambda: (_Buffer(), _Buffer())) as buffers:
        for stack, camera, pivot, turn, mount, size, offset, recolour, flip, changed in zip(
                stacks, intrinsics, draws.pivot, draws.turn, draws.mount, draws.size.tolist(),
                draws.offset.tolist(), draws.recolour, draws.flip, out):
            if pivot:
                stack = np.tile(stack[..., :3], stack.shape[2] // 3)
            if turn or mount.any():
                stack = _turned(stack, camera, turn, mount)
            _enlarge_and_crop(stack, size, offset, buffers, changed)
            if recolour:
                cv2.LUT(changed, next(tables), dst=changed)
            if flip:
                cv2.flip(changed, 1, dst=changed)
    return _follow(intrinsics, draws, out.shape[1:3], half_pixel_centers)


def _turned(stack, intrinsics, angle, mount):
    """uint8 [H, W, 3F] whose camera turns by `angle` more from frame to frame, in a mount that is
    turned by `mount`; F is odd."""
    num_frames = stack.shape[2] // 3
    half = num_frames // 2
    times = [0] + [time for time in range(-half, half + 1) if time]
    rotations = turned_frames.turn(angle * np.array(times)) @ turned_frames.mount(mount)
    return np.concatenate([
        turned_frames.turned_frame(np.ascontiguousarray(frame), intrinsics, rotation)
        if time or mount.any() else frame
        for frame, rotation, time in zip(np.split(stack, num_frames, axis=2), rotations, times)],
        axis=2)


def _enlarge_and_crop(stack, size, offset, buffers, out):
    """Enlarges by area averaging, crops back, and drops the fraction as the published code does.

    Args:
      stack: uint8 [H, W, C].
      size: (height, width) of the enlarged image.
      offset: (y, x) in it, where the crop begins.
      buffers: two <_Buffer>.
      out: uint8 [H, W, C].
    """
    height, width, channels = stack.shape
    if size == [height, width]:
        np.copyto(out, stack)
        return
    y, x = offset
    scale_y, scale_x = size[0] / height, size[1] / width
    # What lies beyond the end of the crop is not enlarged; one more pixel keeps the border away.
    rows = min(height, math.ceil((y + height) / scale_y) + 1)
    columns = min(width, math.ceil((x + width) / scale_x) + 1)
    source = buffers[0].array(rows, columns, channels)
    np.copyto(source, stack[:rows, :columns])
    enlarged = cv2.resize(
        source, None, fx=scale_x, fy=scale_y, interpolation=cv2.INTER_AREA,
        dst=buffers[1].array(round(rows * scale_y), round(columns * scale_x), channels))
    np.copyto(out, enlarged[y:y + height, x:x + width], casting='unsafe')


def _colour_tables(draws):
    """uint8 [R, 1, 256, 3F]: where a value goes, in each channel, for the R that are recoloured.

    min(brightness * factor * x^gamma, 1), for x from 0 to 1.
    """
    gamma, brightness, colours = (values[draws.recolour].astype(np.float32) for values in (
        draws.gamma, draws.brightness, draws.colours))
    gamma_curves = _LEVELS[:, None] ** gamma[:, None, None]
    values = np.minimum(gamma_curves * (brightness[:, None] * colours)[:, None], 1)
    return (values * np.float32(255.5)).astype(np.uint8)[:, None]


def mirrored_intrinsics(intrinsics, last_column):
    """Intrinsics of a camera whose images are mirrored left to right: x becomes last_column - x.

    The world is mirrored with them, x to -x, so that focal lengths stay positive.

    Args:
      intrinsics: float32 [..., 3, 3], array or tensor, pixels.
      last_column: float [...], pixels: W - 1.

    Returns:
      float32 [..., 3, 3].
    """
    signs = np.float32([[1, -1, -1], [1, 1, 1], [1, 1, 1]])
    principal_x = np.float32([[0, 0, 1], [0, 0, 0], [0, 0, 0]])
    return signs * intrinsics + np.float32(last_column)[..., None, None] * principal_x


def _follow(intrinsics, draws, size, half_pixel_centers):
    """Intrinsics [B, 3, 3] of images of `size`, (H, W), after scaling, crop and mirroring."""
    change = np.zeros_like(intrinsics)
    scale = draws.size / np.array(size) if half_pixel_centers else draws.scale
    change[:, 0, 0], change[:, 1, 1], change[:, 2, 2] = scale[:, 1], scale[:, 0], 1
    change[:, :2, 2] = -draws.offset[:, ::-1]
    if half_pixel_centers:
        change[:, :2, 2] += 0.5 * (scale[:, ::-1] - 1)
    intrinsics = change @ intrinsics
    if draws.flip.any():
        intrinsics[draws.flip] = mirrored_intrinsics(intrinsics[draws.flip], size[1] - 1)
    return intrinsics


class _Buffer:
    """Memory that is used again: it stays in the processor's cache, which new memory is not in."""

    def __init__(self):
        self._memory = np.empty(0, np.float32)

    def array(self, height, width, channels):
        """float32 [height, width, channels]; its values are whatever was there."""
        size = height * width * channels
        if self._memory.size < size:
            self._memory = np.empty(size, np.float32)
        return self._memory[:size].reshape(height, width, channels)


@contextlib.contextmanager
def _lent(idle, make):
    """One of the `idle` things, or a new one.

    Not a threading.local: Python forgets a thread of TensorFlow when its call returns.
    """
    try:
        thing = idle.pop()
    except IndexError:
        thing = make()
    yield thing
    idle.append(thing)


def _new_generator():
    """A generator, and its state at the start; making one takes longer than all it has to draw."""
    generator = np.random.Generator(np.random.Philox(0))
    return generator, generator.bit_generator.state
