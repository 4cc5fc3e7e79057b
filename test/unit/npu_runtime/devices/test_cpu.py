"""What a training on a small machine says before it starts."""
import pytest

from npu_runtime.devices import cpu


@pytest.mark.parametrize('files,wanted', [
    ({'proc/meminfo': 'MemTotal: 9 kB\nMemAvailable:    500 kB\n'}, 500 * 1024),
    ({'proc/meminfo': 'MemAvailable: 500 kB\n', 'sys/fs/cgroup/memory.max': 'max\n'}, 500 * 1024),
    ({'proc/meminfo': 'MemAvailable: 500 kB\n', 'sys/fs/cgroup/memory.max': '7000\n'}, 7000),
    ({'proc/meminfo': 'MemAvailable: 500 kB\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '8000\n'}, 8000),
    ({}, 0)])
def test_usable_memory_is_what_is_free_or_the_container_allows(tmp_path, files, wanted):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert cpu.usable_memory(str(tmp_path)) == wanted


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
