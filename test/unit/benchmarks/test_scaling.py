"""The computed table of scaling follows its formulas."""
import pytest

from benchmarks.scaling import ScalingConfig, main, row


def test_one_device_exchanges_nothing():
    figures = row(ScalingConfig(), 1)
    assert figures['exchange_ms'] == 0 and figures['efficiency'] == 1
    assert figures['hours'] == pytest.approx(350000 * 0.1 / 3600)


def test_two_devices_each_send_all_gradients_once():
    config = ScalingConfig(parameters=25e6, link_gb_per_s=10., latency_us=0.)
    assert row(config, 2)['exchange_ms'] == pytest.approx(10.)
    assert row(config, 2)['efficiency'] == pytest.approx(100 / 110)


def test_what_the_backward_pass_hides_costs_nothing():
    assert row(ScalingConfig(hidden=0.6), 8)['efficiency'] == 1


def test_card_hours_grow_as_efficiency_falls():
    one, many = row(ScalingConfig(), 1), row(ScalingConfig(), 64)
    assert many['card_hours'] == pytest.approx(one['card_hours'] / many['efficiency'])
    assert many['cores'] == pytest.approx(64 * many['efficiency'] * one['cores'])


def test_the_program_states_that_its_values_are_computed_and_from_what(capsys):
    main(['--step_ms=43', '--devices=1,8'])
    text = capsys.readouterr().out
    assert text.startswith('computed, not measured') and '--step_ms=43.0' in text
    assert text.count('\n| ') == 3
