"""The network: golden numbers of the published code, and an independent cell for longer windows."""
import json

import fill
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from convlstm_vo import model, net

GRADIENT_TOLERANCE = 2e-3


def final_state(batch):
    """The state after the last step of the network in the default graph."""
    conv6 = tf.get_default_graph().get_tensor_by_name('cnns/conv6/BiasAdd:0')
    with tf.variable_scope(tf.get_variable_scope(), reuse=True):
        return net.recur(tf.reshape(conv6, [batch, -1] + conv6.shape.as_list()[1:]))[1]


@pytest.fixture(scope='module')
def small(golden, set_weights):
    """The published code's small case: dict of its scalars, and our values for the same."""
    entry = json.loads((golden / 'convlstm_vo' / 'net_small.json').read_text())
    arrays = np.load(str(golden / 'convlstm_vo' / 'net_small.npz'))
    with tf.Graph().as_default(), tf.Session() as session:
        motions = net.predict(tf.constant(fill.net_input(2, 1, *entry['size'])))
        losses = model.motion_losses(motions, tf.constant(fill.net_labels(2, 1)))
        loss = tf.get_default_graph().get_tensor_by_name('loss_l2_norm/loss:0')
        variables = tf.trainable_variables()
        norms = [tf.norm(gradient) for gradient in tf.gradients(loss, variables)]
        step = tf.train.AdamOptimizer(1e-4).minimize(loss)
        set_weights(session)
        conv6 = tf.get_default_graph().get_tensor_by_name('cnns/conv6/BiasAdd:0')
        found = session.run({'motions': motions, 'state': final_state(2), 'conv6': conv6,
                             'losses': dict(losses), 'loss': loss, 'norms': norms})
        found['names'] = [variable.op.name for variable in variables]
        found['adam'] = []
        for _ in range(3):
            session.run(step)
            found['adam'].append(session.run(loss))
    return entry, arrays, found


def test_golden_forward_pass(small):
    _, arrays, found = small
    np.testing.assert_allclose(found['conv6'][..., ::64], arrays['conv6_every64ch'], atol=1e-4)
    np.testing.assert_allclose(found['motions'][:, 0], arrays['pose'], atol=1e-4)
    np.testing.assert_allclose(found['state'].c, arrays['state_c'], atol=1e-4)
    np.testing.assert_allclose(found['state'].h, arrays['state_h'], atol=1e-4)


def test_golden_loss_and_gradients(small):
    entry, _, found = small
    assert found['loss'] == pytest.approx(entry['loss0'], rel=1e-4)
    assert sum(found['losses'].values()) == pytest.approx(entry['loss0'], rel=1e-4)
    assert set(found['names']) == set(entry['grad_norm'])
    for name, norm in zip(found['names'], found['norms']):
        assert norm == pytest.approx(entry['grad_norm'][name], rel=GRADIENT_TOLERANCE), name


def test_golden_losses_of_three_adam_steps(small):
    entry, _, found = small
    np.testing.assert_allclose(found['adam'], [step['loss_after'] for step in entry['adam']],
                               rtol=2e-2)


@pytest.mark.parametrize('time_steps', [1, 3])
def test_variables_are_the_published_ones_at_every_length(golden, time_steps):
    published = json.loads((golden / 'convlstm_vo' / 'variables.json').read_text())
    with tf.Graph().as_default():
        net.predict(tf.placeholder(tf.float32, [2, time_steps, 384, 1280, 6]))
        found = [[v.op.name, v.shape.as_list(), v.dtype.base_dtype.name]
                 for v in tf.trainable_variables()]
    assert found == published['trainable']
    assert sum(np.prod(shape) for _, shape, _ in found) == published['n_trainable_params']


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _numpy_cell(x, c, h, weights):
    """One step of the cell, written from the equations: x [B, H, W, C] float64."""
    def norm(value, index):
        suffix = '_%d' % index if index else ''
        mean = value.mean(axis=(1, 2, 3), keepdims=True)
        spread = np.sqrt(value.var(axis=(1, 2, 3), keepdims=True) + 1e-12)
        return ((value - mean) / spread * weights['LayerNorm%s/gamma' % suffix]
                + weights['LayerNorm%s/beta' % suffix])

    padded = np.pad(np.concatenate([x, h], axis=-1), ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = x.shape[1:3]
    y = sum(np.tensordot(padded[:, row:row + height, column:column + width],
                         weights['kernel'][row, column], axes=1)
            for row in range(3) for column in range(3))
    j, i, f, o = np.split(y, 4, axis=-1)
    j, i, f = norm(j, 0), norm(i + weights['W_ci'] * c, 1), norm(f + weights['W_cf'] * c, 2)
    c = c * _sigmoid(f + 1) + _sigmoid(i) * np.tanh(j)
    o, c = norm(o + weights['W_co'] * c, 3), norm(c, 4)
    return c, _sigmoid(o) * np.tanh(c)


# At the full size one length is enough: the others (tried by hand) take a minute.
@pytest.mark.parametrize('time_steps, batch, height, width', [
    (2, 2, 64, 192), (5, 2, 64, 192), (2, 1, 384, 1280)])
def test_longer_windows_recur_as_an_unrolled_numpy_cell(
        time_steps, batch, height, width, set_weights):
    with tf.Graph().as_default(), tf.Session() as session:
        pairs = tf.constant(fill.net_input(batch, time_steps, height, width))
        motions = net.predict(pairs)
        weights = set_weights(session)
        features = tf.get_default_graph().get_tensor_by_name('cnns/conv6/BiasAdd:0')
        found, state, x = session.run([motions, final_state(batch), features])
    cell_weights = {name.split('conv_lstm_cell/')[1]: value.astype(np.float64)
                    for name, value in weights.items() if 'conv_lstm_cell/' in name}
    x = x.reshape((batch, time_steps) + x.shape[1:]).astype(np.float64)
    c = h = np.zeros(x.shape[:1] + x.shape[2:4] + (net.FILTERS,))
    for step in range(time_steps):
        c, h = _numpy_cell(x[:, step], c, h, cell_weights)
        motions = h.reshape(batch, -1) @ weights['regression_w'] + weights['regression_b']
        np.testing.assert_allclose(found[:, step], motions, atol=1e-4)
    np.testing.assert_allclose(state.c, c, atol=1e-4)
    np.testing.assert_allclose(state.h, h, atol=1e-4)


def test_two_gray_channels_equal_six(set_weights):
    """Values and the gradient of the six-channel kernel."""
    frames = np.random.RandomState(0).randint(0, 65536, [2, 3, 64, 128, 1]).astype(np.uint16)
    scale = np.random.RandomState(1).uniform(1, 2, [2, 3]).astype(np.float32) / 65535
    mean = np.full([2, 3], 0.4, np.float32)
    results = []
    for channels in (1, 3):
        with tf.Graph().as_default(), tf.Session() as session:
            pairs = net.normalised_pairs(tf.constant(np.repeat(frames, channels, axis=-1)),
                                         tf.constant(scale), tf.constant(mean))
            assert pairs.shape.as_list() == [2, 2, 64, 128, 2 * channels]
            motions = net.predict(pairs)
            kernel = tf.trainable_variables()[0]
            gradient, = tf.gradients(tf.nn.l2_loss(motions), kernel)
            set_weights(session)
            results.append(session.run([motions, gradient]))
    assert results[0][1].shape == (7, 7, 6, 64)
    np.testing.assert_allclose(results[0][0], results[1][0], atol=1e-4)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-3,
                               atol=1e-4 * np.abs(results[1][1]).max())


def test_pairs_are_x_over_its_maximum_minus_its_mean():
    frames = np.random.RandomState(0).randint(0, 200, [1, 2, 8, 8, 1]).astype(np.uint8)
    x = frames.astype(np.float64) / frames.max(axis=(2, 3, 4), keepdims=True)
    with tf.Graph().as_default(), tf.Session() as session:
        pairs = net.normalised_pairs(
            tf.constant(frames),
            tf.constant(1. / frames.max(axis=(2, 3, 4)), tf.float32),
            tf.constant(x.mean(axis=(2, 3, 4)), tf.float32))
        found = session.run(pairs)
    wanted = x - x.mean(axis=(2, 3, 4), keepdims=True)
    np.testing.assert_allclose(found[0, 0, ..., 0], wanted[0, 0, ..., 0], atol=1e-6)
    np.testing.assert_allclose(found[0, 0, ..., 1], wanted[0, 1, ..., 0], atol=1e-6)


def test_the_graph_has_neither_tensor_arrays_nor_loops():
    with tf.Graph().as_default() as graph:
        motions = net.predict(tf.placeholder(tf.float32, [1, 3, 64, 128, 2]))
        tf.gradients(motions, tf.trainable_variables())
        kinds = {operation.type for operation in graph.get_operations()}
    assert not [kind for kind in kinds if kind.startswith(('TensorArray', 'While', 'Enter'))]


@pytest.mark.parametrize('shape', [[1, 3, 64, 128, 4], [None, 3, 64, 128, 2], [3, 64, 128, 2]])
def test_frame_pairs_of_wrong_shape_are_refused(shape):
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match='frame pairs are'):
            net.predict(tf.placeholder(tf.float32, shape))


def test_mean_of_the_loss_is_its_sum_divided_by_the_motions():
    pred = np.random.RandomState(0).normal(size=[2, 3, 6]).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        total, mean = session.run([
            dict(model.motion_losses(tf.constant(pred), tf.zeros([2, 3, 6]), 7., reduction))
            for reduction in ('sum', 'mean')])
    assert total['translation'] == pytest.approx((pred[..., :3] ** 2).sum(), rel=1e-5)
    assert total['rotation'] == pytest.approx(7 * (pred[..., 3:] ** 2).sum(), rel=1e-5)
    for name in total:
        assert mean[name] == pytest.approx(total[name] / 6, rel=1e-5)
