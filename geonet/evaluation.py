"""Metrics against the ground truth in `--eval_dataset_dir` during training."""
import functools
import os

from geonet.predict_flow import flow_graph, flow_snippets, predict_flows
from geonet.predict_pose import pose_graph, predict_snippets
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
    train_flow: `flow_epe`, pixels, and `flow_fl`, share 0..1, on a KITTI 2015 folder: means over
    images, occluded pixels included, as in `eval_flow.py`.
    """
    if run.mode == 'train_flow':
        return _flow_evaluator(run, model), 'flow_epe'
    return _pose_evaluator(run, model), 'pose_ate'


def _pose_evaluator(run, model):
    source = sequence_source(run.eval_dataset_dir, model.seq_length, run.pose_test_seq, run.camera)
    gt = OdometrySequence(run.eval_dataset_dir, run.pose_test_seq, run.camera).poses
    gt_snippets = timed(snippets_of_trajectory(gt, model.seq_length))

    def evaluator():
        graph = pose_graph(model, run)

        def evaluate(session):
            pred = predict_snippets(functools.partial(graph.run, session), source, model,
                                    run.intrinsics)
            return {'pose_ate': evaluate_snippets(gt_snippets, timed(pred))['ate_mean']}
        return evaluate
    return evaluator


def _flow_evaluator(run, model):
    source = flow_snippets(run.eval_dataset_dir, run, model)
    folder = os.path.join(run.eval_dataset_dir, 'training', 'flow_occ')

    def truth_path(number):
        return require_file(os.path.join(folder, '%06d_10.png' % number), 'true flow',
                            '--eval_dataset_dir must be a KITTI 2015 folder')

    for number in source.numbers:
        truth_path(number)

    def evaluator():
        graph = flow_graph(model, run)

        def evaluate(session):
            scores = []
            for snippet, flow in predict_flows(functools.partial(graph.run, session), source,
                                               model):
                gt, valid = read_kitti_flow(truth_path(snippet.number))
                scores.append(evaluate_map(gt, valid, flow))
            errors = summarise(scores)['prediction']
            return {'flow_epe': errors['epe'], 'flow_fl': errors['fl']}
        return evaluate
    return evaluator
