"""The training loop: steps, resuming, signals, one session call per step."""
import os
import shutil
import signal

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from checkpoint_values import values_of, write_values
from npu_runtime import checkpoints
from npu_runtime.run_folder import read_section
from npu_runtime.training.metrics import read_metrics
from npu_runtime.training.task import TrainingOutput
from toy_training import (
    ToyConfig, at_step, linear_model_with, losses_of, rows_of, run_toy, summaries)
from vo_common.errors import UserError


@pytest.fixture(scope='module')
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp('uninterrupted')
    results = run_toy(folder, 17)
    return folder, results


def test_a_run_makes_exactly_max_steps_steps_and_keeps_the_newest_checkpoints(uninterrupted):
    folder, results = uninterrupted
    assert results['step'] == 17
    assert [step for step, _ in losses_of(folder)] == list(range(1, 18))
    kept = sorted(name for name in os.listdir(str(folder)) if name.endswith('.index'))
    assert kept == ['model-10.index', 'model-15.index', 'model-17.index']
    assert results['checkpoint'] == str(folder / 'model-17')
    assert tf.train.latest_checkpoint(str(folder)) == results['checkpoint']
    assert checkpoints.read_step(results['checkpoint']) == 17


def test_the_checkpoint_holds_the_whole_training_state_under_plain_names(uninterrupted):
    values = values_of(uninterrupted[1]['checkpoint'])
    assert set(values) == {'global_step', 'net/weights', 'net/average', 'net/weights/Adam',
                           'net/weights/Adam_1', 'beta1_power', 'beta2_power'}


def test_metrics_have_every_loss_term_and_the_end(uninterrupted):
    rows = read_metrics(uninterrupted[0])
    assert [row['event'] for row in rows][:2] == ['start', 'train']
    assert rows[-1]['event'] == 'end' and rows[-1]['reason'] == 'done'
    row = rows[1]
    assert set(row['losses']) == {'fit', 'size'}
    assert row['total'] == pytest.approx(sum(row['losses'].values()), rel=1e-6)
    assert row['learning_rate'] == pytest.approx(0.01)
    assert row['examples_per_second'] == pytest.approx(2 / row['seconds_per_step'])


def test_a_killed_and_resumed_run_equals_an_uninterrupted_one(uninterrupted, tmp_path):
    """A copy of the folder in the middle of a step is what a kill leaves there."""
    run, killed = tmp_path / 'run', tmp_path / 'killed'
    run_toy(run, 9, log_line=at_step(8, lambda: shutil.copytree(str(run), str(killed))))
    assert {step for step, _ in summaries(killed)} >= {1, 2, 3, 4, 5}  # up to the checkpoint
    results = run_toy(killed, 17)
    assert losses_of(killed) == losses_of(uninterrupted[0])
    expected = values_of(uninterrupted[1]['checkpoint'])
    for key, value in values_of(results['checkpoint']).items():
        np.testing.assert_array_equal(value, expected[key], err_msg=key)
    assert [row['step'] for row in rows_of(killed, 'resume')] == [5]


def test_a_signal_stops_after_the_step_with_a_checkpoint(uninterrupted, tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as raised:
        run_toy(tmp_path, 17, log_line=at_step(7, lambda: os.kill(os.getpid(), signal.SIGTERM)))
    assert raised.value.code == 143 and signal.getsignal(signal.SIGTERM) is before
    assert checkpoints.read_step(str(tmp_path / 'model-7')) == 7
    assert read_metrics(tmp_path)[-1]['reason'] == 'SIGTERM'
    run_toy(tmp_path, 17)
    assert losses_of(tmp_path) == losses_of(uninterrupted[0])


def test_a_finished_run_has_nothing_to_do(uninterrupted, capsys):
    folder, _ = uninterrupted
    before = read_metrics(folder)
    assert run_toy(folder, 17)['step'] == 17
    assert 'nothing to do' in capsys.readouterr().out
    assert read_metrics(folder) == before


def test_flags_outside_the_architecture_may_change_and_the_change_is_recorded(tmp_path):
    run_toy(tmp_path, 2, config=ToyConfig(weight=0.1))
    run_toy(tmp_path, 3, config=ToyConfig(weight=0.2))
    assert read_section(str(tmp_path), 'model') == {'size': 4, 'weight': 0.2}
    changed, = [row['changed'] for row in rows_of(tmp_path, 'resume')]
    assert changed == {'model.weight': [0.1, 0.2]}


@pytest.mark.parametrize('saved', ['{"model": {"size": 4, "weight": 0.1}}',
                                   '{"model": {"weight": 0.1, "mode": "gone"}}'],
                         ids=['as written', 'older than the flag'])
def test_another_architecture_is_refused_also_where_the_run_is_older_than_its_flag(
        tmp_path, saved):
    run_toy(tmp_path, 2)
    (tmp_path / 'config.json').write_text(saved)
    with pytest.raises(UserError, match='size: was 4, is 5'):
        run_toy(tmp_path, 3, config=ToyConfig(size=5))
    assert run_toy(tmp_path, 3)['step'] == 3


def test_a_step_is_one_session_call(tmp_path, monkeypatch):
    calls = []
    real_run = tf.Session.run

    def counting_run(session, *args, **kwargs):
        calls.append(1)
        return real_run(session, *args, **kwargs)
    monkeypatch.setattr(tf.Session, 'run', counting_run)
    run_toy(tmp_path / 'short', 10, save_every=0)
    short = len(calls)
    run_toy(tmp_path / 'long', 30, save_every=0, summary_freq=10)
    assert len(calls) - short == short + 20


def two_nets(batch, is_training):
    with tf.variable_scope('old_net'):
        old = tf.get_variable('weights', [4, 1], initializer=tf.ones_initializer())
    with tf.variable_scope('new_net'):
        new = tf.get_variable('weights', [1], initializer=tf.ones_initializer())
    return TrainingOutput({'fit': tf.reduce_mean((tf.matmul(batch, old) * new - 1) ** 2)}, {})


def test_a_published_checkpoint_initialises_a_run_that_trains_some_scopes(tmp_path):
    published = str(tmp_path / 'published' / 'model-300')
    old = np.full([4, 1], 0.25, np.float32)
    write_values(published, {'old_net/weights': old, 'global_step_1': np.int64(300)})
    flags = dict(model=two_nets, init_checkpoint=published)
    results = run_toy(tmp_path / 'out', 2, trainable_scopes=['new_net'], **flags)
    values = values_of(results['checkpoint'])
    np.testing.assert_array_equal(values['old_net/weights'], old)
    assert values['new_net/weights'] != 1
    assert 'old_net/weights/Adam' not in values
    with pytest.raises(UserError, match='lacks 1 of 2 variables: new_net/weights'):
        run_toy(tmp_path / 'refused', 2, trainable_scopes=['old_net'], **flags)


def test_copies_of_checkpoints_under_other_names_stay(tmp_path):
    run_toy(tmp_path, 3)
    for path in list(tmp_path.glob('model-3.*')):
        shutil.copy(str(path), str(path).replace('model-3.', 'submitted.'))
    run_toy(tmp_path, 9, save_every=1, max_to_keep=2)
    assert sorted(path.name for path in tmp_path.glob('*.index')) == [
        'model-8.index', 'model-9.index', 'submitted.index']


def test_a_scheduled_checkpoint_does_not_replace_one_of_another_step(uninterrupted, tmp_path):
    for last_step, steps_per_epoch in ((5, 2), (9, 4)):
        run_toy(tmp_path, last_step, save_every=2, max_to_keep=0, checkpoint_name=lambda step: (
            'model' if step == last_step else 'model%d' % (step // steps_per_epoch)))
    steps = {path.stem: checkpoints.read_step(str(path.with_suffix('')))
             for path in tmp_path.glob('*.index')}
    assert steps == {'model1': 2, 'model2': 4, 'model-6': 6, 'model-8': 8, 'model': 9}
    assert losses_of(tmp_path) == losses_of(uninterrupted[0])[:9]


def test_moving_averages_are_updated_only_in_trained_scopes(tmp_path):
    trained = values_of(run_toy(tmp_path / 'a', 2)['checkpoint'])
    assert trained['net/average'] != 0

    def other(batch):
        return (tf.get_variable('other/bias', [], initializer=tf.zeros_initializer()) - 1.) ** 2
    frozen = values_of(run_toy(tmp_path / 'b', 2, model=linear_model_with('other', other),
                               trainable_scopes=['other'])['checkpoint'])
    assert frozen['net/average'] == 0


def test_gradients_are_clipped_by_their_global_norm(tmp_path):
    values = values_of(run_toy(tmp_path, 1, gradient_clip=1e-3)['checkpoint'])
    # Adam's first moment after one step is (1 - beta1) times the gradient.
    assert np.linalg.norm(values['net/weights/Adam']) == pytest.approx(0.1 * 1e-3, rel=1e-5)
