"""The drives of a KITTI odometry folder that learning trains on and tests on."""
import os
import typing

import numpy as np

from common.console import warn
from common.errors import UserError
from kitti_data.canonical_camera import shares_of
from kitti_data.images import image_size
from kitti_data.odometry import OdometrySequence, sequence_name, sequence_names
from kitti_data.preparation.prepare_odometry import TRAIN_SEQUENCES

TEST_SEQUENCES = ('09', '10')


class Drives(typing.NamedTuple):
    """What is trained and tested on.

    root: the odometry folder.
    camera: 0..3.
    train, test: names of sequences.
    posed: those of `train` that have a pose file.
    """
    root: str
    camera: int
    train: typing.List[str]
    test: typing.List[str]
    posed: typing.List[str]

    def sequence(self, name):
        """The <OdometrySequence> of this name."""
        return OdometrySequence(self.root, name, self.camera)

    def has_poses(self, name):
        """Whether a sequence has a pose file."""
        return os.path.exists(self.sequence(name).poses_path)

    @property
    def pose_files(self):
        """Paths of the training sequences' pose files, whose mean step is the baseline."""
        return [self.sequence(name).poses_path for name in self.posed]

    @property
    def mean_camera(self):
        """float64 [4]: the mean camera of the training frames, as `canonical_camera` has them."""
        sequences = [self.sequence(name) for name in self.train]
        return np.average(
            [shares_of(sequence.intrinsics, *image_size(sequence.image_paths[0]))
             for sequence in sequences], axis=0, weights=[len(one.frames) for one in sequences])


def open_drives(root, camera, train, test):
    """The <Drives> that flags ask for; empty lists take KITTI's own split, as far as it is there.

    Raises:
      UserError: a sequence, or its camera, is not there; nothing is left to train or test on.
    """
    there = sequence_names(root)
    chosen = {}
    for flag, asked, default in (('train_sequences', train, TRAIN_SEQUENCES),
                                 ('test_sequences', test, TEST_SEQUENCES)):
        names = list(dict.fromkeys(map(sequence_name, asked)))
        absent = [name for name in names if name not in there]
        if absent:
            raise UserError('--%s=%s: must be among the sequences of %s (%s)' % (
                flag, ','.join(absent), root, ', '.join(there)))
        chosen[flag] = names or [name for name in default if name in there]
        if not chosen[flag]:
            raise UserError('--%s= is empty: must be given, since none of %s is in %s (which has '
                            '%s)' % (flag, ', '.join(default), root, ', '.join(there)))
    drives = Drives(root, camera, chosen['train_sequences'], chosen['test_sequences'], [])
    for name in drives.train + drives.test:
        drives.sequence(name).frames  # a missing camera folder or frame ends it here
    both = sorted(set(drives.train) & set(drives.test))
    if both:
        warn('sequence %s is trained on and tested on: its figures are too good, and marked so'
             % ', '.join(both))
    return drives._replace(posed=[name for name in drives.train if drives.has_poses(name)])
