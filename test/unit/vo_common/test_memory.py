import pytest

from vo_common.memory import usable_memory


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
    assert usable_memory(str(tmp_path)) == wanted
