"""The benchmark program at a small size."""
import json

import pytest

from benchmarks import benchmark, predicting
from benchmarks.config import BenchmarkConfig
from vo_common.errors import UserError

SMALL = ['--encoder=vgg', '--img_height=32', '--img_width=64', '--batch_size=1', '--device=cpu',
         '--steps=1']


def test_a_step_reports_every_value_and_writes_them_to_a_file(tmp_path, capsys):
    path = str(tmp_path / 'figures.json')
    benchmark.main(SMALL + ['--parts=step', '--output=' + path])
    with open(path) as file:
        step = json.load(file)['step_float32']
    assert step['examples_per_second'] == pytest.approx(1e3 / step['milliseconds_per_step'])
    assert step['teraflop_per_second'] == pytest.approx(
        step['gigaflop_per_step'] / step['milliseconds_per_step'])
    assert min(step.values()) > 0
    assert 'cpu_seconds_per_step' in capsys.readouterr().out


def test_input_is_compared_with_the_fastest_step(capsys):
    benchmark.compare_with_input({'step_float32': {'examples_per_second': 10.},
                                  'step_mixed': {'examples_per_second': 20.},
                                  'input': {'augmented_per_second': 30.}})
    assert capsys.readouterr().out.endswith('step_mixed takes 20: 1.50 times as many\n')


@pytest.mark.parametrize('flags, message', [
    (['--parts=speed'], '--parts=speed: must be among step, input, predict,'),
    (['--parts=ranks', '--device=gpu'], '--device=gpu: must be cpu with --parts=ranks'),
    (['--parts=ranks', '--modes=mixed'], '--modes=mixed: must be float32 with --parts=ranks'),
    (['--parts=ranks', '--mode=train_flow'], '--mode=train_flow: must be train_rigid with')])
def test_what_cannot_be_measured_is_refused(flags, message):
    with pytest.raises(UserError, match=message):
        benchmark.main(flags)


@pytest.mark.parametrize('model, kind, frames_per_call', [
    ('geonet', 'depth', 1), ('convlstm_vo', 'motion', 2)])
def test_predictions_are_timed_as_programs_and_as_session_calls(
        model, kind, frames_per_call, synthetic_kitti, monkeypatch):
    def timed(times, function, *args):
        function(*args)
        return 10.0 if args and args[0].endswith('long') else 1.0

    monkeypatch.setattr(predicting, 'GEONET_KINDS', predicting.GEONET_KINDS[:1])
    monkeypatch.setattr(predicting, '_LONG', 2)
    monkeypatch.setattr(predicting, '_timed', timed)
    found = predicting.measure(BenchmarkConfig(
        model=model, encoder='vgg', img_height=64, img_width=64, batch_size=1, device='cpu',
        steps=1, time_steps=2, flownet_type='direct', data_path=synthetic_kitti))
    # Twelve frames more take the program nine seconds more; three calls take a second.
    calls = 3.0 * frames_per_call
    assert set(found) == {kind}
    assert {name: rate for name, rate in found[kind].items() if 'onnx' not in name} == {
        'program_per_second': pytest.approx(12 / 9), 'calls_per_second': pytest.approx(calls),
        'program_share': pytest.approx(12 / 9 / calls)}
