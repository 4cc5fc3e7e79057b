"""Detection of oneDNN and of the CPU's bfloat16 instructions."""
import pytest
import tensorflow.compat.v1 as tf

from npu_runtime.devices import host_kernels


@pytest.mark.parametrize('version,onednn,expected', [
    ('2.21.0', '0', False), ('2.21.0', '1', True), ('2.10.1', 'TRUE', True), ('2.21.0', '', False),
    ('1.15.0', '1', False)])
def test_onednn_is_used_if_enabled_and_available(monkeypatch, version, onednn, expected):
    monkeypatch.setattr(tf, '__version__', version)
    monkeypatch.setenv('TF_ENABLE_ONEDNN_OPTS', onednn)
    assert host_kernels.uses_onednn() == expected


def test_a_cpu_without_the_instructions_or_onednn_has_no_bfloat16(cpu, monkeypatch):
    monkeypatch.setenv('TF_ENABLE_ONEDNN_OPTS', '1')
    cpu('avx512_vnni')
    assert host_kernels.bfloat16_obstacle()
    monkeypatch.setenv('TF_ENABLE_ONEDNN_OPTS', '0')
    cpu('avx512_vnni amx_bf16')
    assert host_kernels.bfloat16_obstacle()
