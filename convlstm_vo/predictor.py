"""Predicts whole sequences with graphs of fixed size."""
import numpy as np
import tensorflow.compat.v1 as tf

from convlstm_vo import net
from kitti_data.mirror import mirrored_images
from npu_runtime.session import inference_session, require_finite
from vo_common.parallel import read_ahead
from vo_common.progress import progress


class Predictor:
    """The network with the weights of a checkpoint, for windows of S frame pairs.

    Args:
      checkpoint: prefix or folder.
      runtime: <RuntimeConfig>.
      batch_size: B, windows per call.
      pairs: S, frame pairs per window.
      frame_shape: (H, W, C) of the frames.
      dtype: numpy dtype of the frames, uint8 or uint16.

    Attributes:
      session: tf.Session.
      fetches: name of the output.

    Raises:
      UserError: the checkpoint is missing or was trained with another image size.
    """

    def __init__(self, checkpoint, runtime, batch_size, pairs, frame_shape, dtype):
        self.checkpoint, self.batch_size, self.pairs = checkpoint, batch_size, pairs
        size = (batch_size, pairs + 1)
        with tf.Graph().as_default() as graph:
            frames = tf.placeholder(dtype, size + tuple(frame_shape))
            scale, mean = [tf.placeholder(tf.float32, size) for _ in range(2)]
            motions = net.predict(net.normalised_pairs(frames, scale, mean))
            self.session = inference_session(runtime, graph, checkpoint, None, [motions])
        # Names, because the session holds a frozen copy of the graph.
        self._inputs = [tensor.name for tensor in (frames, scale, mean)]
        self.fetches = motions.name

    def close(self):
        """Frees the session."""
        self.session.close()

    def __call__(self, compact):
        """Returns motions <float32>[B, S, 6].

        Args:
          compact: <CompactFrames> of B * (S+1) frames, window-major.

        Raises:
          UserError: a motion is not finite.
        """
        motions = self.session.run(self.fetches, self.feed(compact))
        require_finite(motions, self.checkpoint, 'motions')
        return motions

    def feed(self, compact):
        """The feed_dict of a session call, see `__call__`."""
        size = (self.batch_size, self.pairs + 1)
        frames = compact.frames.reshape(size + compact.frames.shape[1:])
        return dict(zip(self._inputs, (
            frames, compact.scale.reshape(size), compact.mean.reshape(size))))


def predict_motions(predictor, reader, desc='', overlap=False):
    """Returns motions <float32>[N-1, 6] of N frames.

    Windows do not overlap, except the last one, which ends with the sequence and contributes only
    the remaining motions. With `overlap`, a window starts at every frame, and each motion is the
    mean over the windows that contain it. A sequence shorter than a window is padded with its last
    frame, which no earlier motion depends on.
    """
    num_frames, pairs = len(reader.paths), predictor.pairs
    starts = np.unique(np.minimum(np.arange(0, num_frames - 1, 1 if overlap else pairs),
                                  max(0, num_frames - 1 - pairs)))
    batches = [starts[i:i + predictor.batch_size]
               for i in range(0, len(starts), predictor.batch_size)]
    # Pads the last batch with its last window.
    indices = [np.minimum(np.concatenate([np.arange(start, start + pairs + 1) for start in np.pad(
        batch, (0, predictor.batch_size - len(batch)), mode='edge')]), num_frames - 1)
               for batch in batches]
    motions = np.zeros([num_frames - 1, net.MOTION_SIZE], np.float32)
    counts = np.zeros([num_frames - 1, 1], np.float32)
    frames = progress(read_ahead(reader.read, indices), total=len(indices), desc=desc, unit='call')
    for batch, compact in zip(batches, frames):
        for start, window in zip(batch, predictor(compact)):
            held = slice(start, start + pairs)
            counted = np.logical_or(overlap, counts[held] == 0)
            motions[held] += counted * window[:len(counted)]
            counts[held] += counted
    return motions / counts


class MirroredReader:
    """Reads the frames of `reader`, mirrored left to right."""

    def __init__(self, reader):
        self.paths = reader.paths
        self._reader = reader

    def read(self, indices):
        """Returns <CompactFrames>."""
        compact = self._reader.read(indices)
        return compact._replace(frames=mirrored_images(compact.frames))
