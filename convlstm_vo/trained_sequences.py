"""The sequences that the weights of a checkpoint were trained on, which must not be tested on."""
import os

from kitti_data.odometry import sequence_name
from npu_runtime import checkpoints
from npu_runtime.run_folder import read_saved
from vo_common.console import warn
from vo_common.errors import UserError


def trained_sequences(checkpoint):
    """The names of the sequences in the config.json of a checkpoint; None if it has none.

    Raises:
      UserError: the entry is not a list of names.
    """
    saved = read_saved(checkpoint)
    if 'train_sequences' not in saved:
        return None
    names = saved['train_sequences']
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError('config.json of %s: found %r for "train_sequences", must be a list of '
                        'names' % (checkpoint, names))
    return names


def all_trained_sequences(run):
    """Sorted names of the sequences of a training, and of earlier ones that it builds on."""
    resumes = os.path.isdir(run.outputpath) and checkpoints.prefixes_in(run.outputpath)
    origin = run.outputpath if resumes else run.init_checkpoint
    earlier = trained_sequences(origin) if origin else None
    return sorted(set(map(sequence_name, run.train_sequences)).union(earlier or ()))


def warn_if_trained(sequences, trained_on):
    """Warns of sequences to evaluate that are among the names `trained_on`."""
    both = sorted(set(map(sequence_name, sequences)) & set(trained_on))
    if both:
        warn('sequence %s: used in training, its errors are too small' % ', '.join(both))
