"""What is said of this CPU and of TensorFlow's kernels is what there is."""
import pytest
import tensorflow.compat.v1 as tf

from npu_runtime.devices import host_kernels, processor


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A function that makes this machine one with another TensorFlow and other instructions."""
    def become(version, flags, onednn):
        info = tmp_path / 'cpuinfo'
        info.write_text('processor : 0\nflags\t\t: fpu %s\n' % flags)
        monkeypatch.setattr(processor, '_CPU_INFO', str(info))
        monkeypatch.setattr(tf, '__version__', version)
        monkeypatch.setenv('TF_ENABLE_ONEDNN_OPTS', onednn)
    return become


@pytest.mark.parametrize('version,onednn,expected', [
    ('2.21.0', '0', False), ('2.21.0', '1', True), ('2.10.1', 'TRUE', True), ('2.21.0', '', False),
    ('1.15.0', '1', False)])
def test_onednn_computes_where_it_is_switched_on_and_there(machine, version, onednn, expected):
    machine(version, 'avx2', onednn)
    assert host_kernels.uses_onednn() == expected


def test_a_cpu_without_the_instructions_is_the_obstacle_to_bfloat16(machine):
    machine('2.21.0', 'avx512_vnni', '1')
    assert host_kernels.bfloat16_obstacle()
    machine('2.21.0', 'avx512_vnni amx_bf16', '0')
    assert host_kernels.bfloat16_obstacle()
