"""A checkpoint's own configuration stands in for flags, as far as they are the model's."""
from geonet.config import ModelConfig
from npu_runtime.run_folder import model_flags


def test_only_model_flags_are_taken_from_beside_a_checkpoint(tmp_path):
    (tmp_path / 'config.json').write_text(
        '{"model": {"seq_length": 5, "mode": "train_rigid"}, "run": {"batch_size": 7}}')
    for checkpoint in (tmp_path, tmp_path / 'model-3'):
        assert model_flags(str(checkpoint), ModelConfig) == {'seq_length': 5}


def test_without_a_configuration_there_are_none(tmp_path):
    for checkpoint in ('', str(tmp_path / 'sub' / 'model')):
        assert model_flags(checkpoint, ModelConfig) == {}
