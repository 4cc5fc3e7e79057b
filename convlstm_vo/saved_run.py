"""A trained network on disk: its checkpoint, and the configuration saved beside it."""
import collections
import dataclasses
import os

from common.files import read_json
from convlstm_vo.config import ModelConfig
from kitti_data.odometry import sequence_name
from npu_runtime import checkpoints
from npu_runtime.console import say

SavedRun = collections.namedtuple('SavedRun', 'checkpoint model train_sequences')
SavedRun.__doc__ = """checkpoint: prefix. model: <ModelConfig>. train_sequences: names."""


def load(path, run, model):
    """What is known of the checkpoint `path` (prefix or folder).

    The `config.json` that training writes wins over the flags, aloud; without one (a published
    checkpoint) the flags are all there is.

    Args:
      path: prefix, or folder, which means its newest checkpoint.
      run: <RunConfig> of the flags.
      model: <ModelConfig> of the flags.

    Returns:
      SavedRun.

    Raises:
      UserError: there is no checkpoint.
    """
    checkpoint = checkpoints.latest(path)
    config_path = os.path.join(os.path.dirname(checkpoint), 'config.json')
    if not os.path.exists(config_path):
        names = [sequence_name(name) for name in run.training_sequences]
        return SavedRun(checkpoint, model, names)
    saved = read_json(config_path)
    saved_model = ModelConfig(**saved['model'])
    changed = ['%s=%s' % (name, value) for name, value in dataclasses.asdict(saved_model).items()
               if value != getattr(model, name)]
    if changed:
        say('as in training (%s): %s' % (config_path, ', '.join(changed)))
    return SavedRun(checkpoint, saved_model, saved['train_sequences'])
