"""Builds every graph as for an NPU and lists obstacles to running it there as a whole.

    python scripts/audit_graph.py
    python scripts/audit_graph.py --graphs=train_rigid_resnet50 --ops

Training graphs have the default flags: mixed precision with dynamic loss scaling, images for
TensorBoard, on one card and on eight (`..._8_ranks`), with initialisation and broadcast. The
plugin's operations come from `npu_bridge` or, if that is not installed, from the stand-in in
test/helpers. Exits with status 1 if a graph has a dynamic shape, a one-shot iterator, a
TensorArray, 64-bit numbers in the path of its gradients, or an operation that is not in
npu_runtime/devices/device_ops.txt.
"""
import collections
import contextlib
import dataclasses
import importlib
import importlib.util
import os
import sys
from typing import List
from unittest import mock

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Before the slow imports, because it makes Ctrl-C exit with one line.
from npu_runtime.engine import start_tensorflow  # noqa: E402
from vo_common.errors import run_main  # noqa: E402

start_tensorflow()  # sets the log level before the import

import tensorflow.compat.v1 as tf  # noqa: E402

from benchmarks.steps import convlstm_task, geonet_task  # noqa: E402
from convlstm_vo import net as vo_net  # noqa: E402
from convlstm_vo.config import ModelConfig as VoConfig  # noqa: E402
from geonet import model as geonet_model  # noqa: E402
from geonet.config import ModelConfig  # noqa: E402
from npu_runtime.devices import graph_audit  # noqa: E402
from npu_runtime.devices.choose import Device  # noqa: E402
from npu_runtime.devices.flags import RuntimeConfig  # noqa: E402
from npu_runtime.devices.ranks import HcclRanks, SingleProcess  # noqa: E402
from npu_runtime.training.flags import TrainFlags  # noqa: E402
from npu_runtime.training.step import TrainingStep  # noqa: E402
from vo_common.flags import Flags, flag, parse_flags  # noqa: E402

STAND_IN = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'test', 'helpers')
NPU = Device('npu', 'graph audit')
RANKS = 8
ON_RANKS = '_%d_ranks' % RANKS  # ending of the names of graphs of several ranks


def _training(ranks, task, data):
    """(targets of a step with default flags on an NPU, targets of the initialisation)."""
    step = TrainingStep(task, data, NPU, RuntimeConfig(), ranks)
    start = [tf.global_variables_initializer()]
    if ranks.size > 1:
        start += [ranks.broadcast(list(step.all_state.values())), ranks.gather([0, 0])]
    return [step.train_op, step.step, step.values], start


def _geonet(mode, **settings):
    return lambda ranks: _training(ranks, *geonet_task(ModelConfig(**settings), mode, TrainFlags()))


def _convlstm(time_steps):
    return lambda ranks: _training(ranks, *convlstm_task(
        VoConfig(time_steps=time_steps), TrainFlags(batch_size=2, gradient_clip=1.)))


def _geonet_prediction(predict, num_inputs, **settings):
    def build(_):
        config = ModelConfig(**settings)
        size = [1, config.img_height, config.img_width]
        inputs = [tf.placeholder(tf.uint8, size + [3]),
                  tf.placeholder(tf.uint8, size + [3 * config.num_sources]),
                  tf.placeholder(tf.float32, [1, 3, 3])]
        return tf.nest.flatten(predict(*inputs[:num_inputs], config)), []
    return build


def _convlstm_prediction(_):
    config = VoConfig()
    pairs = tf.placeholder(tf.float32, [1, 1, config.img_height, config.img_width, 6])
    return [vo_net.predict(pairs)], []


# Name -> function of the ranks that returns the targets of a step and of the initialisation.
TRAINING = {
    'train_rigid_resnet50': _geonet('train_rigid'),
    'train_rigid_vgg': _geonet('train_rigid', dispnet_encoder='vgg', scale_normalize=True,
                               seq_length=5),
    'train_flow_residual': _geonet('train_flow'),
    'train_flow_direct': _geonet('train_flow', flownet_type='direct'),
    'convlstm_vo_train_1': _convlstm(1),
    'convlstm_vo_train_3': _convlstm(3),
}
GRAPHS = dict(TRAINING, **{
    'test_depth_resnet50': _geonet_prediction(geonet_model.predict_depth, 1),
    'test_depth_vgg': _geonet_prediction(geonet_model.predict_depth, 1, dispnet_encoder='vgg'),
    'test_pose': _geonet_prediction(geonet_model.predict_pose, 2),
    'test_flow_residual': _geonet_prediction(geonet_model.predict_flow, 3),
    'test_flow_direct': _geonet_prediction(geonet_model.predict_flow, 3, flownet_type='direct'),
    'convlstm_vo_test': _convlstm_prediction,
})
GRAPHS.update({name + ON_RANKS: build for name, build in TRAINING.items()})


@contextlib.contextmanager
def _plugin_of(ranks):
    """Context in which `npu_bridge` or its stand-in can be imported."""
    with mock.patch.dict(os.environ, RANK_SIZE=str(ranks.size)):
        if importlib.util.find_spec('npu_bridge'):
            yield
        else:
            sys.path.append(STAND_IN)
            with importlib.import_module('npu_plugin').installed(overflows=False):
                yield


def audit(name):
    """(Counter of the types of operations on the device; descriptions of obstacles) of a graph."""
    ranks = HcclRanks(RANKS, 0) if name.endswith(ON_RANKS) else SingleProcess()
    with _plugin_of(ranks), tf.Graph().as_default():
        targets, start = GRAPHS[name](ranks)
        wrong = graph_audit.problems(targets)
        if start:
            wrong += ['before the first step: ' + sentence
                      for sentence in graph_audit.problems(start)]
        kinds = collections.Counter(op.type for op in graph_audit.device_ops(targets))
        return kinds, wrong


@dataclasses.dataclass
class Config(Flags):
    """Graphs to audit."""
    graphs: List[str] = flag([], 'names of graphs; empty for all', choices=tuple(GRAPHS))
    ops: bool = flag(False, 'list the operations of each graph by type')


def main(argv=None):
    config, = parse_flags(__doc__, Config, argv=argv)
    failed = False
    for name in config.graphs or GRAPHS:
        kinds, wrong = audit(name)
        print('%-29s %5d operations: %s' % (
            name, sum(kinds.values()), '%d problems' % len(wrong) if wrong else 'ok'))
        if config.ops:
            print('  ' + ', '.join('%s %d' % item for item in kinds.most_common()))
        for sentence in wrong[:20]:
            print('  ' + sentence)
        failed = failed or bool(wrong)
    return 1 if failed else 0


if __name__ == '__main__':
    run_main(main)
