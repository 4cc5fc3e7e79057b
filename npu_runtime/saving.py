"""Writing checkpoints: whole, finite, and never at the price of an earlier one."""
import glob
import os
import shutil

import numpy as np
import tensorflow.compat.v1 as tf

from common.errors import UserError
from npu_runtime import checkpoints
from npu_runtime.failures import first_line

_VARIABLES_A_FETCH = 16


class CheckpointWriter:
    """Writes the training state of a graph to a folder; make it before the graph is finalized.

    Args:
      folder: path.
      state: dict, key in the checkpoint -> variable: everything that training changes.
      model_variables: list of the variables that prediction needs.
      max_to_keep: how many checkpoints stay; 0 keeps all.
      keep_best: whether `save_best` will be called.
    """

    def __init__(self, folder, state, model_variables, max_to_keep, keep_best):
        self._folder = folder
        self._model_variables = model_variables
        self.saver = tf.train.Saver(state, max_to_keep=max_to_keep or None)
        self._best_saver = tf.train.Saver(
            {variable.op.name: variable for variable in model_variables},
            max_to_keep=None) if keep_best else None

    def continue_after(self, step):
        """Counts the checkpoints up to `step` among those that `max_to_keep` limits."""
        earlier = []
        for prefix in checkpoints.prefixes_in(self._folder):
            try:
                earlier.append((checkpoints.read_step(prefix), prefix))
            except UserError:
                continue
        self.saver.recover_last_checkpoints(
            [prefix for at, prefix in sorted(earlier) if at <= step])

    def save(self, session, name):
        """Writes everything under `name` and returns the prefix.

        Raises:
          UserError: a variable is no longer finite, or the folder cannot be written; in both cases
            the earlier checkpoints are as they were.
        """
        self._require_finite(session, name)
        return self._save(self.saver, session, name, write_state=True)

    def save_best(self, session):
        """Writes the model variables as `model-best`, over the one before."""
        return self._save(self._best_saver, session, checkpoints.BEST, write_state=False)

    def _save(self, saver, session, name, write_state):
        prefix = os.path.join(self._folder, name)
        try:
            saver.save(session, prefix, write_meta_graph=False, write_state=write_state)
        except (tf.errors.OpError, OSError, ValueError) as error:
            _remove_parts(prefix)
            raise UserError(
                'cannot write checkpoint %s: %s; %s free there. The checkpoints written before are '
                'usable: make room and give the same command to go on from the last one'
                % (prefix, first_line(error), _free_space(self._folder))) from error
        return prefix

    def _require_finite(self, session, name):
        """A loss can be finite while the step after it has already spoilt the weights."""
        variables = [variable for variable in self._model_variables
                     if variable.dtype.base_dtype.is_floating]
        for first in range(0, len(variables), _VARIABLES_A_FETCH):
            part = variables[first:first + _VARIABLES_A_FETCH]
            for variable, value in zip(part, session.run(part)):
                if not np.isfinite(value).all():
                    raise UserError('checkpoint %s not written: variable %s holds NaN or infinity; '
                                    'lower --learning_rate, and go on from the checkpoint before'
                                    % (name, variable.op.name))


def _remove_parts(prefix):
    """Removes what a failed save leaves beside its checkpoint."""
    for path in glob.glob(glob.escape(prefix) + '_temp_*'):
        shutil.rmtree(path, ignore_errors=True)
    for path in glob.glob(glob.escape(prefix) + '.*tempstate*'):
        os.remove(path)


def _free_space(folder):
    try:
        return '%.1f MB' % (shutil.disk_usage(folder).free / 1e6)
    except OSError:
        return 'unknown space'
