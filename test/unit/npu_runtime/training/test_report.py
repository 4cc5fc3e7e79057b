"""Output of a run: log lines, TensorBoard, images, validation, metrics."""
import json
import math
import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from npu_runtime.training.metrics import MetricsLog, read_metrics
from npu_runtime.training.step import due
from npu_runtime.training.task import Validation, default_log_line
from toy_training import linear_model_with, rows_of, run_toy, summaries, train_rows
from vo_common.errors import UserError


def fixed_batches():
    return tf.data.Dataset.from_tensors(tf.ones([2, 4])).repeat()


def test_the_log_line_has_the_published_form():
    assert default_log_line(100, {'total': 3.1117, 'seconds_per_step': 2.83474}) == (
        'Iteration: [    100] | Time: 2.8347s/iter | Loss: 3.112')


def test_intervals_are_due_even_if_several_steps_pass_at_once():
    steps = [5, 7, 9, 12, 19, 20, 20, 47, 49]
    met = [step for before, step in zip(steps, steps[1:]) if due(10, before, step)]
    assert met == [12, 20, 47]
    assert not due(0, 0, 10)


def test_log_lines_and_rows_appear_every_log_freq_steps(tmp_path, capsys):
    run_toy(tmp_path, 11, log_freq=4, log_line=lambda step, row: 'at %d' % step)
    assert [line for line in capsys.readouterr().out.split('\n') if line.startswith('at ')] == [
        'at 4', 'at 8']
    rows = read_metrics(tmp_path)
    assert [row['step'] for row in rows if row['event'] == 'train'] == [4, 8]
    assert rows[-1]['step'] == 11 and math.isfinite(rows[-1]['total'])


def test_tensorboard_has_every_term_total_rate_and_images(tmp_path):
    run_toy(tmp_path, 6, log_freq=3, summary_freq=6)
    found = summaries(tmp_path)
    assert {(step, one.tag) for step, one in found if not one.tag.startswith('batch')} == {
        (step, tag) for step in (3, 6) for tag in
        ('loss/fit', 'loss/size', 'loss/total', 'learning_rate', 'examples_per_second')}
    images = [(step, one.image) for step, one in found if one.tag.startswith('batch')]
    assert [(step, image.height, image.width) for step, image in images] == [(6, 2, 4)]


def test_validation_uses_the_trained_variables_and_reports_everywhere(tmp_path, capsys):
    validation = Validation(make_dataset=fixed_batches, every=2, batches=3)
    run_toy(tmp_path, 6, validation=validation)
    rows = rows_of(tmp_path, 'validation')
    assert [row['step'] for row in rows] == [2, 4, 6]
    weights = tf.train.load_checkpoint(str(tmp_path / 'model-6')).get_tensor('net/weights')
    error = ((np.ones([1, 4]) @ weights - 1.) ** 2).item()
    assert rows[-1]['losses']['fit'] == pytest.approx(error, rel=1e-5)
    assert (6, 'validation/fit') in {(step, one.tag) for step, one in summaries(tmp_path)}
    assert 'Validation: [      6]' in capsys.readouterr().out


def test_validation_does_not_change_training(tmp_path):
    plain = run_toy(tmp_path / 'plain', 6)
    validation = Validation(make_dataset=fixed_batches, every=1, batches=1)
    watched = run_toy(tmp_path / 'watched', 6, validation=validation)
    assert watched['losses'] == plain['losses']


def test_validation_may_have_its_own_log_line_and_keep_no_checkpoint(tmp_path, capsys):
    validation = Validation(fixed_batches, 3, 1, keep_best=False,
                            log_format='Accuracy : %(total)s')
    run_toy(tmp_path, 3, validation=validation)
    assert 'Accuracy : ' in capsys.readouterr().out
    assert not os.path.exists(str(tmp_path / 'model-best.index'))


def test_a_clock_set_back_does_not_affect_durations(tmp_path, monkeypatch):
    times = iter(range(10 ** 6, 0, -1000))
    monkeypatch.setattr('npu_runtime.training.metrics.time.time', lambda: next(times))
    results = run_toy(tmp_path, 4)
    rows = train_rows(tmp_path)
    assert [row['step'] for row in rows] == [1, 2, 3, 4]
    assert all(0 < row['seconds_per_step'] < 60 for row in rows)
    assert 0 < results['seconds_per_step'] < 60


def test_a_row_is_valid_json_whatever_its_values(tmp_path):
    log = MetricsLog(str(tmp_path), 0)
    log.append('train', 1, total=math.nan, losses={'a': math.inf})
    log.close()
    json.loads((tmp_path / 'metrics.jsonl').read_text(), parse_constant=pytest.fail)
    row, = read_metrics(tmp_path)
    assert row['total'] is None and row['losses'] == {'a': None}


def test_a_full_disk_is_reported_when_metrics_are_written():
    log = MetricsLog.__new__(MetricsLog)
    log._path, log._stream = '/dev/full', open('/dev/full', 'a')
    with pytest.raises(UserError, match='/dev/full'):
        log.append('train', 1, total=0.)


def test_a_loss_that_is_not_a_scalar_is_a_programming_error(tmp_path):
    with pytest.raises(ValueError, match=r'wrong has shape \(2, 4\)'):
        run_toy(tmp_path, 1, model=linear_model_with('wrong', lambda batch: batch))
