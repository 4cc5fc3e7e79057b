"""`--mode=test_pose`: camera motion in snippets of seq_length frames."""
import os

import numpy as np

from common.errors import UserError
from common.files import make_folder
from geonet.model import predict_pose
from geonet.predictor import Predictor
from kitti_data.frame_source import sequence_frames, windows
from kitti_eval.chaining import chain_snippets
from kitti_eval.plots import plot_trajectories
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
        examples = map(_example, windows(source.read(height, width), length))
        outputs = predictor(examples, count, 'pose')
        poses = np.stack([output['poses'] for output in outputs])
    frame_numbers = np.arange(count)[:, None] + np.arange(length)
    write_snippets(output_dir, source.numbers[:count], times[frame_numbers],
                   snippets_of_vectors(poses))
    if run.pictures:
        _plot(os.path.join(output_dir, 'trajectory.png'), snippets_of_vectors(poses))
    print('%d snippets of %d frames: %s' % (count, length, output_dir))
    return count


def _example(window):
    """Target and source stack of the frames of a snippet, the target in the middle."""
    middle = len(window) // 2
    return {'target': window[middle],
            'sources': np.concatenate(window[:middle] + window[middle + 1:], axis=-1)}


def _plot(path, poses):
    """Draws the snippets, joined to one path in the network's own scale, from above."""
    _, trajectory = chain_snippets(dict(enumerate(poses)))
    plot_trajectories(path, [('prediction', trajectory)])
