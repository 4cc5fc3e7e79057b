"""What a training on a small machine says before it starts."""
import pytest

from npu_runtime.devices import cpu


@pytest.mark.parametrize('cores, memory, expected', [
    (2, 16e9, []), (2, 0, []), (1, 16e9, ['one core for this process: works, but slower than two']),
    (1, 3.4e9, ['one core for this process: works, but slower than two; '
                '3.4 GB of free memory: enough for small images and batches'])])
def test_a_single_core_and_little_memory_are_reported_once(
        monkeypatch, capsys, cores, memory, expected):
    monkeypatch.setattr(cpu, 'num_cores', lambda: cores)
    monkeypatch.setattr(cpu, 'usable_memory', lambda: memory)
    cpu.prepare_process()
    assert capsys.readouterr().out.splitlines() == expected
