"""The recurrent cell: golden numbers of the published code, and an independent numpy cell."""
import json

import fill
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from convlstm_vo import cell

LSTM_CASES = ['default', 'no_peephole', 'no_norm', 'no_norm_no_peep', 'no_norm_fb0', 'norm_fb0',
              'norm_fb3', 'filters1', 'kernel53_relu', 'init_state', 'seqlen', 'shape1d',
              'vo_shape_t2']


def _make_cell(config):
    config = dict(config)
    for key in ('cls', 'cin', 'T', 'init_state', 'sequence_length'):
        config.pop(key, None)
    if config.pop('activation', None) == 'relu':
        config['activation'] = tf.nn.relu
    return cell.ConvLSTMCell(**config)


def _initial_state(case, entry, rnn_cell):
    if not entry['config'].get('init_state'):
        return rnn_cell.zero_state(entry['batch'], tf.float32)
    shape = [entry['batch']] + entry['config']['shape'] + [entry['config']['filters']]
    return cell.LSTMStateTuple(
        *[tf.constant(fill.array('cell/%s/%s' % (case, name), shape, 0.5))
          for name in ('c0', 'h0')])


def _fill_variables(session):
    variables = tf.global_variables()
    weights = {variable.initializer.inputs[1]: fill.weight(variable.op.name,
                                                           variable.shape.as_list())
               for variable in variables}
    session.run([variable.initializer for variable in variables], weights)


def _unoptimised():
    """A graph that runs once is not worth rewriting."""
    config = tf.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return config


def _unroll(rnn_cell, x, state, sequence_length=None):
    outputs, state = tf.nn.static_rnn(rnn_cell, tf.unstack(x, axis=1), initial_state=state,
                                      sequence_length=sequence_length)
    return tf.stack(outputs, axis=1), state


@pytest.mark.parametrize('case', LSTM_CASES)
def test_golden_outputs_loss_and_gradients(golden, case):
    entry = json.loads((golden / 'convlstm_vo' / 'cell.json').read_text())[case]
    arrays = np.load(str(golden / 'convlstm_vo' / 'cell.npz'))
    config = entry['config']
    shape = [entry['batch'], entry['time_steps']] + config['shape'] + [config['cin']]
    with tf.Graph().as_default(), tf.Session(config=_unoptimised()) as session:
        x = tf.constant(fill.array('cell/%s/x' % case, shape))
        rnn_cell = _make_cell(config)
        outputs, state = _unroll(rnn_cell, x, _initial_state(case, entry, rnn_cell),
                                 config.get('sequence_length'))
        variables = tf.trainable_variables()
        assert [[v.op.name, v.shape.as_list()] for v in variables] == entry['variables']
        _fill_variables(session)
        loss = tf.nn.l2_loss(outputs)
        gradients = tf.gradients(loss, variables + [x])
        found, found_state, found_loss, norms = session.run(
            [outputs, state, loss, [tf.norm(g) for g in gradients]])
    np.testing.assert_allclose(found, arrays[case + '__outputs'], atol=1e-4)
    for name, value in found_state._asdict().items():
        np.testing.assert_allclose(value, arrays['%s__%s' % (case, name)], atol=1e-4)
    assert found_loss == pytest.approx(entry['loss'], rel=1e-5)
    wanted = [entry['grad_norm'][v.op.name] for v in variables] + [entry['grad_norm_x']]
    np.testing.assert_allclose(norms, wanted, rtol=2e-3, atol=1e-5)


@pytest.mark.parametrize('kernel', [[3], [3, 3, 3]])
def test_a_kernel_of_wrong_rank_is_refused(kernel):
    with pytest.raises(ValueError, match='kernel'):
        cell.ConvLSTMCell([4, 6], 3, kernel)


def test_an_input_of_wrong_size_is_refused_with_both_shapes():
    with tf.Graph().as_default():
        rnn_cell = cell.ConvLSTMCell([4, 6], 3, [3, 3])
        with pytest.raises(ValueError, match=r'\[2, 4, 5, 7\].*\[B, 4, 6, C\]'):
            rnn_cell(tf.zeros([2, 4, 5, 7]), rnn_cell.zero_state(2, tf.float32))


def test_layer_norm_in_half_precision_is_finite_on_constant_input():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.ones([1, 4, 6, 3], tf.float16)
        y = cell.layer_norm(x, tf.ones([3]), tf.constant([0., 1., 2.]))
        assert y.dtype == tf.float16
        np.testing.assert_array_equal(session.run(y)[0, 2, 2], [0, 1, 2])


def test_layer_norm_gives_each_sample_zero_mean_and_unit_variance():
    with tf.Graph().as_default(), tf.Session() as session:
        x = np.random.RandomState(0).normal(5., 3., [2, 4, 6, 3]).astype(np.float32)
        y = session.run(cell.layer_norm(tf.constant(x), tf.ones([3]), tf.zeros([3])))
    np.testing.assert_allclose(y.mean(axis=(1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(axis=(1, 2, 3)), 1, atol=1e-5)
