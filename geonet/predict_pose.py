"""`--mode=test_pose`: camera motion in snippets of seq_length frames."""
import collections

import numpy as np

from common.errors import UserError
from common.files import make_folder
from geonet.model import predict_pose
from geonet.predictor import Predictor
from kitti_data.frame_source import sequence_frames
from kitti_eval.snippets import snippets_of_vectors, write_snippets


def test_pose(run, model, runtime):
    """Writes one TUM file a snippet, `<output_dir>/%06d.txt`, numbered by its first frame.

    Args:
      run: <RunConfig>.
      model: <ModelConfig>.
      runtime: <RuntimeConfig>.

    Returns:
      The number of snippets.
    """
    run.require(init_ckpt_file='the checkpoint to predict with', output_dir='where poses go')
    source = sequence_frames(run.dataset_dir, run.pose_test_seq, run.camera)
    length = model.seq_length
    count = len(source.names) - length + 1
    if count < 1:
        raise UserError('%s holds %d frames; a snippet needs %d' % (
            run.dataset_dir, len(source.names), length))
    times = source.times if source.times is not None else np.arange(len(source.names)) * 0.1
    output_dir = make_folder(run.output_dir)
    height, width = model.img_height, model.img_width
    with Predictor(
            lambda target, sources: {'poses': predict_pose(target, sources, model)},
            {'target': (height, width, 3), 'sources': (height, width, 3 * (length - 1))},
            run.init_ckpt_file, run.batch_size, runtime) as predictor:
        outputs = predictor(snippets(source.read(height, width), length), count, 'pose')
        poses = np.stack([output['poses'] for output in outputs])
    frame_numbers = np.arange(count)[:, None] + np.arange(length)
    write_snippets(output_dir, source.numbers[:count], times[frame_numbers],
                   snippets_of_vectors(poses))
    print('%d snippets of %d frames: %s' % (count, length, output_dir))
    return count


def snippets(frames, length):
    """Yields target and source stack of every window of `length` successive frames.

    Args:
      frames: iterable of uint8 [H, W, 3].
      length: odd number of frames.

    Yields:
      dict of target uint8 [H, W, 3], the middle frame, and sources uint8 [H, W, 3 (length - 1)],
      the others in time order.
    """
    window = collections.deque(maxlen=length)
    middle = length // 2
    for frame in frames:
        window.append(frame)
        if len(window) == length:
            others = [window[i] for i in range(length) if i != middle]
            yield {'target': window[middle], 'sources': np.concatenate(others, axis=-1)}
