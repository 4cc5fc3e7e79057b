"""The bar of several parts moves with what they do."""
import json
import time

import pytest

from experiments import time_left
from experiments.time_left import TimeLeft


def test_a_part_without_a_run_counts_when_it_ends():
    bar = TimeLeft({'one': 1, 'two': 3})
    with bar.part('one'):
        assert bar.share == 0
    assert bar.share == pytest.approx(0.25)
    with pytest.raises(ValueError), bar.part('two'):
        raise ValueError
    assert bar.share == pytest.approx(0.25)
    bar.close()


def test_the_steps_of_a_training_move_the_bar(monkeypatch, tmp_path):
    monkeypatch.setattr(time_left, '_SECONDS_APART', 0.01)
    path = tmp_path / 'metrics.jsonl'

    def wait_for(share):
        end = time.time() + 20
        while bar.share < share and time.time() < end:
            time.sleep(0.01)
        assert bar.share == pytest.approx(share)

    bar = TimeLeft({'one': 1, 'two': 1})
    with bar.part('two', str(tmp_path), 100):
        path.write_text(json.dumps({'event': 'train', 'step': 50}) + '\n')
        wait_for(0.75)
        path.write_text(json.dumps({'event': 'train', 'step': 200}) + '\n')
        wait_for(1.0)
    assert bar.share == pytest.approx(1)
    bar.close()
