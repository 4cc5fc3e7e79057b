"""Engines and other programs are compared in alternating steps."""
import json
import shlex
import sys

import pytest

from benchmarks import benchmark, engines
from vo_common.errors import UserError

SMALL = ['--model=convlstm_vo', '--img_height=32', '--img_width=64', '--batch_size=1',
         '--device=cpu', '--steps=2', '--parts=engines']
PEER = shlex.quote(sys.executable) + (
    " -c \"print('CPU-s/step 8.0'); print('s/step: median 4.5')\"")


def test_an_engine_and_a_peer_alternate_steps(tmp_path, capsys):
    path = str(tmp_path / 'figures.json')
    benchmark.main(SMALL + ['--peers=' + PEER, '--output=' + path])
    with open(path) as file:
        figures = json.load(file)['engines']
    engine, peer = figures
    assert engine.startswith('TensorFlow ') and engine.endswith(' float32') and peer == PEER
    assert figures[engine]['cpu_seconds_to_first'] == 1
    assert 0 < figures[engine]['cpu_seconds_per_step'] < 8
    assert figures[peer]['cpu_seconds_per_step'] == 8
    assert figures[peer]['seconds_per_step'] == 4.5
    assert 'cpu_seconds_to_first' in capsys.readouterr().out


def test_the_ratio_to_the_first_is_the_median_of_ratios_within_rounds():
    rounds = [[(1., 1.), (2., 1.)], [(4., 1.), (12., 1.)], [(1., 1.), (4., 1.)]]
    assert engines.summary(rounds, 1) == {
        'cpu_seconds_per_step': 4., 'seconds_per_step': 1., 'cpu_seconds_to_first': 3.}


@pytest.mark.parametrize('flags, message', [
    (['--modes=half'], '--modes=half: must be among float32'),
    (['--pythons=/no/such/python'], '--pythons: /no/such/python does not start'),
    (['--pythons=' + sys.executable, '--peers=true'], '--peers=true: must print')])
def test_invalid_contestants_are_refused(flags, message):
    with pytest.raises(UserError) as raised:
        benchmark.main(SMALL + flags)
    assert str(raised.value).startswith(message)
