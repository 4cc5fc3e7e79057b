"""Predicts whole sequences with graphs of fixed size."""
import numpy as np
import tensorflow.compat.v1 as tf

from convlstm_vo import net
from convlstm_vo.cell import LSTMStateTuple
from kitti_data.mirror import mirrored_images
from npu_runtime.session import inference_session, require_finite
from vo_common.errors import UserError
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
      fetches: <net.Prediction> of tensor names.

    Raises:
      UserError: the checkpoint is missing or was trained with another image size.
    """

    def __init__(self, checkpoint, runtime, batch_size, pairs, frame_shape, dtype):
        self.checkpoint, self.batch_size, self.pairs = checkpoint, batch_size, pairs
        size = (batch_size, pairs + 1)
        state_shape = (batch_size,) + net.feature_size(*frame_shape[:2]) + (net.FILTERS,)
        self.zero_state = (np.zeros(state_shape, np.float32),) * 2
        with tf.Graph().as_default() as graph:
            frames = tf.placeholder(dtype, size + tuple(frame_shape))
            scale, mean = [tf.placeholder(tf.float32, size) for _ in range(2)]
            state = LSTMStateTuple(*[tf.placeholder(tf.float32, state_shape) for _ in range(2)])
            prediction = net.predict(net.normalised_pairs(frames, scale, mean), state)
            self.session = inference_session(runtime, graph, checkpoint, None,
                                             tf.nest.flatten(prediction))
        # Names, because the session holds a frozen copy of the graph.
        self._inputs = [tensor.name for tensor in (frames, scale, mean, state.c, state.h)]
        self.fetches = tf.nest.map_structure(lambda tensor: tensor.name, prediction)

    def close(self):
        """Frees the session."""
        self.session.close()

    def __call__(self, compact, state):
        """Returns motions <float32>[B, S, 6] and the state after them.

        Args:
          compact: <CompactFrames> of B * (S+1) frames, window-major.
          state: (c, h), as returned by the previous call, or `zero_state`.

        Raises:
          UserError: a motion is not finite.
        """
        prediction = self.session.run(self.fetches, self.feed(compact, state))
        require_finite(prediction.motions, self.checkpoint, 'motions')
        return prediction.motions, tuple(prediction.state)

    def feed(self, compact, state):
        """The feed_dict of a session call, see `__call__`."""
        size = (self.batch_size, self.pairs + 1)
        frames = compact.frames.reshape(size + compact.frames.shape[1:])
        return dict(zip(self._inputs, (
            frames, compact.scale.reshape(size), compact.mean.reshape(size), *state)))


def stream(predictor, reader, desc=''):
    """Returns motions <float32>[N-1, 6] of N frames, carrying the state along the sequence.

    Requires batch size 1. The last chunk is padded with the last frame; motions of the padding are
    dropped.
    """
    num_frames = len(reader.paths)
    motions, state = [], predictor.zero_state
    chunks = [np.minimum(np.arange(start, start + predictor.pairs + 1), num_frames - 1)
              for start in range(0, num_frames - 1, predictor.pairs)]
    for compact in _read(reader, chunks, desc):
        chunk_motions, state = predictor(compact, state)
        motions.append(chunk_motions[0])
    return np.concatenate(motions)[:num_frames - 1]


def stateless(predictor, reader, desc='', overlap=False):
    """Returns motions <float32>[N-1, 6] of N frames, starting each window from the zero state.

    Windows do not overlap, except the last one, which ends with the sequence and contributes only
    the remaining motions. With `overlap`, a window starts at every frame, and each motion is the
    mean over the windows that contain it.
    """
    num_frames, pairs = len(reader.paths), predictor.pairs
    if num_frames < pairs + 1:
        raise UserError('sequence that starts with %s: has %d frames, too few for a window of %d '
                        'pairs' % (reader.paths[0], num_frames, pairs))
    last_start = num_frames - 1 - pairs
    starts = np.unique(np.minimum(np.arange(0, num_frames - 1, 1 if overlap else pairs),
                                  last_start))
    batches = [starts[i:i + predictor.batch_size]
               for i in range(0, len(starts), predictor.batch_size)]
    # Pads the last batch with its last window.
    indices = [np.concatenate([np.arange(start, start + pairs + 1) for start in np.pad(
        batch, (0, predictor.batch_size - len(batch)), mode='edge')]) for batch in batches]
    motions = np.zeros([num_frames - 1, net.MOTION_SIZE], np.float32)
    counts = np.zeros([num_frames - 1, 1], np.float32)
    for batch, compact in zip(batches, _read(reader, indices, desc)):
        windows, _ = predictor(compact, predictor.zero_state)
        for start, window in zip(batch, windows):
            held = slice(start, start + pairs)
            counted = np.logical_or(overlap, counts[held] == 0)
            motions[held] += counted * window
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


def _read(reader, index_lists, desc):
    return progress(read_ahead(reader.read, index_lists), total=len(index_lists), desc=desc,
                    unit='call')
