"""The recurrent cell: golden numbers of the published code."""
import json

import fill
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from convlstm_vo import cell

LSTM_CASES = ['default', 'no_peephole', 'no_norm', 'no_norm_no_peep', 'no_norm_fb0', 'norm_fb0',
              'norm_fb3', 'filters1', 'kernel53_relu', 'init_state', 'seqlen', 'shape1d',
              'vo_shape_t2']
OPTIONS = ('shape', 'filters', 'kernel', 'forget_bias', 'activation', 'normalize', 'peephole')


def _unoptimised():
    """A graph that runs once is not worth rewriting."""
    config = tf.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return config


@pytest.mark.parametrize('case', LSTM_CASES)
def test_golden_outputs_loss_and_gradients(golden, set_weights, case):
    entry = json.loads((golden / 'convlstm_vo' / 'cell.json').read_text())[case]
    arrays = np.load(str(golden / 'convlstm_vo' / 'cell.npz'))
    config = dict(entry['config'])
    if 'activation' in config:
        config['activation'] = getattr(tf.nn, config['activation'])
    rnn_cell = cell.ConvLSTMCell(**{key: config[key] for key in OPTIONS if key in config})
    map_shape = [entry['batch']] + config['shape']
    with tf.Graph().as_default(), tf.Session(config=_unoptimised()) as session:
        x = tf.constant(fill.array('cell/%s/x' % case,
                                   [entry['batch'], entry['time_steps']] + config['shape']
                                   + [config['cin']]))
        state = rnn_cell.zero_state(entry['batch'], tf.float32)
        if config.get('init_state'):
            state = cell.LSTMStateTuple(*[
                tf.constant(fill.array('cell/%s/%s' % (case, name),
                                       map_shape + [config['filters']], 0.5))
                for name in ('c0', 'h0')])
        outputs, state = tf.nn.static_rnn(rnn_cell, tf.unstack(x, axis=1), initial_state=state,
                                          sequence_length=config.get('sequence_length'))
        outputs = tf.stack(outputs, axis=1)
        variables = tf.trainable_variables()
        assert [[v.op.name, v.shape.as_list()] for v in variables] == entry['variables']
        set_weights(session)
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


def test_layer_norm_in_half_precision_is_finite_on_constant_input():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.ones([1, 4, 6, 3], tf.float16)
        y = cell.layer_norm(x, tf.ones([3]), tf.constant([0., 1., 2.]))
        assert y.dtype == tf.float16
        np.testing.assert_array_equal(session.run(y)[0, 2, 2], [0, 1, 2])
