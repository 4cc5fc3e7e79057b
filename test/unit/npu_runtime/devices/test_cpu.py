"""A small machine is told what it can do."""
import pytest

from npu_runtime.devices import cpu


@pytest.mark.parametrize('cores, memory, expected', [
    (2, 16e9, ''), (2, 0, ''), (1, 16e9, 'one core: works, but slower than two'),
    (2, 3.4e9, '3.4 GB of free memory: enough for small images and batches'),
    (1, 3.4e9, 'one core: works, but slower than two; '
               '3.4 GB of free memory: enough for small images and batches')])
def test_one_core_and_little_memory_are_named(cores, memory, expected):
    assert cpu.what_to_expect(cores, memory) == expected


def test_a_training_says_it_once(monkeypatch, capsys):
    monkeypatch.setattr(cpu, 'num_cores', lambda: 1)
    monkeypatch.setattr(cpu, 'usable_memory', lambda: 0)
    cpu.prepare_process()
    assert capsys.readouterr().out.splitlines() == ['one core: works, but slower than two']
