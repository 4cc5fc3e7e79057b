"""`--mode=test_pose`: camera motion in snippets of seq_length frames."""
import itertools
import os

import numpy as np

from geonet.common_scale import with_common_scale
from geonet.flipped import predictions
from geonet.pictures import PictureWriter, trajectory_picture
from geonet.refinement import Refined, Refiner
from kitti_data.calibration import resized
from kitti_data.canonical_camera import camera_of, convert_motions
from kitti_data.frame_source import (
    require_whole, warn_of_rate, windows, with_ends_repeated)
from kitti_data.odometry import write_poses, write_tum
from kitti_data.snippet_source import sequence_source
from kitti_eval.snippets import (
    chain_snippets, snippets_of_trajectory, snippets_of_vectors, write_frames, write_snippets)
from npu_runtime.predictor import BatchedGraph, Predictor
from vo_common.console import warn
from vo_common.errors import UserError
from vo_common.files import make_folder


def test_pose(run, model, runtime):
    """Writes one TUM file per snippet, `<output_dir>/%06d.txt`, numbered by its first frame.

    Also writes the snippets chained to one path, in the scale of the network: `trajectory.txt`, a
    KITTI pose file (each row preceded by its frame number unless the frames are 0..N-1), and
    `trajectory_tum.txt`, with times. `--pictures` adds `trajectory.png`, and `--video` adds
    `trajectory.mp4`, each frame above the path so far.

    Raises:
      UserError: as `test_depth`; a frame is missing in between; --refine_steps lacks a camera, or
        nothing reads --intrinsics.
    """
    run.require(init_ckpt_file='the checkpoint to predict with', output_dir='the folder for poses')
    source = sequence_source(run.dataset_dir, model.seq_length, run.pose_test_seq, run.camera,
                             run.frame_step)
    times = source.read_times()
    warn_of_rate(source.rate, run.dataset_dir, run.frame_step)
    camera = source_camera(source, model, run.intrinsics, run.refine_steps)
    output_dir = make_folder(run.output_dir)
    with Predictor(lambda: pose_graph(model, run), run.init_ckpt_file, runtime) as predictor:
        poses = predict_snippets(predictor, source, model, camera, run.refine_steps)
    if run.overlap_average:
        poses = averaged(poses)
    places = np.arange(len(poses))[:, None] + np.arange(model.seq_length)
    write_snippets(output_dir, source.numbers[:len(poses)], times[places], poses)
    write_frames(output_dir, predictor.checkpoint, source.folder, source.names, source.numbers)
    _, trajectory = chain_snippets(dict(enumerate(poses)))
    counted = source.clocked or (source.numbers == np.arange(len(times))).all()
    write_poses(os.path.join(output_dir, 'trajectory.txt'), trajectory,
                None if counted else source.numbers)
    write_tum(os.path.join(output_dir, 'trajectory_tum.txt'), times, trajectory)
    if run.pictures:
        from kitti_eval.plots import plot_trajectories  # Imports matplotlib, which is slow.
        plot_trajectories(os.path.join(output_dir, 'trajectory.png'), [('prediction', trajectory)],
                          "Snippets chained, in the network's own scale", unit='')
    if run.video:
        _, smooth = chain_snippets(dict(enumerate(poses)), overlap='mean')
        with PictureWriter(output_dir, 'trajectory', False, True, source.rate) as pictures:
            for index, frame in enumerate(source.read(model.img_height, model.img_width)):
                pictures.write(index, trajectory_picture(frame, smooth[:, [0, 2], 3], index))
    print('%d snippets of %d frames: %s' % (len(poses), model.seq_length, output_dir))
    require_whole(source)


def pose_graph(model, run):
    """The <BatchedGraph> target, sources -> poses <float32>[N, 6], as `predict_pose`.

    With --refine_steps, also depth <float32>[H, W] of the target.
    """
    size = (model.img_height, model.img_width)
    net = predictions(run)

    def build(target, sources):
        outputs = {'poses': net.predict_pose(target, sources, model)}
        if run.refine_steps:
            outputs['depth'] = net.predict_depth(target, model)[0][..., 0]
        return outputs

    return BatchedGraph(
        build, {'target': size + (3,), 'sources': size + (3 * model.num_sources,)}, run.batch_size)


def predict_snippets(predict, source, model, camera=None, refine_steps=0):
    """The poses of all M snippets of a source, each relative to its first frame.

    Args:
      predict: function (examples, total, desc) that yields the outputs of `pose_graph`.
      source: <FrameSource>.
      camera: from `source_camera`; with canonical_camera, motions are converted to it.
      refine_steps: `steps` of `Refiner`; above 0, requires the camera, and depth in the outputs.

    Returns:
      float64 [M, L, 4, 4]; with refinement, in a common scale.
    """
    motions, heights = [], []
    frames = source.read(model.img_height, model.img_width)
    for found in predict_windows(predict, frames, source, model, camera, refine_steps):
        motions.append(found.motions)
        heights.append((found.log_height, found.height_spread))
    poses = snippets_of_vectors(np.stack(motions))
    return with_common_scale(poses, *np.transpose(heights)) if refine_steps else poses


def predict_windows(predict, frames, source, model, camera, refine_steps, beyond=0, desc='pose'):
    """Yields a <Refined> for each snippet; for the other arguments, see `predict_snippets`.

    Args:
      frames: iterable of the source's frames at the size of the model, uint8 [H, W, 3].
      beyond: number of frames that the first and last snippet extend beyond the source; there, its
        first and last frame are repeated, and not used for refinement.
      desc: label of the progress bar.
    """
    size = model.img_height, model.img_width
    examples = map(_example, windows(with_ends_repeated(frames, beyond), model.seq_length))
    outputs = predict(examples, len(source.names) - model.num_sources + 2 * beyond, desc)
    if refine_steps:
        refine, absent = Refiner(camera, refine_steps), [None] * beyond
        originals = windows(itertools.chain(
            absent, map(refine.prepared, source.read(*source.size)), absent), model.seq_length)
    for output in outputs:
        vectors = output['poses']
        if camera is not None and model.canonical_camera:
            vectors = convert_motions(resized(camera, source.size, size), vectors,
                                      camera_of(model.canonical_camera, *size))
        yield (refine(next(originals), output['depth'], vectors) if refine_steps
               else Refined(vectors))


def source_camera(source, model, intrinsics, refine_steps):
    """The intrinsics of a source in pixels of its files: float64 [3, 3], or None if not needed.

    Warns and returns None if they are unknown and only needed for canonical_camera.

    Args:
      intrinsics: (fx, fy, cx, cy) in pixels of the files; empty: the source's calibration.

    Raises:
      UserError: refinement lacks the camera, or nothing reads `intrinsics`.
    """
    if not model.canonical_camera and not refine_steps:
        if len(intrinsics):
            raise UserError('--intrinsics: must not be given to predict poses without '
                            '--refine_steps with a model without --canonical_camera (nothing reads '
                            'it)')
        return None
    camera = source.camera(intrinsics)
    if camera is None and refine_steps:
        raise UserError('--refine_steps=%d: must be 0 without a calibration (set '
                        '--intrinsics=fx,fy,cx,cy in pixels of the image files)' % refine_steps)
    if camera is None:
        warn('no calibration found: motions are given for --canonical_camera, with which the model '
             'was trained (set --intrinsics=fx,fy,cx,cy in pixels of the image files)')
    return camera


def averaged(poses):
    """Snippets [M, L, 4, 4], each motion replaced by its mean over all snippets that contain it."""
    _, trajectory = chain_snippets(dict(enumerate(poses)), overlap='mean')
    return snippets_of_trajectory(trajectory, poses.shape[1])


def _example(window):
    """Splits a snippet into the target, its middle frame, and the stacked sources."""
    middle = len(window) // 2
    return {'target': window[middle],
            'sources': np.concatenate(window[:middle] + window[middle + 1:], axis=-1)}
