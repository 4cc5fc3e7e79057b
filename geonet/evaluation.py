"""Metrics against the ground truth in `--eval_dataset_dir` during training."""
import functools
import os

from geonet.predict_flow import flow_graph, flow_snippets, predict_flows
from geonet.predict_pose import pose_graph, predict_snippets, source_camera
from kitti_data.flow_files import read_kitti_flow
from kitti_data.odometry import OdometrySequence
from kitti_data.snippet_source import sequence_source
from kitti_eval.flow_errors import evaluate_map, summarise
from kitti_eval.snippet_errors import evaluate_snippets
from kitti_eval.snippets import snippets_of_trajectory, timed
from vo_common.files import require_file


def metric_evaluator(run, model):
    """The evaluator for `npu_runtime.training.task.Validation`, and the metric of `model-best`.

    train_rigid: `pose_ate`, metres, on sequence `--pose_test_seq` of an odometry folder.
    train_flow: `flow_epe`, pixels, and `flow_fl`, a fraction, on a KITTI 2015 folder: means over
    images, occluded pixels included, as in `eval_flow.py`.
    """
    if run.mode == 'train_flow':
        make_graph, measure, metric = flow_graph, _flow_errors(run, model), 'flow_epe'
    else:
        make_graph, measure, metric = pose_graph, _pose_error(run, model), 'pose_ate'

    def evaluator():
        graph = make_graph(model, run)
        return lambda session: measure(functools.partial(graph.run, session))

    return evaluator, metric


def _pose_error(run, model):
    """Function from the predictions of `pose_graph` to a dict with `pose_ate`."""
    source = sequence_source(run.eval_dataset_dir, model.seq_length, run.pose_test_seq, run.camera)
    gt = OdometrySequence(run.eval_dataset_dir, run.pose_test_seq, run.camera).poses
    camera = source_camera(source, model, run.intrinsics, refine_steps=0)
    gt_snippets = timed(snippets_of_trajectory(gt, model.seq_length))

    def measure(predict):
        pred = predict_snippets(predict, source, model, camera)
        return {'pose_ate': evaluate_snippets(gt_snippets, timed(pred))['ate_mean']}

    return measure


def _flow_errors(run, model):
    """Function from the predictions of `flow_graph` to a dict with `flow_epe` and `flow_fl`."""
    source = flow_snippets(run.eval_dataset_dir, run, model)
    folder = os.path.join(run.eval_dataset_dir, 'training', 'flow_occ')
    truth_paths = {
        number: require_file(os.path.join(folder, '%06d_10.png' % number), 'true flow',
                             '--eval_dataset_dir must be a KITTI 2015 folder')
        for number in source.numbers}

    def measure(predict):
        scores = []
        for snippet, flow in predict_flows(predict, source, model):
            gt, valid = read_kitti_flow(truth_paths[snippet.number])
            scores.append(evaluate_map(gt, valid, flow))
        errors = summarise(scores)['prediction']
        return {'flow_epe': errors['epe'], 'flow_fl': errors['fl']}

    return measure
