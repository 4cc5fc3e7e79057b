"""The CPU's instruction sets, read before TensorFlow is imported."""
import os

import pytest

from npu_runtime import engine
from npu_runtime.devices import processor
from vo_common.errors import UserError


def test_a_cpu_without_avx_is_reported_before_tensorflow_is_imported(cpu):
    cpu('sse4_1 sse4_2')
    with pytest.raises(UserError, match='cpuinfo: found a CPU without AVX, must have it'):
        engine.start_tensorflow()


@pytest.mark.parametrize('flags,of_the_user,used', [
    ('sse4_2 avx', None, None), ('avx avx2', None, '1'), ('avx avx2', '', '1'),
    ('avx avx2', '0', '0'), ('avx avx2 avx512f avx512_bf16', None, '1')])
def test_onednn_is_enabled_with_avx2_unless_the_user_disables_it(
        cpu, monkeypatch, flags, of_the_user, used):
    cpu(flags)
    monkeypatch.setenv('TF_ENABLE_ONEDNN_OPTS', of_the_user or '')
    if of_the_user is None:
        monkeypatch.delenv('TF_ENABLE_ONEDNN_OPTS')
    engine.start_tensorflow()
    assert os.environ.get('TF_ENABLE_ONEDNN_OPTS') == used


def test_an_unknown_cpu_is_accepted(monkeypatch, tmp_path):
    monkeypatch.setattr(processor, '_CPU_INFO', str(tmp_path / 'missing'))
    assert processor.cpu_instructions() == frozenset()
    processor.require_avx()
