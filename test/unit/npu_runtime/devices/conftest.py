"""The stand-in plugin, the environment of a rank, and the CPU of another machine."""
import pytest

import npu_plugin
from npu_runtime.devices import processor
from scripts.make_rank_table import rank_table
from vo_common.files import write_json


@pytest.fixture
def plugin():
    """The record of the stand-in plugin, which imports as `npu_bridge`."""
    with npu_plugin.installed() as record:
        yield record


@pytest.fixture
def eight_ranks(tmp_path, monkeypatch):
    """The environment of rank 0 of 8, on one host."""
    path = str(tmp_path / 'rank_table.json')
    write_json(path, rank_table(['10.0.0.1'], list(range(8)),
                                ['192.168.100.10%d' % card for card in range(8)]))
    for name, value in (('RANK_SIZE', '8'), ('RANK_ID', '0'), ('JOB_ID', '1'),
                        ('RANK_TABLE_FILE', path)):
        monkeypatch.setenv(name, value)


@pytest.fixture
def cpu(monkeypatch, tmp_path):
    """A function that replaces this machine's CPU by one with only these instructions."""
    def become(flags):
        info = tmp_path / 'cpuinfo'
        info.write_text('processor\t: 0\nmodel name\t: one\nflags\t\t: fpu sse2 %s\n' % flags)
        monkeypatch.setattr(processor, '_CPU_INFO', str(info))
    return become
