"""Failures of the training loop: their messages, and what stays usable."""
import os
import resource
import shutil
import signal
import threading
import time

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from checkpoint_values import values_of, write_values
from npu_runtime import checkpoints
from npu_runtime.run_folder import read_section
from npu_runtime.training.signals import StopSignals
from npu_runtime.training.task import TrainingOutput, Validation
from toy_training import (
    ToyConfig, at_step, kinked_model, linear_model_with, losses_of, random_batches, rows_of,
    run_toy, zeros_at)
from vo_common.errors import UserError


def test_a_loss_that_is_not_finite_ends_the_run_with_its_term_and_step(tmp_path):
    model = linear_model_with('log', lambda batch: tf.log(tf.reduce_sum(batch)))
    with pytest.raises(UserError, match=r'step 7: .* in log \(-inf\)'):
        run_toy(tmp_path, 17, model=model, data=zeros_at(6))
    assert checkpoints.read_step(checkpoints.latest(str(tmp_path))) == 5


def test_weights_that_are_not_finite_are_not_saved_despite_a_finite_loss(tmp_path):
    with pytest.raises(UserError, match=r'model-5 not written.*net/weights'):
        run_toy(tmp_path, 17, model=kinked_model, data=zeros_at(4))
    assert not checkpoints.newest_in(str(tmp_path))


def test_a_full_disk_is_reported_and_keeps_the_earlier_checkpoint(tmp_path):
    def ballast(batch):
        ballast = tf.get_variable('ballast', [50000], initializer=tf.zeros_initializer())
        return tf.reduce_sum(ballast ** 2)
    big_model = linear_model_with('ballast', ballast)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    no_room_from_step_7 = at_step(7, lambda: resource.setrlimit(
        resource.RLIMIT_FSIZE, (100000, limits[1])))
    try:
        with pytest.raises(UserError, match='cannot write checkpoint .*model-10.*'
                                            'earlier checkpoints are'):
            run_toy(tmp_path, 17, model=big_model, log_line=no_room_from_step_7)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert os.path.basename(state.model_checkpoint_path) == 'model-5'
    assert not [name for name in os.listdir(str(tmp_path)) if 'temp' in name]
    assert run_toy(tmp_path, 11, model=big_model)['step'] == 11


def test_an_impossible_output_folder_is_refused_before_the_model_is_built(tmp_path):
    (tmp_path / 'file').write_text('')

    def no_model(batch, is_training):
        pytest.fail('built')
    with pytest.raises(UserError, match='file'):
        run_toy(tmp_path / 'file' / 'out', 3, model=no_model)


def too_few_data(*where):
    return random_batches(*where).take(4)


def broken_data(*where):
    return random_batches(*where).map(
        lambda batch: tf.debugging.check_numerics(batch / 0., 'pixels of 000003.png'))


def unreadable_data(*where):
    def read(batch):
        raise UserError('000003.png is truncated')
    return random_batches(*where).map(
        lambda batch: tf.reshape(tf.numpy_function(read, [batch], tf.float32), [2, 4]))


@pytest.mark.parametrize('data, message', [
    (too_few_data, 'ended after step 4 of 17'),
    (broken_data, '^cannot read the training data: pixels of 000003.png'),
    (unreadable_data, '^000003.png is truncated$')])
def test_data_that_cannot_be_read_end_the_run_with_the_reason(tmp_path, data, message):
    with pytest.raises(UserError, match=message):
        run_toy(tmp_path, 17, data=data)


def test_running_out_of_memory_is_reported(tmp_path):
    def huge(batch):
        size = tf.cast(1e7 + batch[0, 0], tf.int32)
        return tf.reduce_sum(tf.zeros([size, size, 100]))
    with pytest.raises(UserError, match='out of memory.*--batch_size'):
        run_toy(tmp_path, 3, model=linear_model_with('huge', huge))


def test_a_folder_removed_during_a_save_ends_the_run_with_a_message(tmp_path, monkeypatch):
    save = tf.train.Saver.save

    def save_and_remove(saver, session, prefix, **options):
        save(saver, session, prefix, **options)
        shutil.rmtree(os.path.dirname(prefix))
    monkeypatch.setattr(tf.train.Saver, 'save', save_and_remove)
    with pytest.raises(UserError, match='run: was removed or replaced during training'):
        run_toy(tmp_path / 'run', 17)
    assert not (tmp_path / 'run').exists()


def test_only_unreadable_lines_of_metrics_are_dropped_with_a_warning(tmp_path, capsys):
    run_toy(tmp_path / 'whole', 10)
    run_toy(tmp_path / 'run', 7)
    path = tmp_path / 'run' / 'metrics.jsonl'
    lines = path.read_bytes().split(b'\n')
    lines[2:2] = [b'\xff\xfe', b'5', b'{"event": "train", "step": null}', b'{"event": "tr']
    path.write_bytes(b'\n'.join(lines))
    capsys.readouterr()
    run_toy(tmp_path / 'run', 10)
    said = capsys.readouterr().err
    assert 'metrics.jsonl: line 3, 4, 5, 6: not a row of metrics, dropped' in said
    assert losses_of(tmp_path / 'run') == losses_of(tmp_path / 'whole')


ONES = Validation(lambda: tf.data.Dataset.from_tensors(tf.ones([2, 4])), 1, 1, 'fit')


def first_best(folder, **options):
    """The best metric of 5 steps with so large a rate that the first steps are the best ones."""
    return run_toy(folder, 5, validation=ONES, learning_rate=1., **options)['best']


def later_best(folder, max_steps=6, **options):
    """The best metric after resuming with so large a rate that later steps are worse."""
    return run_toy(folder, max_steps, validation=ONES, learning_rate=100., **options)['best']


def test_the_best_checkpoint_is_kept_across_a_resume_whatever_the_metrics_say(tmp_path):
    best = first_best(tmp_path)
    rows = rows_of(tmp_path, 'validation')
    assert best == min(row['losses']['fit'] for row in rows)
    before = values_of(tmp_path / 'model-best')
    assert set(before) == {'net/weights', 'net/average', 'validation/fit',
                           'validation/circumstances'}
    assert before['validation/fit'] == best
    (tmp_path / 'metrics.jsonl').unlink()
    assert later_best(tmp_path) == best
    for key, value in values_of(tmp_path / 'model-best').items():
        np.testing.assert_array_equal(value, before[key])
    assert os.path.basename(checkpoints.latest(str(tmp_path))) == 'model-6'


def lose(prefix):
    os.remove(prefix + '.index')


def damage(prefix):
    os.truncate(prefix + '.data-00000-of-00001', 10)


@pytest.mark.parametrize('spoil', [lose, damage])
def test_a_lost_or_damaged_best_checkpoint_is_replaced_at_the_next_validation(tmp_path, spoil):
    best = first_best(tmp_path)
    spoil(str(tmp_path / 'model-best'))
    again = later_best(tmp_path)
    rows = rows_of(tmp_path, 'validation')
    assert rows[-1]['best'] and rows[-1]['metric'] == again > best
    found, newest = [values_of(tmp_path / name) for name in ('model-best', 'model-6')]
    assert found['validation/fit'] == again
    np.testing.assert_array_equal(found['net/weights'], newest['net/weights'])


def test_a_best_checkpoint_that_vanishes_during_a_run_is_replaced(tmp_path):
    best = first_best(tmp_path, log_line=at_step(4, lambda: lose(str(tmp_path / 'model-best'))))
    rows = rows_of(tmp_path, 'validation')
    assert rows[3]['best'] and values_of(tmp_path / 'model-best')['validation/fit'] == best
    assert best == min(row['metric'] for row in rows[3:])


class Stopped(Exception):
    """Ends a run as abruptly as an exception can."""


def test_a_training_is_saved_by_time_and_resumes_from_there(tmp_path, monkeypatch):
    clock = [0.]
    monkeypatch.setattr(time, 'monotonic', lambda: clock[0])

    def three_minutes_a_step(step, row):
        clock[0] += 180.
        if step == 9:
            raise Stopped()
        return ''
    run_toy(tmp_path / 'whole', 12)
    names = dict(save_every=6, max_to_keep=2, checkpoint_name=lambda step: (
        'model' if step == 12 else 'model%d' % step))
    folder = tmp_path / 'timed'
    with pytest.raises(Stopped):
        run_toy(folder, 12, save_minutes=5., log_line=three_minutes_a_step, **names)
    saved = [(row['step'], os.path.basename(row['path']))
             for row in rows_of(folder, 'checkpoint')]
    # Five minutes after the last one, whichever it was.
    assert saved == [(2, 'model-latest'), (4, 'model-latest'), (6, 'model6'), (8, 'model-latest')]
    assert {name for name in os.listdir(str(folder)) if name.endswith('.index')} == {
        'model6.index', 'model-latest.index'}
    assert tf.train.latest_checkpoint(str(folder)) == str(folder / 'model-latest')
    run_toy(folder, 12, **names)
    assert [row['step'] for row in rows_of(folder, 'resume')] == [8]
    assert losses_of(folder) == losses_of(tmp_path / 'whole')
    assert {name for name in os.listdir(str(folder)) if name.endswith('.index')} == {
        'model6.index', 'model.index'}
    assert tf.train.latest_checkpoint(str(folder)) == str(folder / 'model')


@pytest.mark.parametrize('step', [np.float32(np.nan), np.float32(-3), np.int64([1, 2])])
def test_an_invalid_global_step_is_refused(tmp_path, step):
    write_values(tmp_path / 'model-5', {'global_step': step})
    with pytest.raises(UserError, match='none of the 1 checkpoints'):
        run_toy(tmp_path, 6)


def test_a_second_signal_ends_a_run_at_once_even_within_a_step(monkeypatch, capsys):
    ended, statuses = threading.Event(), []
    monkeypatch.setattr(os, '_exit', lambda status: statuses.append(status) or ended.set())

    def kill_twice():
        for _ in range(2):
            time.sleep(0.2)
            os.kill(os.getpid(), signal.SIGTERM)
    with tf.Graph().as_default(), tf.Session() as session, StopSignals():
        # TensorFlow's call does not return before the end.
        step = tf.numpy_function(lambda: ended.wait(20.), [], tf.bool)
        threading.Thread(target=kill_twice).start()
        assert session.run(step)
    assert statuses[0] == 128 + signal.SIGTERM
    said = capsys.readouterr()
    assert 'SIGTERM: stopping after this step with a checkpoint; send it again to end' in said.out
    assert said.err == 'SIGTERM again: ending at once\n'


@pytest.mark.parametrize('validates_at_once,warning', [
    (True, '--weight changed: earlier values of fit cannot be compared; the next validation '
           'replaces'),
    (False, 'flags or validation data changed: earlier values')])
def test_a_best_checkpoint_whose_metric_meant_something_else_is_replaced(
        tmp_path, capsys, validates_at_once, warning):
    best, other = first_best(tmp_path), ToyConfig(weight=0.2)
    if not validates_at_once:
        run_toy(tmp_path, 6, validation=ONES._replace(every=50), learning_rate=100., config=other)
        capsys.readouterr()
    again = later_best(tmp_path, 7, config=other)
    assert again > best and values_of(tmp_path / 'model-best')['validation/fit'] == again
    assert warning in capsys.readouterr().err


def test_the_configuration_stays_that_of_the_newest_checkpoint(tmp_path):
    def weight():
        return read_section(str(tmp_path), 'model')['weight']

    def fail(batch, is_training):
        raise UserError('no memory')

    run_toy(tmp_path, 2)
    with pytest.raises(UserError, match='no memory'):
        run_toy(tmp_path, 4, model=fail, config=ToyConfig(weight=0.2))
    assert weight() == 0.1
    run_toy(tmp_path, 4, config=ToyConfig(weight=0.2))
    assert weight() == 0.2


def test_a_model_without_any_loss_is_refused(tmp_path):
    with pytest.raises(UserError, match='all loss weights are 0, one must be positive'):
        run_toy(tmp_path, 1, model=lambda batch, is_training: TrainingOutput({}, {}))
