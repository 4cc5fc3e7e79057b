"""The CPU's instruction sets, read before TensorFlow is imported."""
import os

import pytest

from npu_runtime import engine
from npu_runtime.devices import processor
from vo_common.errors import UserError


@pytest.fixture
def setting(monkeypatch):
    """A function that starts TensorFlow and returns the value of TF_ENABLE_ONEDNN_OPTS."""
    def start(before=None):
        monkeypatch.setenv('TF_ENABLE_ONEDNN_OPTS', '')  # is put back after the test
        if before is None:
            monkeypatch.delenv('TF_ENABLE_ONEDNN_OPTS')
        else:
            monkeypatch.setenv('TF_ENABLE_ONEDNN_OPTS', before)
        engine.start_tensorflow()
        return os.environ.get('TF_ENABLE_ONEDNN_OPTS')
    return start


def test_a_cpu_without_avx_is_reported_before_tensorflow_is_imported(cpu):
    cpu('sse4_1 sse4_2')
    with pytest.raises(UserError, match='cpuinfo: found a CPU without AVX, must have it'):
        engine.start_tensorflow()


def test_a_cpu_with_only_avx_keeps_tensorflows_default_kernels(cpu, setting):
    cpu('sse4_2 avx')
    assert setting() is None


@pytest.mark.parametrize('flags', ['avx avx2', 'avx avx2 avx512f avx512_bf16'])
def test_onednn_is_enabled_with_avx2_unless_the_user_disables_it(cpu, setting, flags):
    cpu(flags)
    assert [setting(), setting(''), setting('0')] == ['1', '1', '0']


def test_an_unknown_cpu_is_accepted(monkeypatch, tmp_path):
    monkeypatch.setattr(processor, '_CPU_INFO', str(tmp_path / 'missing'))
    assert processor.cpu_instructions() == frozenset()
    processor.require_avx()
