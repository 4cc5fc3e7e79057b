"""The training, validation and test drives of a KITTI odometry folder."""
import os
import typing

import numpy as np

from kitti_data.canonical_camera import shares_of
from kitti_data.images import image_size
from kitti_data.odometry import OdometrySequence, require_sequences, sequence_names
from kitti_data.preparation.data_sets import TRAIN_SEQUENCES
from kitti_data.rendering.scene import SCENE_FILE
from vo_common.console import warn
from vo_common.errors import UserError

TEST_SEQUENCES = ('09', '10')
RENDERED_SPEEDS = {'min_speed': 0.5, 'max_speed': 1.8}  # metres per frame


class Drives(typing.NamedTuple):
    """The sequences of an experiment.

    root: the odometry folder.
    camera: 0..3.
    train, validation, test: names of sequences; no validation sequence is among the others.
    """
    root: str
    camera: int
    train: typing.List[str]
    validation: typing.List[str]
    test: typing.List[str]

    @property
    def evaluated(self):
        """Names of the evaluated sequences, validation first."""
        return self.validation + self.test

    @property
    def posed(self):
        """Names of the training sequences that have a pose file."""
        return [name for name in self.train if os.path.exists(self.sequence(name).poses_path)]

    @property
    def rendered(self):
        """Whether all training sequences are rendered, in constant light."""
        return all(os.path.exists(os.path.join(self.sequence(name).folder, SCENE_FILE))
                   for name in self.train)

    def place(self, name):
        """dict(sequence, split, trained_on), which is stored with the results of a sequence."""
        return dict(sequence=name, trained_on=name in self.train,
                    split='validation' if name in self.validation else 'test')

    @property
    def num_frames(self):
        """The number of frames in the training sequences."""
        return sum(len(self.sequence(name).frames) for name in self.train)

    def sequence(self, name):
        """The <OdometrySequence> of this name."""
        return OdometrySequence(self.root, name, self.camera)

    def poses(self, name):
        """True poses <float64>[N, 4, 4] of a sequence, or None without a pose file."""
        return self.sequence(name).poses_if_any

    @property
    def pose_files(self):
        """Paths of the pose files of the training sequences, whose mean motion is the baseline."""
        return [self.sequence(name).poses_path for name in self.posed]

    @property
    def mean_camera(self):
        """<float64>[4], the mean camera of the training frames, see `canonical_camera`."""
        sequences = [self.sequence(name) for name in self.train]
        return np.average(
            [shares_of(sequence.intrinsics, *image_size(sequence.image_paths[0]))
             for sequence in sequences], axis=0, weights=[len(one.frames) for one in sequences])


def open_drives(root, camera, train=(), test=(), validation=()):
    """The <Drives> that flags select; `train` and `test` default to KITTI's split.

    Raises:
      UserError: a sequence or its camera is missing; no sequence is left to train or test on; a
        validation sequence is also a training or test sequence.
    """
    present = sequence_names(root)
    validation = require_sequences(root, validation, 'validation_sequences')

    def chosen(flag, asked, default):
        names = require_sequences(root, asked, flag) or [
            name for name in default if name in present and name not in validation]
        if not names:
            raise UserError('--%s= is empty: must be given, since none of %s is in %s (which '
                            'has %s)' % (flag, ', '.join(default), root, ', '.join(present)))
        shared = [name for name in validation if name in names]
        if shared:
            raise UserError('--validation_sequences=%s: must not be among --%s (%s)' % (
                ','.join(shared), flag, ', '.join(names)))
        return names

    drives = Drives(root, camera, validation=validation,
                    train=chosen('train_sequences', train, TRAIN_SEQUENCES),
                    test=chosen('test_sequences', test, TEST_SEQUENCES))
    for name in drives.train + drives.evaluated:
        drives.poses(name)  # raises a UserError if a camera folder, frame or pose is missing
    both = sorted(set(drives.train) & set(drives.test))
    if both:
        warn('sequence %s is used for training and testing: its results are too good, and are '
             'marked' % ', '.join(both))
    return drives
