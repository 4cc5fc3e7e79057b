"""Where a training run starts: at the beginning, or where the one before it stopped."""
import json
import os

from common.errors import UserError
from common.files import make_folder, read_json, write_json
from npu_runtime import checkpoints
from npu_runtime.training_graph import TrainingGraph

CONFIG_FILE = 'config.json'


class StartingPoint:
    """The newest usable checkpoint of the output folder, which this makes where it is missing.

    Writes config.json there (rank 0), after comparing it with the one of the checkpoints.

    Attributes:
      folder: absolute path.
      prefix: of the checkpoint; None for a new run.
      step: global step to start after, the same on every rank.
      batches_seen: batches read before; more than the steps where loss scaling skipped some.

    Args:
      options: TrainOptions.
      saved_config: dict, as `training.train` has it.
      ranks: of `distribution.connect`.
      proto: tf.ConfigProto of a session in which they agree.

    Raises:
      UserError: the folder is not writable, or its checkpoints are of another model.
    """

    def __init__(self, options, saved_config, ranks, proto):
        self.folder = os.path.abspath(options.output_dir)
        self.prefix, self.step, self.batches_seen = None, 0, 0
        chief = ranks.rank == 0
        if chief:
            make_folder(self.folder)
        # Where rank 0 hands everything to the others, their own folders do not matter.
        if (chief or not ranks.broadcasts_everything) and os.path.isdir(self.folder):
            self._find(json.loads(json.dumps(saved_config)))
        self.step, self.batches_seen = ranks.agree_on_start([self.step, self.batches_seen], proto)
        if chief:
            write_json(os.path.join(self.folder, CONFIG_FILE), saved_config)

    def _find(self, config):
        self.prefix = checkpoints.newest_in(self.folder, verify=True)
        if not self.prefix:
            return
        _require_same_model(os.path.join(self.folder, CONFIG_FILE), config)
        reader = checkpoints.open_reader(self.prefix)
        self.step = max(0, checkpoints.read_step(self.prefix))
        self.batches_seen = self.step
        if reader.has_tensor(TrainingGraph.batches_seen):
            self.batches_seen = int(reader.get_tensor(TrainingGraph.batches_seen))


def _require_same_model(path, config):
    """Raises a UserError when the checkpoints beside `path` belong to another model."""
    if not os.path.exists(path):
        return
    saved, wanted = read_json(path).get('model', {}), config.get('model', {})
    changed = ['%s: %s there, %s now' % (key, json.dumps(saved.get(key)),
                                         json.dumps(wanted.get(key)))
               for key in sorted(set(saved) | set(wanted)) if saved.get(key) != wanted.get(key)]
    if changed:
        raise UserError('the checkpoints in %s are of another model (%s); give the flags of that '
                        'run, or another output folder'
                        % (os.path.dirname(path), '; '.join(changed)))
