"""XLA compiles on request, where it is available, and changes no loss."""
import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from npu_runtime.devices import compilation
from npu_runtime.devices.choose import Device
from npu_runtime.devices.flags import RuntimeConfig
from npu_runtime.session import session_config
from toy_training import ONE_THREAD, run_toy, totals
from vo_common.errors import UserError

CPU = Device('cpu', '')


@pytest.mark.parametrize('kind,reason', [('npu', 'an NPU compiles'), ('cpu', 'built without XLA')])
def test_on_without_a_compiler_is_refused_with_the_reason(monkeypatch, kind, reason):
    monkeypatch.setattr(compilation, '_is_built_with_xla', lambda: False)
    with pytest.raises(UserError, match='--xla=on: must be auto or off here .*' + reason):
        compilation.uses_xla(Device(kind, ''), RuntimeConfig(xla='on'))


def test_a_session_compiles_only_on_request(monkeypatch):
    monkeypatch.setenv('TF_XLA_FLAGS', '--a_flag_of_the_user')
    monkeypatch.setattr(compilation, '_is_built_with_xla', lambda: True)

    def level(kind, **flags):
        proto = session_config(Device(kind, ''), RuntimeConfig(**flags))
        return proto.graph_options.optimizer_options.global_jit_level
    for kind in ('cpu', 'gpu'):
        assert level(kind) == level(kind, xla='off') == tf.OptimizerOptions.DEFAULT
    for _ in range(2):
        assert level('cpu', xla='on') == tf.OptimizerOptions.ON_1
        assert os.environ['TF_XLA_FLAGS'] == '--a_flag_of_the_user --tf_xla_cpu_global_jit'


@pytest.mark.skipif(not compilation._is_built_with_xla(), reason='needs XLA')
def test_xla_keeps_the_losses_and_its_checkpoint_resumes_without_xla(tmp_path, monkeypatch):
    monkeypatch.setenv('TF_XLA_FLAGS', '')
    compiled = dict(ONE_THREAD, xla='on')
    run_toy(tmp_path / 'plain', 8)
    run_toy(tmp_path / 'compiled', 6, runtime=compiled)
    run_toy(tmp_path / 'compiled', 8)
    np.testing.assert_allclose(totals(tmp_path / 'compiled'), totals(tmp_path / 'plain'),
                               rtol=1e-4)
