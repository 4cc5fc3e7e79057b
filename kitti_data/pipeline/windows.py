"""Training examples of the ConvLSTM: windows of consecutive frames with the motions between them.

A window of T pairs is T + 1 frames of one sequence, each read and decoded once.
"""
import numpy as np

from kitti_data.calibration import resized
from kitti_data.motion import motions_from_poses
from kitti_data.odometry import OdometrySequence
from kitti_data.pipeline.compact_frames import FrameReader, check_frames
from kitti_data.pipeline.order import example_batches
from kitti_data.pipeline.window_augmentation import WindowAugmentConfig, change_window
from vo_common.errors import UserError


class WindowSet:
    """All windows of T frame pairs in odometry sequences; none spans two sequences.

    Neighbours in a window are consecutive frames, or as far apart as the augmentation requires.

    Checks all poses and files, so that training does not fail later; raises a UserError if one is
    missing or unreadable, there are fewer poses than images, a frame number is missing, a sequence
    is shorter than a window or has frames of several sizes, or the augmentation requires another
    `label_frame`.

    Args:
      root: KITTI odometry folder.
      sequences: numbers or names.
      time_steps: T.
      img_height, img_width: H and W of the resized frames.
      camera: 0..3; 0 and 1 are gray.
      label_frame: 'camera' or 'world', see `kitti_data.motion`.
      augment: <WindowAugmentConfig> of `dataset`; None for its defaults, no augmentation.
    """

    def __init__(self, root, sequences, time_steps, img_height, img_width, camera=0,
                 label_frame='camera', augment=None):
        self._augment = augment = augment or WindowAugmentConfig()
        augment.check(label_frame)
        self._time_steps = time_steps
        required = min(augment.frame_distance) * time_steps + 1
        sequences = [OdometrySequence(root, sequence, camera) for sequence in sequences]
        for sequence in sequences:
            paths = sequence.image_paths
            if len(paths) < required:
                raise UserError('sequence %s: found %d frames (%s), must be at least %d '
                                '(--time_steps=%d)' % (sequence.name, len(paths), paths[0],
                                                       required, time_steps))
        formats = [check_frames(sequence.image_paths) for sequence in sequences]
        self.reader = FrameReader([path for sequence in sequences for path in sequence.image_paths],
                                  img_height, img_width, formats)
        # Each window: indices of its frames, motions, and intrinsics of its resized frames, needed
        # only for turning.
        self._windows, first = [], 0
        for sequence, found in zip(sequences, formats):
            intrinsics = (resized(sequence.intrinsics, found[:2], (img_height, img_width))
                          if augment.turns else None)
            poses = sequence.poses
            for distance in augment.frame_distance:
                steps = motions_from_poses(poses, label_frame, distance).astype(np.float32)
                span = distance * time_steps
                self._windows += [(range(first + start, first + start + span + 1, distance),
                                   steps[start:start + span:distance], intrinsics)
                                  for start in range(len(poses) - span)]
            first += len(poses)

    def __len__(self):
        return len(self._windows)

    def dataset(self, batch_size, seed=8964, **order):
        """The endless batches of one worker; for the arguments, see `example_batches`.

        Returns:
          tf.data.Dataset of dict(frames=<uint8 or uint16>[B, T+1, H, W, C], scale=<float32>
          [B, T+1], mean=<float32>[B, T+1], see `CompactFrames`, motions=<float32>[B, T, 6]) with
          static shapes.
        """
        def read(index, position):
            compact, motions = change_window(*self.window(index), self._augment, seed, position,
                                             self._windows[index][2])
            return (*compact, motions)

        num_frames = self._time_steps + 1
        return example_batches(
            read, {'frames': (self.reader.dtype, (num_frames,) + self.reader.frame_shape),
                   'scale': (np.float32, [num_frames]), 'mean': (np.float32, [num_frames]),
                   'motions': (np.float32, [self._time_steps, 6])},
            len(self), batch_size, seed, **order)

    def window(self, index):
        """(<CompactFrames> of T + 1 frames, motions <float32>[T, 6]) of a window."""
        frames, motions, _ = self._windows[index]
        return self.reader.read(frames), motions
