"""What is said of this CPU and of TensorFlow's kernels is what there is."""
import pytest
import tensorflow.compat.v1 as tf

from npu_runtime.devices import host_kernels, processor


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A function that makes this machine one with another TensorFlow and other instructions."""
    def become(version, flags, onednn=None):
        info = tmp_path / 'cpuinfo'
        info.write_text('processor : 0\nflags\t\t: fpu %s\n' % flags)
        monkeypatch.setattr(processor, '_CPU_INFO', str(info))
        monkeypatch.setattr(tf, '__version__', version)
        monkeypatch.delenv('TF_ENABLE_ONEDNN_OPTS', raising=False)
        if onednn is not None:
            monkeypatch.setenv('TF_ENABLE_ONEDNN_OPTS', onednn)
    return become


@pytest.mark.parametrize('version,flags,onednn,expected', [
    ('2.21.0', 'avx2 avx512_vnni', None, True), ('2.21.0', 'avx2', None, False),
    ('2.21.0', 'avx512_vnni', '0', False), ('2.21.0', 'avx2', '1', True),
    ('1.15.0', 'avx512_vnni', '1', False), ('2.10.1', 'avx_vnni', None, True)])
def test_onednn_computes_where_tensorflow_switches_it_on_or_the_user_does(
        machine, version, flags, onednn, expected):
    machine(version, flags, onednn)
    assert host_kernels.uses_onednn() == expected


def test_a_cpu_without_the_instructions_is_the_obstacle_to_bfloat16(machine):
    machine('2.21.0', 'avx512_vnni')
    assert host_kernels.bfloat16_obstacle()
    machine('2.21.0', 'avx512_vnni amx_bf16', '0')
    assert host_kernels.bfloat16_obstacle()
