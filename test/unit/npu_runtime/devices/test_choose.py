"""The choice of a device and its reason."""
import sys

import pytest

import npu_plugin
from npu_runtime.devices import choose as device
from npu_runtime.devices.flags import RuntimeConfig
from vo_common.errors import UserError


def chosen(kind):
    return device.choose_device(RuntimeConfig(device=kind))


def test_auto_takes_the_npu_if_its_plugin_imports():
    with npu_plugin.installed():
        assert chosen('auto') == ('npu', 'npu_bridge imports')


def test_auto_falls_back_with_a_reason(monkeypatch):
    monkeypatch.setattr(device, '_gpus', lambda: [])
    kind, reason = chosen('auto')
    assert kind == 'cpu'
    assert 'no NPU (ModuleNotFoundError' in reason and 'no GPU' in reason
    monkeypatch.setattr(device, '_gpus', lambda: ['GPU:0'])
    assert chosen('auto').kind == 'gpu'


def test_an_npu_without_its_plugin_is_an_error():
    with pytest.raises(UserError, match='npu_bridge does not import'):
        chosen('npu')


def test_a_plugin_that_breaks_on_import_is_explained(monkeypatch, tmp_path):
    (tmp_path / 'npu_bridge').mkdir()
    (tmp_path / 'npu_bridge' / '__init__.py').write_text('raise OSError("libge_runner.so: no")')
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match='libge_runner.so'):
        chosen('npu')
    monkeypatch.setattr(device, '_gpus', lambda: [])
    assert 'libge_runner.so' in chosen('auto').reason


def test_a_library_that_does_not_load_is_reported_with_its_reason(monkeypatch, tmp_path):
    """The plugin only prints that reason and then fails on a missing name."""
    (tmp_path / 'npu_bridge').mkdir()
    (tmp_path / 'npu_bridge' / '__init__.py').write_text('from npu_bridge.helper import handle')
    (tmp_path / 'npu_bridge' / 'helper.py').write_text(
        'try:\n    handle = open("/nowhere/libge_runner.so")\n'
        'except Exception as error:\n    print(error)\n')
    (tmp_path / 'npu_bridge' / '_tf_adapter.so').write_bytes(b'no library')
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match='_tf_adapter.so: .*(invalid ELF header|file too short)'):
        chosen('npu')


def test_a_missing_gpu_is_an_error(monkeypatch):
    monkeypatch.setattr(device, '_gpus', lambda: [])
    with pytest.raises(UserError, match='sees no GPU'):
        chosen('gpu')


def test_no_plugin_is_imported_for_another_device():
    with npu_plugin.installed():
        del sys.modules['npu_bridge']
        chosen('cpu')
        assert 'npu_bridge' not in sys.modules


def test_an_unknown_device_is_refused():
    with pytest.raises(UserError, match='auto, npu, gpu, cpu'):
        RuntimeConfig(device='tpu')
