"""The result files of the wrappers have the values of metrics.jsonl."""
import json

import pytest

from scripts import report_case
from vo_common.errors import UserError


def write_metrics(path, seconds, totals):
    rows = [dict(event='start', step=0)]
    rows += [dict(event='train', step=10 * place, total=total, seconds_per_step=second)
             for place, (second, total) in enumerate(zip(seconds, totals), 1)]
    rows += [dict(event='validation', step=30, total=77.0, losses={}),
             dict(event='end', step=30, total=99.0, seconds_per_step=99.0)]
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))


def report(tmp_path, *arguments):
    report_case.main(['--metrics=%s' % (tmp_path / 'metrics.jsonl'), '--network=Net',
                      '--results_dir=%s' % (tmp_path / 'out')] + list(arguments))


def test_speed_is_the_median_without_the_first_interval(tmp_path, capsys):
    write_metrics(tmp_path / 'metrics.jsonl', [60.0, 0.5, 0.25, 0.5], [9.0, 3.0, 2.0, 1.5e-05])
    report(tmp_path, '--batch_size=4', '--rank_size=8', '--kind=perf', '--e2e_seconds=61.4')
    lines = (tmp_path / 'out' / 'Net_bs4_8p_perf.log').read_text().splitlines()
    assert {'ActualFPS = 64.00', 'TrainingTime = 500.00', 'ActualLoss = 1.5e-05',
            'E2ETrainingTime = 61', 'TrainAccuracy = none', 'RankSize = 8'} <= set(lines)
    losses = (tmp_path / 'out' / 'Net_bs4_8p_perf_loss.txt').read_text()
    assert losses == '9.0\n3.0\n2.0\n1.5e-05\n'
    assert 'Final Performance sec/step : 0.5000' in capsys.readouterr().out


def test_the_accuracy_may_be_nested(tmp_path):
    path = tmp_path / 'results.json'
    path.write_text('{"sequences": {"04": {"ate": 2}}, "name": "x"}')
    assert report_case.read_accuracy(str(path), 'sequences.04.ate') == 2
    with pytest.raises(UserError, match='results.json: found no sequences.05.ate'):
        report_case.read_accuracy(str(path), 'sequences.05.ate')
    with pytest.raises(UserError, match="found name 'x', must be a number"):
        report_case.read_accuracy(str(path), 'name')


def test_only_steps_since_the_run_was_resumed_count_and_must_be_of_the_batch(tmp_path):
    rows = [dict(event='train', step=step, total=1.0, seconds_per_step=seconds,
                 examples_per_second=batch / seconds)
            for step, batch, seconds in ((1, 4, 1.0), (2, 4, 1.0), (3, 8, 4.0), (4, 8, 2.0))]
    rows.insert(2, dict(event='resume', step=2, changed={}))
    (tmp_path / 'metrics.jsonl').write_text(''.join(json.dumps(row) + '\n' for row in rows))
    report(tmp_path, '--batch_size=8')
    assert 'ActualFPS = 4.00\n' in (tmp_path / 'out' / 'Net_bs8_1p_acc.log').read_text()
    assert len((tmp_path / 'out' / 'Net_bs8_1p_acc_loss.txt').read_text().split()) == 4
    with pytest.raises(UserError, match=r'has steps of 8 examples, must .* 4 .--batch_size=4, 1'):
        report(tmp_path, '--batch_size=4')


def test_a_run_that_never_logged_is_an_error(tmp_path):
    (tmp_path / 'metrics.jsonl').write_text('{"event": "start", "step": 0}\n')
    with pytest.raises(UserError, match='metrics.jsonl: found no training step'):
        report(tmp_path)
