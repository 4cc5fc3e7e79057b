"""Predicts the motions of whole sequences, window by window."""
import numpy as np

from convlstm_vo import net
from kitti_data.mirror import mirrored_images
from npu_runtime.predictor import BatchedGraph
from vo_common.parallel import read_ahead


def window_graph(batch_size, pairs, frame_shape, dtype):
    """The <BatchedGraph> frames, scale, mean of a window -> motions <float32>[S, 6].

    Args:
      batch_size: windows per call.
      pairs: S, frame pairs per window.
      frame_shape: (H, W, C) of the frames.
      dtype: numpy dtype of the frames, uint8 or uint16.
    """
    def build(frames, scale, mean):
        return {'motions': net.predict(net.normalised_pairs(frames, scale, mean))}

    size = (pairs + 1,)
    return BatchedGraph(build, {'frames': size + frame_shape, 'scale': size, 'mean': size},
                        batch_size, {'frames': dtype, 'scale': np.float32, 'mean': np.float32})


def predict_motions(predict, reader, pairs, desc='', overlap=False, mirrored=False):
    """Predicts the motions between the N frames of a reader.

    Windows do not overlap, except the last one, which ends with the sequence and contributes only
    the remaining motions. A sequence shorter than a window is padded with its last frame, which no
    earlier motion depends on.

    Args:
      predict: function (examples, total, desc) that yields the outputs of `window_graph`.
      reader: <FrameReader>.
      pairs: S, frame pairs per window.
      desc: label of the progress bar.
      overlap: start a window at every frame; each motion is the mean over the windows that contain
        it.
      mirrored: mirror the frames left to right.

    Returns:
      <float32>[N-1, 6].
    """
    num_frames = len(reader.paths)
    starts = np.unique(np.minimum(np.arange(0, num_frames - 1, 1 if overlap else pairs),
                                  max(0, num_frames - 1 - pairs)))

    def read(start):
        window = reader.read(np.minimum(np.arange(start, start + pairs + 1), num_frames - 1))
        return dict(window._asdict(),
                    frames=mirrored_images(window.frames) if mirrored else window.frames)

    motions = np.zeros([num_frames - 1, net.MOTION_SIZE], np.float32)
    counts = np.zeros([num_frames - 1, 1], np.float32)
    for start, output in zip(starts, predict(read_ahead(read, starts), len(starts), desc)):
        held = slice(start, start + pairs)
        counted = np.logical_or(overlap, counts[held] == 0)
        motions[held] += counted * output['motions'][:len(counted)]
        counts[held] += counted
    return motions / counts
