"""Random changes of a window of frames together with its motions: more drives out of few.

Drawing is a function of (seed, position) alone, so that an interrupted run continues with the very
windows it would have seen.
"""
import dataclasses

import numpy as np

from common.errors import UserError
from common.flags import flag
from kitti_data import motion
from kitti_data import poses as pose_math

CONTRAST_RANGE = (0.7, 1.4)
# x to -x: steps to the side and turns about y and z change their sign.
_MIRROR_SIGNS = np.float32([-1, 1, 1, 1, -1, -1])


@dataclasses.dataclass(frozen=True)
class WindowAugmentConfig:
    """Augmentation of training windows; the published training has none."""
    augment_mirror: bool = flag(False, 'mirror half of the windows left to right')
    augment_reverse: bool = flag(False, 'run half of the windows backwards in time')
    augment_contrast: bool = flag(False, 'multiply the contrast of each window by 0.7..1.4')

    @property
    def active(self):
        """Whether anything is changed at all."""
        return self.augment_mirror or self.augment_reverse or self.augment_contrast

    def check(self, label_frame):
        """Raises a UserError where labels of this kind cannot follow the change."""
        if label_frame != 'camera' and (self.augment_mirror or self.augment_reverse):
            name = 'augment_mirror' if self.augment_mirror else 'augment_reverse'
            raise UserError('--%s=true: must be false with --label_frame=%s (its motions depend on '
                            'where the sequence began)' % (name, label_frame))


def change_window(compact, motions, config, seed, position):
    """A window as `config` changes the one at `position`; what is given stays as it is.

    Args:
      compact: <CompactFrames> of T + 1 frames.
      motions: float32 [T, 6] in the camera's frame.
      config: <WindowAugmentConfig>.
      seed: of the run.
      position: how many-th window of the run it is.

    Returns:
      (<CompactFrames>, float32 [T, 6]).
    """
    key = np.array([seed, position], np.int64).view(np.uint64)
    mirror, reverse, contrast = np.random.Generator(np.random.Philox(key=key)).random(3)
    if config.augment_mirror and mirror < 0.5:
        compact = compact._replace(frames=np.ascontiguousarray(compact.frames[:, :, ::-1]))
        motions = _MIRROR_SIGNS * motions
    if config.augment_reverse and reverse < 0.5:
        compact = type(compact)(*(np.ascontiguousarray(values[::-1]) for values in compact))
        motions = reversed_motions(motions)
    if config.augment_contrast:
        low, high = CONTRAST_RANGE
        factor = np.float32(low * (high / low) ** contrast)
        compact = compact._replace(scale=factor * compact.scale, mean=factor * compact.mean)
    return compact, motions


def reversed_motions(motions):
    """float32 [T, 6] motions of the same drive run backwards: each inverted, the last one first."""
    steps = pose_math.inverse(motion.poses_from_vectors(motions[::-1]))
    return motion.vectors_from_poses(steps).astype(np.float32)
