"""`--mode=test`: predicts sequences, writes motions and trajectories, and evaluates them."""
import functools
import os
import re
from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from convlstm_vo import net
from convlstm_vo.trained_sequences import trained_sequences, warn_if_trained
from kitti_data import motion
from kitti_data.frame_source import warn_of_rate
from kitti_data.mirror import mirrored_motions
from kitti_data.odometry import (
    OdometrySequence, require_sequences, sequence_name, write_poses)
from kitti_data.pipeline.compact_frames import FrameReader, check_frames
from kitti_data.poses import relative
from kitti_eval import constant_motion, evo_tools, report
from kitti_eval.trajectory_errors import evaluate_odometry
from npu_runtime.predictor import BatchedGraph, Predictor
from npu_runtime.run_folder import read_section
from vo_common.console import log, warn
from vo_common.errors import UserError
from vo_common.files import atomic_write, make_folder, remove_others, write_json
from vo_common.parallel import read_ahead


def test_motion(run, model, runtime):
    """Predicts and evaluates the test sequences; writes to `<outputpath>/test`.

    For sequence NN of N frames: `NN_motions_pred.txt` and `NN_motions_gt.txt`, N-1 rows of 6
    (metres, radians); `NN.txt`, N rows of 12 in KITTI format, the first the identity, each preceded
    by its frame number unless the frames are 0..N-1; `NN_trajectory.png`. For all sequences:
    `results.json`. Without poses, a sequence is predicted but not evaluated.
    """
    run.require(datapath='the KITTI odometry folder', outputpath='the folder of the run',
                test_sequences='numbers of sequences')
    motion.require_camera_frame(model.label_frame, flip_average=run.flip_average,
                                reverse_average=run.reverse_average)
    trained_on = training_sequences(run)
    warn_if_trained(run.test_sequences, trained_on)
    sequences = [OdometrySequence(run.datapath, name, run.camera) for name in require_sequences(
        run.datapath, run.test_sequences, 'test_sequences')]
    readers = _open(sequences, model)
    truths = [sequence.poses_if_any for sequence in sequences]  # errors before the predictions
    # The baseline is the mean motion of the training sequences at hand, or else of KITTI.
    step, label = constant_motion.step_from_files(list(filter(os.path.exists, [
        os.path.join(sequences[0].root, 'poses', name + '.txt') for name in trained_on])))
    folder = make_folder(os.path.join(run.outputpath, 'test'))
    results, scored = {}, []

    def save():
        write_json(os.path.join(folder, 'results.json'), {
            'checkpoint': network.checkpoint, 'baseline': label, 'sequences': results})

    graph = functools.partial(window_graph, max(1, run.chunk // model.time_steps),
                              model.time_steps, readers[0].frame_shape, readers[0].dtype,
                              run.flip_average)
    with Predictor(graph, run.checkpoint, runtime) as network:
        for sequence, reader, gt in zip(sequences, readers, truths):
            motions = _predict(network, reader, run, model.time_steps, sequence.rate,
                               'sequence ' + sequence.name)
            both = _write(sequence, motions, gt, model.label_frame,
                          os.path.join(folder, sequence.name), step)
            results[sequence.name] = {'frames': len(motions) + 1}
            if both:
                results[sequence.name] = _score(both, run.lengths, label)
                scored.append(both)
            save()
    # Plots and evo may fail, so they come after the results are saved.
    if scored:
        from kitti_eval import plots  # imports matplotlib, which takes seconds
    for both in scored:
        plots.plot_trajectories(both.prefix + '_trajectory.png', [
            ('ground truth', both.gt), ('prediction', both.pred), (label, both.constant)],
                                both.title)
    if run.evo:
        for both in scored:
            results[both.name]['evo'] = _evo(both)
        save()
    print('written: %s' % ', '.join(os.path.join(folder, name) for name in [
        'results.json'] + [sequence.name + '.txt' for sequence in sequences]))


def training_sequences(run):
    """The names of the sequences that the checkpoint was trained on, by config.json or the flags.

    Warns if it was trained on another camera.
    """
    camera = read_section(run.checkpoint, 'run').get('camera', run.camera)
    if camera != run.camera:
        warn('--camera=%d: the network was trained on camera %s (use --camera=%s)'
             % (run.camera, camera, camera))
    names = trained_sequences(run.checkpoint)
    return [sequence_name(name) for name in run.train_sequences] if names is None else names


class Scored(NamedTuple):
    """True and predicted poses of a sequence, and the constant motion: <float64>[N, 4, 4].

    The first is the identity. `prefix` is the path of its files, without their ending; `numbers`
    are those of the frames.
    """
    name: str
    prefix: str
    numbers: np.ndarray
    gt: np.ndarray
    pred: np.ndarray
    constant: np.ndarray

    @property
    def title(self):
        """Title of tables and plots."""
        return 'Sequence %s, %d frames' % (self.name, len(self.gt))


def _predict(network, reader, run, pairs, rate, desc):
    """`predict_motions`, averaged over both orders of the frames and smoothed as the flags say.

    `rate` is the number of frames per second.
    """
    motions = predict_motions(network, reader, pairs, desc, run.overlap_average)
    if run.reverse_average:
        backwards = predict_motions(network, reader.reversed(), pairs, desc + ', reversed',
                                    run.overlap_average)
        motions = (motions + motion.reversed_motions(backwards)) / 2
    if run.smooth_speed:
        motions = motion.smoothed_lengths(motions, run.smooth_speed * rate)
    return motions.astype(np.float32)


def window_graph(batch_size, pairs, frame_shape, dtype, flip_average=False):
    """The <BatchedGraph> frames, scale, mean of a window -> motions <float32>[S, 6].

    Args:
      batch_size: windows per call.
      pairs: S, frame pairs per window.
      frame_shape, dtype: of a frame, (H, W, C) and uint8 or uint16.
      flip_average: average the motions of the frames and their mirror images.
    """
    def build(frames, scale, mean):
        frame_pairs = net.normalised_pairs(frames, scale, mean)
        motions = net.predict(frame_pairs)
        if flip_average:
            with tf.variable_scope(tf.get_variable_scope(), reuse=True):
                mirrored = net.predict(tf.reverse(frame_pairs, axis=[3]))
            motions = (motions + mirrored_motions(mirrored)) / 2
        return {'motions': motions}

    size = (pairs + 1,)
    return BatchedGraph(build, {'frames': size + frame_shape, 'scale': size, 'mean': size},
                        batch_size, {'frames': dtype, 'scale': np.float32, 'mean': np.float32})


def predict_motions(predict, reader, pairs, desc='', overlap=False):
    """Predicts the motions between the N frames of a <FrameReader>: <float32>[N-1, 6].

    Windows do not overlap, except the last one, which ends with the sequence and contributes only
    the remaining motions. A sequence shorter than a window is padded with its last frame, which no
    earlier motion depends on.

    Args:
      predict: function (examples, total, desc) that yields the outputs of `window_graph`.
      pairs: S, frame pairs per window.
      desc: label of the progress bar.
      overlap: start a window at every frame; each motion is the mean over the windows that contain
        it.
    """
    num_frames = len(reader.paths)
    starts = np.unique(np.minimum(np.arange(0, num_frames - 1, 1 if overlap else pairs),
                                  max(0, num_frames - 1 - pairs)))

    def read(start):
        places = np.minimum(np.arange(start, start + pairs + 1), num_frames - 1)
        return reader.read(places)._asdict()

    motions = np.zeros([num_frames - 1, net.MOTION_SIZE], np.float32)
    counts = np.zeros([num_frames - 1, 1], np.float32)
    for start, output in zip(starts, predict(read_ahead(read, starts), len(starts), desc)):
        held = slice(start, start + pairs)
        counted = np.logical_or(overlap, counts[held] == 0)
        motions[held] += counted * output['motions'][:len(counted)]
        counts[held] += counted
    return motions / counts


def _open(sequences, model):
    """Checks the files of sequences of at least two frames; returns readers for one network."""
    formats = []
    for sequence in sequences:
        paths = sequence.image_paths
        warn_of_rate(sequence.rate, sequence.folder)
        if len(paths) < 2:
            raise UserError('sequence %s: has one frame (%s), must have at least two'
                            % (sequence.name, paths[0]))
        formats.append(check_frames(paths))
    return [FrameReader(sequence.image_paths, model.img_height, model.img_width, formats)
            for sequence in sequences]


def _write(sequence, pred_motions, gt, label_frame, prefix, step):
    """Writes motions and trajectory of a sequence; returns <Scored>, or None without true poses."""
    pred = motion.poses_from_motions(pred_motions, label_frame, None if gt is None else gt[0])
    remove_others(os.path.dirname(prefix), re.escape(sequence.name)
                  + r'_(motions_gt\.txt|trajectory\.png|evo_.*\.png)')
    _write_rows(prefix + '_motions_pred.txt', pred_motions)
    write_poses(prefix + '.txt', pred, sequence.frame_numbers)
    if gt is None:
        log('sequence %s has no poses (%s): predicted, not evaluated'
            % (sequence.name, sequence.poses_path))
        return None
    _write_rows(prefix + '_motions_gt.txt', motion.motions_from_poses(gt, label_frame))
    return Scored(sequence.name, prefix, sequence.frame_numbers, relative(gt[0], gt), pred,
                  constant_motion.constant_motion(sequence.frame_numbers, step))


def _write_rows(path, rows):
    with atomic_write(path) as stream:
        np.savetxt(stream, rows, fmt='%.9e')


def _score(both, lengths, label):
    """Prints a table; returns the entry of results.json. `label` is that of the constant motion."""
    errors, baseline = (evaluate_odometry(both.gt, poses, 'none', lengths, both.numbers)
                        for poses in (both.pred, both.constant))
    report.print_odometry([('prediction', errors), (label, baseline)], both.title)
    return dict(errors, baseline=dict(baseline, label=label))


def _evo(both):
    """APE by evo: dict, alignment -> statistics, or None where evo fails."""
    results = {}
    for alignment in ('none', '6dof'):
        try:
            results[alignment] = evo_tools.evo_errors(
                both.gt, both.pred, alignment, metrics=('ape',),
                plot_prefix='%s_evo_%s' % (both.prefix, alignment))['ape']
            log('sequence %s: evo APE RMSE, alignment %s: %.6f m' % (
                both.name, alignment, results[alignment]['rmse']))
        except UserError as error:
            # evo cannot align points on a line.
            warn(str(error))
            results[alignment] = None
    return results
