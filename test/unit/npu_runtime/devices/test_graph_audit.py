"""The graph audit finds obstacles to an NPU, and none in our graphs."""
import functools
import re

import pytest
import tensorflow.compat.v1 as tf

import npu_plugin
from npu_runtime.devices import graph_audit
from scripts import audit_graph
from vo_common.errors import UserError

audited = functools.lru_cache(maxsize=None)(audit_graph.audit)


def problems_of(build):
    with tf.Graph().as_default():
        return graph_audit.problems([build()])


def weights():
    with tf.variable_scope('net', reuse=tf.AUTO_REUSE):
        return tf.get_variable('weights', [4], initializer=tf.ones_initializer())


def test_wide_numbers_that_constant_folding_removes_are_no_problem():
    def reshaped():
        shape = tf.shape(weights(), out_type=tf.int64)
        return tf.reshape(weights(), tf.cast(shape + 0, tf.int32))
    assert problems_of(reshaped) == []


@pytest.mark.parametrize('build,message', [
    (lambda: tf.placeholder(tf.float32, [None, 3], name='x') * 2., r'mul:0 has the dynamic'),
    (lambda: tf.roll(weights(), 1, 0, name='turned'), 'turned is a Roll, which is not in'),
    (lambda: tf.is_inf(weights(), name='huge'), 'huge is a IsInf'),
    (lambda: tf.map_fn(tf.square, weights()), 'is a TensorArray.*: unroll'),
    (lambda: tf.cast(weights(), tf.float64, name='wide') * 2.,
     'wide:0 is float64, in the path of the gradients'),
    (lambda: tf.cast(weights(), tf.int64, name='whole') * 2, 'whole:0 is int64'),
    (lambda: tf.data.make_one_shot_iterator(
        tf.data.Dataset.from_tensors(tf.zeros([2]))).get_next(), 'one-shot iterator')])
def test_obstacles_to_an_npu_are_reported(build, message):
    found = problems_of(build)
    assert any(re.search(message, sentence) for sentence in found), found


@pytest.mark.parametrize('name', [
    'train_rigid_vgg', 'test_pose', 'convlstm_vo_train_1', 'convlstm_vo_train_1_8_ranks'])
def test_our_graphs_run_on_the_device_as_a_whole(name):
    kinds, wrong = audited(name)
    assert wrong == []
    assert kinds['Conv2D'] > 0


def test_the_audited_graph_is_the_one_that_the_defaults_train():
    one, _ = audited('train_rigid_vgg')
    assert one['NpuGetFloatStatusV2'] == one['NpuClearFloatStatusV2'] == 1  # loss scaling
    assert one['RefSwitch'] > 0 and one['Round'] > 0  # the skipped update, images
    assert 'HcomAllReduce' not in one and 'IsFinite' not in one
    eight, _ = audited('convlstm_vo_train_1_8_ranks')
    gradients = eight['ApplyAdam']
    assert eight['HcomAllReduce'] == gradients + 2  # the float status, the logged values


@pytest.mark.parametrize('plugin,kinds', [
    (dict(version='r1.9'), {'NpuAllocFloatStatus', 'NpuGetFloatStatus', 'NpuClearFloatStatus'}),
    (dict(inf_nan=True), set())], ids=['r1.9', 'inf and nan'])
def test_the_overflow_detection_of_other_versions_and_modes_is_allowed(plugin, kinds):
    with npu_plugin.installed(overflows=False, **plugin):
        found, wrong = audit_graph.audit('convlstm_vo_train_1')
    assert wrong == []
    assert {kind for kind in found if 'FloatStatus' in kind} == kinds
    assert kinds or found['IsFinite'] >= found['ApplyAdam']  # each gradient is asked


def test_the_audit_lists_operations_and_fails_on_problems_of_step_or_start(monkeypatch, capsys):
    rounded, rolled = lambda: [tf.round(weights() * 2.)], lambda: [tf.roll(weights(), 1, 0)]
    monkeypatch.setattr(audit_graph, 'GRAPHS', {
        'train_flow_direct': lambda ranks: (rounded(), []),
        'test_pose': lambda ranks: (rolled(), []),
        'test_depth_vgg': lambda ranks: (rounded(), rolled())})
    assert audit_graph.main(['--graphs=train_flow_direct', '--ops']) == 0
    said = capsys.readouterr().out
    assert 'operations: ok' in said and 'Mul 1' in said
    assert audit_graph.main([]) == 1
    said = capsys.readouterr().out
    assert '\n  Roll is a Roll' in said and 'before the first step: Roll' in said
    with pytest.raises(UserError, match='--graphs=ugly: must be '):
        audit_graph.main(['--graphs=ugly'])
