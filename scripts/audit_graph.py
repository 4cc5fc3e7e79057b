"""Builds every graph as for an NPU and lists what would keep it from running there as a whole.

    python scripts/audit_graph.py                  all graphs, compared with the last release
    python scripts/audit_graph.py --graphs=train_rigid_resnet50 --ops
    python scripts/audit_graph.py --update         writes the counts of a release

Ends with status 1 when a graph has a dynamic shape, a one-shot iterator, a TensorArray, 64-bit
numbers in the path of its gradients, or an operation outside of npu_runtime/devices/device_ops.txt.
"""
import collections
import dataclasses
import os
import sys
from typing import List

if __package__ in (None, ''):
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

import tensorflow.compat.v1 as tf  # noqa: E402

from common.errors import UserError, run_main  # noqa: E402
from common.files import read_json, write_json  # noqa: E402
from common.flags import flag, parse_flags  # noqa: E402
from convlstm_vo import model as vo_model  # noqa: E402
from convlstm_vo import net as vo_net  # noqa: E402
from convlstm_vo.config import ModelConfig as VoConfig  # noqa: E402
from geonet import model as geonet_model  # noqa: E402
from geonet.config import NUM_SCALES, ModelConfig  # noqa: E402
from npu_runtime.devices import graph_audit  # noqa: E402
from npu_runtime.config import RuntimeConfig  # noqa: E402
from npu_runtime.devices.choose import Device  # noqa: E402
from npu_runtime.devices.ranks import SingleProcess  # noqa: E402
from npu_runtime.training import ModelOutput, TrainOptions  # noqa: E402
from npu_runtime.training_graph import TrainingGraph  # noqa: E402

COUNTS_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'graph_counts.json')
NPU = Device('npu', 'graph audit')


@dataclasses.dataclass
class Config:
    """Which graphs to audit."""
    graphs: List[str] = flag([], 'names of graphs; empty is all')
    ops: bool = flag(False, 'list the operations of each graph by kind')
    update: bool = flag(False, 'write the counts to scripts/graph_counts.json, for a release')


def _training(build_model, batch, scopes=None, **options):
    """Targets and trained variables of a training step; the plugin's own ops are left out."""
    dataset = tf.data.Dataset.from_tensors(
        {name: tf.zeros(shape, dtype) for name, (shape, dtype) in batch.items()}).repeat()
    graph = TrainingGraph(
        build_model, dataset.prefetch(1),
        TrainOptions('', 1, 1, 2e-4, trainable_scopes=scopes, **options), NPU,
        RuntimeConfig(loss_scale='off'), SingleProcess())
    return [graph.train_op, graph.step, graph.values], tf.trainable_variables()


def _geonet_batch(config, batch_size=4):
    size = [batch_size, config.img_height, config.img_width]
    return {'frames': (size + [3 * config.seq_length], tf.uint8),
            'intrinsics': ([batch_size, NUM_SCALES, 3, 3], tf.float32)}


def _geonet_training(build, scopes=None, **settings):
    config = ModelConfig(**settings)
    return _training(lambda batch, is_training: ModelOutput(
        build(batch, config, is_training).losses), _geonet_batch(config), scopes)


def _geonet_inference(predict, num_inputs, **settings):
    config = ModelConfig(**settings)
    size = [1, config.img_height, config.img_width]
    inputs = [(size + [3], tf.uint8), (size + [3 * config.num_sources], tf.uint8),
              ([1, NUM_SCALES, 3, 3], tf.float32)]
    outputs = predict(*[tf.placeholder(dtype, shape) for shape, dtype in inputs[:num_inputs]],
                      config)
    return tf.nest.flatten(outputs), ()


def _vo_training(time_steps):
    config = VoConfig(time_steps=time_steps)
    frames = [2, time_steps + 1]
    batch = {'frames': (frames + [config.img_height, config.img_width, 1], tf.uint8),
             'scale': (frames, tf.float32), 'mean': (frames, tf.float32),
             'motions': ([2, time_steps, 6], tf.float32)}
    return _training(lambda batch, is_training: ModelOutput(
        vo_model.training(batch, config).losses), batch, gradient_clip=1.)


def _vo_inference():
    config = VoConfig()
    pairs = tf.placeholder(tf.float32, [1, 1, config.img_height, config.img_width, 6])
    return [vo_net.predict(pairs).motions], ()


GRAPHS = collections.OrderedDict([
    ('train_rigid_resnet50', lambda: _geonet_training(geonet_model.rigid_training)),
    ('train_rigid_vgg', lambda: _geonet_training(
        geonet_model.rigid_training, dispnet_encoder='vgg', scale_normalize=True, seq_length=5)),
    ('train_flow_residual', lambda: _geonet_training(geonet_model.flow_training, ['flow_net'])),
    ('train_flow_direct', lambda: _geonet_training(
        geonet_model.flow_training, flownet_type='direct')),
    ('test_depth_resnet50', lambda: _geonet_inference(geonet_model.predict_depth, 1)),
    ('test_depth_vgg', lambda: _geonet_inference(
        geonet_model.predict_depth, 1, dispnet_encoder='vgg')),
    ('test_pose', lambda: _geonet_inference(geonet_model.predict_pose, 2)),
    ('test_flow_residual', lambda: _geonet_inference(geonet_model.predict_flow, 3)),
    ('test_flow_direct', lambda: _geonet_inference(
        geonet_model.predict_flow, 3, flownet_type='direct')),
    ('convlstm_vo_train_1', lambda: _vo_training(1)),
    ('convlstm_vo_train_3', lambda: _vo_training(3)),
    ('convlstm_vo_test', _vo_inference),
])


def audit(name):
    """(counts of the device's operations by kind, sentences on what is wrong) of a graph."""
    with tf.Graph().as_default():
        targets, variables = GRAPHS[name]()
        return (graph_audit.counts(graph_audit.device_ops(targets)),
                graph_audit.problems(targets, variables))


def _line(name, count, released, number_of_problems):
    change = '' if released is None else ' (last release %d, %+d)' % (released, count - released)
    return '%-22s %5d operations%s: %s' % (
        name, count, change, '%d problems' % number_of_problems if number_of_problems else 'ok')


def main(argv=None):
    config, = parse_flags(__doc__.split('\n')[0], Config, argv=argv)
    unknown = [name for name in config.graphs if name not in GRAPHS]
    if unknown:
        raise UserError('--graphs: no graph %s; there are %s'
                        % (', '.join(unknown), ', '.join(GRAPHS)))
    released = read_json(COUNTS_FILE) if os.path.exists(COUNTS_FILE) else {}
    totals, failed = dict(released), False
    for name in config.graphs or GRAPHS:
        kinds, wrong = audit(name)
        totals[name] = sum(kinds.values())
        print(_line(name, totals[name], released.get(name), len(wrong)))
        if config.ops:
            print('  ' + ', '.join('%s %d' % item for item in kinds.items()))
        for sentence in wrong[:20]:
            print('  ' + sentence)
        failed = failed or bool(wrong)
    if config.update:
        write_json(COUNTS_FILE, totals)
    return 1 if failed else 0


if __name__ == '__main__':
    run_main(main)
