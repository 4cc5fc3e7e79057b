"""What training saved beside its checkpoints, for the modes that use them."""
import dataclasses
import os

from common.files import read_json


def read_saved(checkpoint):
    """The `config.json` beside a checkpoint; empty where there is none (a published one).

    Args:
      checkpoint: prefix or folder; may be empty.
    """
    folder = os.path.abspath(checkpoint) if checkpoint else ''
    if not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    path = os.path.join(folder, 'config.json')
    return read_json(path) if os.path.isfile(path) else {}


def model_flags(checkpoint, config_class):
    """The saved flags of the model by name, to stand in for those that are not given.

    Args:
      checkpoint: prefix or folder; may be empty.
      config_class: the dataclass of the model's flags; what it does not know is left out.
    """
    saved = read_saved(checkpoint).get('model', {})
    names = {field.name for field in dataclasses.fields(config_class)}
    return {name: value for name, value in saved.items() if name in names}
