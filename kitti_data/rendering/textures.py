"""Materials of the synthetic world: prefiltered tiling images with detail at every scale.

A texture seen at a slant is compressed along one axis only. Each image is therefore stored at every
combination of halvings of its two axes (a rip map), and a lookup picks, for each axis, the level
whose texels are as large as the footprint of a pixel. This avoids aliasing, and hence flicker.
"""
import numpy as np

TILE_SIZE = 256  # texels
TEXEL = 0.025  # metres
TILE_METRES = TILE_SIZE * TEXEL
NUM_LEVELS = TILE_SIZE.bit_length()
# Texel centres in metres, along the columns [1, TILE] and the rows [TILE, 1].
_Y = (np.arange(TILE_SIZE)[:, None] + 0.5) * TEXEL
_X = _Y.T


class Textures:
    """The random materials of one world, for filtered lookups."""

    def __init__(self, seed):
        rng = np.random.RandomState(seed)
        # Rounded, since the last bits of Fourier transforms depend on the machine.
        images = [np.round(np.clip(paint(rng), 0, 1) * 4096) / 4096
                  for paint in _PAINTERS.values()]
        levels = [level.reshape(-1, 3) for image in images
                  for level in _rip_levels(image.astype(np.float32))]
        ends = np.cumsum([len(level) for level in levels], dtype=np.int32)
        self._starts = np.append(np.int32(0), ends[:-1])
        # A fourth channel makes a texel 16 bytes, which can be gathered faster than 12.
        self._texels = np.zeros((ends[-1], 4), np.float32)
        self._texels[:, :3] = np.concatenate(levels)

    def lookup(self, material, u, v, footprint_u, footprint_v):
        """Filtered colour of N points on surfaces: <float32>[N, 3] albedo in 0..1.

        Args:
          material: index into MATERIALS, or int array [N] of indices.
          u, v: <float32>[N] metres along the surface; v points upwards in upright materials.
          footprint_u, footprint_v: <float32>[N] metres that a sample covers along u and v.
        """
        first = np.int32(material) * (NUM_LEVELS * NUM_LEVELS)
        levels_u = _levels(u, footprint_u)
        total = np.zeros((len(u), 4), np.float32)
        for level_v, weight_v, rows in _levels(v, footprint_v):
            for level_u, weight_u, columns in levels_u:
                share = weight_v * weight_u
                start = self._starts[first + level_v * NUM_LEVELS + level_u]
                width_bits = NUM_LEVELS - 1 - level_u
                for row, row_weight in rows:
                    line = start + (row << width_bits)
                    share_row = share * row_weight
                    for column, column_weight in columns:
                        texel = self._texels.take(line + column, axis=0)
                        texel *= (share_row * column_weight)[:, None]
                        total += texel
        return total[:, :3]


def _levels(metres, footprint):
    """The two levels to blend: (level, its weight, two texels at `metres` with their weights)."""
    level = np.clip(np.log2(np.maximum(footprint, 1e-6) / TEXEL), 0, NUM_LEVELS - 1)
    finer = level.astype(np.int32)
    weight = (level - finer).astype(np.float32)
    coarser = np.minimum(finer + 1, NUM_LEVELS - 1)
    return [(finer, 1 - weight, _taps(metres, finer)), (coarser, weight, _taps(metres, coarser))]


def _taps(metres, level):
    """The two texels of a level around a coordinate, with their weights."""
    bits = NUM_LEVELS - 1 - level
    position = metres * (np.float32(1 / TILE_METRES) * (1 << bits)).astype(np.float32) - 0.5
    floor = np.floor(position)
    fraction = position - floor
    index = floor.astype(np.int32)
    mask = (1 << bits) - 1
    return (index & mask, 1 - fraction), ((index + 1) & mask, fraction)


def _rip_levels(image):
    """Yields `image` averaged over 2^i rows and 2^j columns, j running fastest."""
    for i in range(NUM_LEVELS):
        level = image
        for j in range(NUM_LEVELS):
            yield level
            if j < NUM_LEVELS - 1:
                level = (level[:, 0::2] + level[:, 1::2]) / 2
        if i < NUM_LEVELS - 1:
            image = (image[0::2] + image[1::2]) / 2


def _noise(rng, exponent, cut=0):
    """Tiling noise [TILE, TILE, 1], mean 0, deviation 1, amplitude ~ frequency^-exponent.

    Frequencies up to `cut`, in cycles per tile, are removed.
    """
    white = np.fft.fft2(rng.standard_normal((TILE_SIZE, TILE_SIZE)))
    axis = np.fft.fftfreq(TILE_SIZE, 1 / TILE_SIZE)
    radius = np.hypot(axis[:, None], axis[None, :])
    radius[0, 0] = 1
    gain = radius ** -exponent * (radius > max(cut, 0.5))
    gain[0, 0] = 0
    noise = np.fft.ifft2(white * gain).real
    return np.clip(noise / noise.std(), -2.5, 2.5)[:, :, None]


def _cells(rng, width, height, joint, stagger=0):
    """Masonry: (random value of each stone in -1..1, mask of the joints), both [TILE, TILE, 1]."""
    row = np.floor(_Y / height).astype(int)
    x = _X + (row % 2) * stagger * width
    column = np.floor(x / width).astype(int) % int(round(TILE_METRES / width))
    values = rng.uniform(-1, 1, (row.max() + 1, column.max() + 1))
    joints = (np.mod(x, width) < joint) | (np.mod(_Y, height) < joint)
    return values[row, column][:, :, None], joints[:, :, None]


def _inside(x, y, x_range, y_range):
    return ((x >= x_range[0]) & (x < x_range[1]) &
            (y >= y_range[0]) & (y < y_range[1]))[:, :, None]


def _with_windows(rng, wall):
    """Two storeys of windows, 3.2 m high, with frames, sills and differing panes."""
    for storey in (0, 1):
        for column in range(4):
            left, bottom = 1.6 * column + rng.uniform(0.25, 0.45), 3.2 * storey + 0.95
            width, height = rng.uniform(0.7, 0.95), rng.uniform(1.2, 1.5)
            frame = rng.uniform(0.6, 0.95) * np.array([1, rng.uniform(0.85, 1), 0.85])
            pane = rng.uniform(0.08, 0.3) * np.array([0.9, 1, 1.15])
            wall = np.where(_inside(_X, _Y, (left - 0.1, left + width + 0.1),
                                    (bottom - 0.2, bottom + height + 0.1)), frame, wall)
            for half in (0, 1):
                low = left + half * (width / 2 + 0.03)
                gloss = 0.75 + 0.5 * (_Y - bottom)[:, :, None] / height
                wall = np.where(_inside(_X, _Y, (low, low + width / 2 - 0.03),
                                        (bottom, bottom + height)), pane * gloss, wall)
    return wall


def _asphalt(rng):
    gray = 0.37 + 0.055 * _noise(rng, 1.0) + 0.045 * _noise(rng, 0.4, 6)
    cracks = np.abs(_noise(rng, 1.6)) < 0.035
    return (gray - 0.12 * cracks) * np.array([1, 1, 1.03])


def _pavement(rng):
    value, joints = _cells(rng, 0.4, 0.4, 0.03)
    gray = 0.56 + 0.08 * value + 0.05 * _noise(rng, 0.8)
    return np.where(joints, 0.3, gray) * np.array([1.03, 1, 0.94])


def _grass(rng):
    blades, patches = _noise(rng, 0.5, 4), _noise(rng, 1.3)
    return np.array([0.33, 0.43, 0.2]) * (1 + 0.28 * blades) + 0.06 * patches * np.array(
        [1.2, 0.5, 0.3])


def _brick(rng):
    value, joints = _cells(rng, 0.4, 0.2, 0.035, stagger=0.5)
    wall = np.array([0.62, 0.4, 0.31]) * (1 + 0.25 * value + 0.08 * _noise(rng, 0.8))
    return _with_windows(rng, np.where(joints, 0.62, wall))


def _plaster(rng):
    wall = np.array([0.78, 0.74, 0.66]) * (1 + 0.07 * _noise(rng, 1.1) + 0.05 * _noise(rng, 0.5))
    return _with_windows(rng, wall)


def _concrete(rng):
    value, joints = _cells(rng, 1.6, 0.8, 0.04)
    return np.where(joints, 0.3, 0.58 + 0.09 * value + 0.07 * _noise(rng, 0.9)) * np.ones(3)


def _hedge(rng):
    leaves = 0.45 * _noise(rng, 0.6, 5) + 0.2 * _noise(rng, 1.2)
    return np.array([0.2, 0.34, 0.12]) * (1 + leaves)


def _car(rng):
    """Side view: u = 0 at the car's middle, v = 0 at the ground."""
    x, y = _X - TILE_METRES * (_X > TILE_METRES / 2), _Y
    paint = 0.75 * np.ones((TILE_SIZE, TILE_SIZE, 3)) * (1 + 0.06 * _noise(rng, 1))
    for line in (-1.05, 0.05, 1.1):
        paint = np.where(_inside(x, y, (line, line + 0.04), (0.3, 1)), 0.3, paint)
    paint = np.where(_inside(x, y, (-9, 9), (0.5, 0.56)), 0.45, paint)
    for left, right in ((-1, -0.05), (0.08, 0.95)):
        paint = np.where(_inside(x, y, (left, right), (1.02, 1.4)), 0.13, paint)
    for middle in (-1.35, 1.35):
        radius = np.hypot(x - middle, y - 0.32)[:, :, None]
        paint = np.where(radius < 0.36, 0.1, paint)
        paint = np.where(radius < 0.2, 0.6, paint)
    return np.where(_inside(x, y, (-9, 9), (0, 0.2)), 0.1, paint)


def _bark(rng):
    bands = (np.mod(_Y, 1.6) < 0.25)[:, :, None]
    return (0.4 + 0.12 * _noise(rng, 0.7, 3) + 0.3 * bands) * np.array([1, 0.95, 0.88])


def _stain(rng):
    """Large-scale shade that multiplies the surfaces; also the clouds."""
    return (0.5 + 0.17 * _noise(rng, 1.1)) * np.ones(3)


_PAINTERS = {'asphalt': _asphalt, 'pavement': _pavement, 'grass': _grass, 'brick': _brick,
             'plaster': _plaster, 'concrete': _concrete, 'hedge': _hedge, 'car': _car,
             'bark': _bark, 'stain': _stain}
MATERIALS = tuple(_PAINTERS)
