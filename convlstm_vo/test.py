"""`--mode=test`: predicts sequences, writes motions and trajectories, and scores them."""
import os

import numpy as np

from common.errors import UserError
from common.files import atomic_write, make_folder
from convlstm_vo import predict
from kitti_data import motion
from kitti_data import poses as pose_math
from kitti_data.pipeline.compact_frames import FrameReader, check_frames
from kitti_data.odometry import OdometrySequence, sequence_name, write_poses
from kitti_eval import constant_motion, eval_odometry, evo_tools, plots, report
from kitti_eval.trajectory_errors import evaluate_odometry
from common.console import log, warn
from npu_runtime.saved_config import read_saved

EVO_ALIGNMENTS = ('none', '6dof')


def test(run, model, runtime):
    """Predicts and scores every test sequence; writes to `<outputpath>/test`.

    For sequence NN: `NN_motions_pred.txt` and `NN_motions_gt.txt`, N-1 rows of 6 (metres, radians);
    `NN.txt`, N rows of KITTI's 12, the first one the identity; `NN_trajectory.png`. For all:
    `results.json`. A sequence without a pose file is predicted and not scored.

    Args:
      run: <RunConfig>.
      model: <ModelConfig>.
      runtime: <RuntimeConfig>.

    Returns:
      dict, sequence -> its entry of results.json.
    """
    run.require('datapath', 'outputpath', 'test_sequences')
    trained_on = read_saved(run.checkpoint).get(
        'train_sequences', [sequence_name(name) for name in run.training_sequences])
    _warn_if_trained(run.test_sequences, trained_on)
    sequences = [OdometrySequence(run.datapath, name, run.camera) for name in run.test_sequences]
    readers = [_open(sequence, model) for sequence in sequences]
    baseline = _baseline(sequences[0].root, trained_on)
    folder = make_folder(os.path.join(run.outputpath, 'test'))
    results = {}
    with Predictors(run, model, runtime) as predictors:
        for sequence, reader in zip(sequences, readers):
            motions = predictors.motions(reader, 'sequence ' + sequence.name)
            results[sequence.name] = _write(sequence, motions, model.label_frame, folder, run,
                                            baseline)
    report.save_result(folder, 'results', {
        'baseline': baseline[1], 'state': 'carried' if predictors.carries_state else 'none',
        'sequences': results})
    return results


class Predictors:
    """Predicts sequences, with one loaded network for all whose frames are alike."""

    def __init__(self, run, model, runtime):
        self._run, self._model, self._runtime = run, model, runtime
        # A cell trained on single pairs has never seen a state but zero.
        self.carries_state = not run.stateless and model.time_steps > 1
        if not self.carries_state and not run.stateless:
            log('time_steps is 1: the state was never trained, so every pair begins without one')
        self._loaded = {}

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for predictor in self._loaded.values():
            predictor.close()

    def motions(self, reader, desc):
        """Motions <float32>[N-1, 6] of the reader's N frames."""
        key = reader.frame_shape, reader.dtype
        if key not in self._loaded:
            self._loaded[key] = self._load(*key)
        run_over = predict.stream if self.carries_state else predict.stateless
        return run_over(self._loaded[key], reader, desc)

    def _load(self, frame_shape, dtype):
        pairs = self._run.chunk if self.carries_state else self._model.time_steps
        batch_size = 1 if self.carries_state else max(1, self._run.chunk // pairs)
        return predict.Predictor(self._run.checkpoint, self._runtime, batch_size, pairs,
                                 frame_shape, dtype)


def _open(sequence, model):
    """Reader of a sequence of two frames or more, its files checked."""
    paths = sequence.image_paths
    if len(paths) < 2:
        raise UserError('sequence %s has one frame only (%s): there is no motion in it'
                        % (sequence.name, paths[0]))
    return FrameReader(paths, model.img_height, model.img_width, [check_frames(paths)])


def _warn_if_trained(test_sequences, trained_on):
    both = sorted({sequence_name(name) for name in test_sequences} & set(trained_on))
    if both:
        warn('trained on what is tested here, the numbers are too good: sequence %s'
             % ', '.join(both))


def _baseline(root, trained_on):
    """The mean step of the training sequences that are here, else of KITTI's, and its label."""
    paths = [os.path.join(root, 'poses', name + '.txt') for name in trained_on]
    return constant_motion.step_from_files([path for path in paths if os.path.exists(path)])


def _write(sequence, pred_motions, label_frame, folder, run, baseline):
    """Writes all files of one sequence and returns its entry of results.json."""
    prefix = os.path.join(folder, sequence.name)
    has_truth = os.path.exists(sequence.poses_path)
    gt = sequence.poses if has_truth else None
    pred = motion.poses_from_motions(pred_motions, label_frame, gt[0] if has_truth else None)
    _write_rows(prefix + '_motions_pred.txt', pred_motions)
    write_poses(prefix + '.txt', pred)
    if not has_truth:
        log('sequence %s has no poses (%s): predicted, not scored'
            % (sequence.name, sequence.poses_path))
        return {'frames': len(pred)}
    _write_rows(prefix + '_motions_gt.txt', motion.motions_from_poses(gt, label_frame))
    return _score(sequence.name, pose_math.relative(gt[0], gt), pred, prefix, run, baseline)


def _write_rows(path, rows):
    with atomic_write(path) as stream:
        np.savetxt(stream, rows, fmt='%.9e')


def _score(name, gt, pred, prefix, run, baseline):
    step, label = baseline
    constant = constant_motion.constant_motion(len(gt), step)
    rows = [(row, evaluate_odometry(gt, poses, 'none', run.lengths))
            for row, poses in (('prediction', pred), (label, constant))]
    title = 'Sequence %s, %d frames' % (name, len(gt))
    eval_odometry.print_result(rows, title)
    plots.plot_trajectories(prefix + '_trajectory.png', [
        ('ground truth', gt), ('prediction', pred), (label, constant)], title)
    result = dict(rows[0][1], baseline=dict(rows[1][1], label=label))
    if run.evo:
        result['evo'] = _evo(gt, pred, prefix)
    return result


def _evo(gt, pred, prefix):
    """APE by evo, as it is and aligned: dict, alignment -> statistics or None where evo fails."""
    results = {}
    for alignment in EVO_ALIGNMENTS:
        try:
            results[alignment] = evo_tools.evo_errors(
                gt, pred, alignment, metrics=('ape',),
                plot_prefix='%s_evo_%s' % (prefix, alignment))['ape']
            log('evo APE RMSE, alignment %s: %.6f m' % (alignment, results[alignment]['rmse']))
        except UserError as error:
            # Points on a line cannot be aligned; the other numbers stand.
            warn(str(error))
            results[alignment] = None
    return results
