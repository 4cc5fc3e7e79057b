"""The choice of a device and its reason."""
import sys

import pytest

from npu_runtime.devices import choose as device
from npu_runtime.devices.flags import RuntimeConfig
from vo_common.errors import UserError


def chosen(kind):
    return device.choose_device(RuntimeConfig(device=kind))


def test_auto_takes_the_npu_if_its_plugin_imports(plugin):
    assert chosen('auto') == ('npu', 'npu_bridge imports')


def test_auto_falls_back_with_a_reason(monkeypatch):
    monkeypatch.setattr(device, '_gpus', lambda: [])
    kind, reason = chosen('auto')
    assert kind == 'cpu'
    assert 'no NPU (ModuleNotFoundError' in reason and 'no GPU' in reason
    monkeypatch.setattr(device, '_gpus', lambda: ['GPU:0'])
    assert chosen('auto').kind == 'gpu'


@pytest.mark.parametrize('kind,message', [
    ('npu', 'npu_bridge does not import'), ('gpu', 'sees no GPU'), ('tpu', 'auto, npu, gpu, cpu')])
def test_a_missing_or_unknown_device_is_an_error(monkeypatch, kind, message):
    monkeypatch.setattr(device, '_gpus', lambda: [])
    with pytest.raises(UserError, match=message):
        chosen(kind)


@pytest.mark.parametrize('files,reason', [
    ({'__init__.py': 'raise OSError("libge_runner.so: no")'}, 'libge_runner.so'),
    # The plugin only prints why its library does not load, and then fails on a missing name.
    ({'__init__.py': 'from npu_bridge.helper import handle', 'helper.py': '',
      '_tf_adapter.so': 'no library'}, '_tf_adapter.so: .*(invalid ELF header|file too short)')])
def test_a_plugin_that_breaks_on_import_is_explained(monkeypatch, tmp_path, files, reason):
    (tmp_path / 'npu_bridge').mkdir()
    for name, text in files.items():
        (tmp_path / 'npu_bridge' / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match=reason):
        chosen('npu')


def test_no_plugin_is_imported_for_another_device(plugin):
    del sys.modules['npu_bridge']
    chosen('cpu')
    assert 'npu_bridge' not in sys.modules
