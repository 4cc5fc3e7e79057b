"""The folder of a run: its lock, its configuration, and partial files of killed runs."""
import fcntl
import os
import time
import typing

import pytest

from geonet.config import ModelConfig
from npu_runtime import run_folder
from npu_runtime.checkpoint_writer import settle
from npu_runtime.run_folder import RunFolder, model_flags
from vo_common.errors import UserError


def test_only_model_flags_are_read_from_a_saved_configuration(tmp_path):
    (tmp_path / 'config.json').write_text(
        '{"model": {"seq_length": 5, "mode": "train_rigid"}, "run": {"batch_size": 7}}')
    for checkpoint in (tmp_path, tmp_path / 'model-3'):
        assert model_flags(str(checkpoint), ModelConfig) == {'seq_length': 5}


def test_list_types_are_recognised_after_typing_clears_its_cache(tmp_path):
    (tmp_path / 'config.json').write_text('{"model": {"canonical_camera": [1, 2, 0.5, 0.5]}}')
    for forget in typing._cleanups:  # as many other types in a long process make it do
        forget()
    assert model_flags(str(tmp_path), ModelConfig) == {'canonical_camera': [1, 2, 0.5, 0.5]}


def test_without_a_configuration_there_are_no_flags_and_a_warning(tmp_path, capsys):
    for checkpoint in ('', str(tmp_path / 'sub' / 'model')):
        assert model_flags(checkpoint, ModelConfig) == {}
    assert capsys.readouterr().err == ''
    (tmp_path / 'model-3.index').touch()
    assert model_flags(str(tmp_path / 'model-3'), ModelConfig) == {}
    assert '%s does not exist: the flags and their defaults' % (tmp_path / 'config.json') in (
        capsys.readouterr().err)


@pytest.mark.parametrize('text, message', [
    ('[]', r'config.json: found \[\], must be the configuration of a run'),
    ('{"model": null}', 'config.json: found null for "model", must be a JSON object'),
    ('{"model": {"img_height": [1]}}', r'model.img_height=\[1\]: must be of type int'),
    ('{"model": {"img_height": true}}', r'model.img_height=true: must be of type int'),
    ('{"model": {"canonical_camera": [1, "a", 1, 1]}}',
     r'"a", 1, 1\]: must be of type list of floats'),
    ('{"model": {"img_height": 1e9}}', r'model.img_height=1000000000.0: must be of type int'),
    ('{"model": {"img_height": 1000000000}}', 'model.img_height=1000000000: must be at least 16'),
    ('{"model": {"disp_smooth_weight": NaN}}', 'model.disp_smooth_weight=nan: must be at least 0'),
    ('{"model": {"dispnet_encoder": "alexnet"}}', 'must be one of resnet50, vgg, vgg128'),
    ('{"model": {', 'config.json: is not valid JSON')])
def test_an_invalid_configuration_is_reported(tmp_path, text, message):
    (tmp_path / 'config.json').write_text(text)
    with pytest.raises(UserError, match=message):
        model_flags(str(tmp_path), ModelConfig)


def test_a_folder_that_cannot_be_locked_is_used_with_a_warning(tmp_path, monkeypatch, capsys):
    def no_locks(*arguments):
        raise OSError(37, 'No locks available')
    monkeypatch.setattr(fcntl, 'flock', no_locks)
    with RunFolder(str(tmp_path)) as folder:
        folder.require_there()
    assert 'cannot be locked (No locks available)' in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    with pytest.raises(UserError, match='folder .* is not writable'):
        RunFolder(str(tmp_path)).__enter__()


def test_only_partial_files_of_killed_runs_are_removed(tmp_path):
    partial = ['model-5.data-00000-of-00001.tempstate1234', 'model-5.index.tempstate99',
               'checkpoint.tmp0f3', '.config.json.abc.partial', 'model-5_temp_12']
    kept = ['model-5.index', 'checkpoint', 'notes.txt', '.metrics.jsonl.def.partial',
            'my_temp_frames', 'model_notes', 'x.tempstate.txt', 'checkpoint.tmp.txt']
    for name in partial + kept:
        (tmp_path / name).mkdir() if '_temp_' in name else (tmp_path / name).write_text('')
    (tmp_path / 'model-5_temp_12' / 'part-0').write_text('')
    long_ago = time.time() - 2 * 3600
    os.utime(str(tmp_path / '.config.json.abc.partial'), (long_ago, long_ago))
    with RunFolder(str(tmp_path)) as folder:
        settle(folder.path)
    assert set(os.listdir(str(tmp_path))) == set(kept) | {'.lock'}


def test_a_replaced_folder_no_longer_belongs_to_the_run(tmp_path):
    path = tmp_path / 'run'
    with RunFolder(str(path)) as folder:
        folder.require_there()
        path.rename(tmp_path / 'moved')
        path.mkdir()
        (path / '.lock').touch()  # of the run that took its place
        with pytest.raises(UserError, match='run: was removed or replaced during'):
            folder.require_there()


def test_a_run_without_a_configuration_resumes_with_a_warning(tmp_path, capsys):
    assert run_folder.changes_since(str(tmp_path), {'model': ModelConfig()}) == {}
    assert '%s does not exist: cannot check' % (tmp_path / 'config.json') in (
        capsys.readouterr().err)
