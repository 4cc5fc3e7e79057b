"""Writing checkpoints: whole, finite, and never at the price of an earlier one."""
import contextlib
import os
import shutil

import tensorflow.compat.v1 as tf

from common.errors import UserError
from common.files import utf8_path
from npu_runtime import checkpoints
from npu_runtime.failures import first_line


class CheckpointWriter:
    """Writes the training state of a graph to a folder; make it before the graph is finalized.

    Args:
      folder: <RunFolder>.
      state: dict, key in the checkpoint -> variable: everything that training changes.
      model_variables: list of the variables that prediction needs.
      max_to_keep: how many checkpoints stay; 0 keeps all.

    Attributes:
      last: prefix of the newest checkpoint; None before the first.
    """

    def __init__(self, folder, state, model_variables, max_to_keep):
        self._folder = folder
        self._saver = tf.train.Saver(state, max_to_keep=max_to_keep or None)
        self._floats = [variable for variable in model_variables
                        if variable.dtype.base_dtype.is_floating]
        # One tensor, so that an NPU compiles one graph for it.
        self._finite = tf.stack([tf.reduce_all(tf.is_finite(variable))
                                 for variable in self._floats])
        self._best_state = {variable.op.name: variable for variable in model_variables}
        self._metric = self._best_saver = None
        self.last = None

    def keep_best(self, metric_name):
        """Prepares `save_best`, and returns the metric of the `model-best` that is there.

        Args:
          metric_name: of what the best has least.

        Returns:
          float; None where no `model-best` of that metric is there.
        """
        self._metric = tf.get_variable('best_metric', [], tf.float64, tf.zeros_initializer(),
                                       trainable=False,
                                       collections=[tf.GraphKeys.LOCAL_VARIABLES])
        self._best_saver = tf.train.Saver(
            dict(self._best_state, **{checkpoints.METRIC_SCOPE + metric_name: self._metric}),
            max_to_keep=None)
        prefix = os.path.join(self._folder.path, checkpoints.BEST)
        if os.path.exists(prefix + '.index') and not checkpoints.damage(prefix):
            return checkpoints.read_metric(prefix, metric_name)
        return None

    def continue_after(self, prefix, step):
        """Counts the checkpoints up to `step` among those that `max_to_keep` limits.

        Args:
          prefix: of the checkpoint that the run goes on from.
          step: its global step.
        """
        self.last = prefix
        earlier = []
        for other in checkpoints.prefixes_in(self._folder.path):
            with contextlib.suppress(UserError):
                earlier.append((checkpoints.read_step(other), other))
        self._saver.recover_last_checkpoints(
            [other for at, other in sorted(earlier) if at <= step])

    def save(self, session, name):
        """Writes everything under `name` and returns the prefix.

        Raises:
          UserError: a variable is no longer finite, or the folder cannot be written or is gone; in
            any case the earlier checkpoints are as they were.
        """
        self._require_finite(session, name)
        self.last = self._save(self._saver, session, name, write_state=True)
        return self.last

    def save_best(self, session, metric):
        """Writes the model variables and their metric as `model-best`, over the one before."""
        self._metric.load(metric, session)
        return self._save(self._best_saver, session, checkpoints.BEST, write_state=False)

    def remains(self):
        """What a run that ends here leaves, in words for an error; begins with a semicolon."""
        if not self.last:
            return '; no checkpoint was written yet'
        return ('; the checkpoints written before are usable: the same command goes on from the '
                'last checkpoint, %s' % os.path.basename(self.last))

    def _save(self, saver, session, name, write_state):
        prefix = os.path.join(self._folder.path, name)
        self._folder.require_there()
        try:
            saver.save(session, utf8_path(prefix), write_meta_graph=False, write_state=write_state)
        except (tf.errors.OpError, OSError, ValueError) as error:
            self._folder.require_there()
            self._folder.remove_leftovers()
            raise UserError(
                'cannot write checkpoint %s: %s (%s free there)%s'
                % (prefix, first_line(error), _free_space(self._folder.path), self.remains())
                ) from error
        return prefix

    def _require_finite(self, session, name):
        """A loss can be finite while the step after it has already spoilt the weights."""
        for variable, is_finite in zip(self._floats, session.run(self._finite)):
            if not is_finite:
                raise UserError('checkpoint %s not written: variable %s holds NaN or infinity; '
                                'lower --learning_rate%s'
                                % (name, variable.op.name, self.remains()))


def _free_space(folder):
    try:
        return '%.1f MB' % (shutil.disk_usage(folder).free / 1e6)
    except OSError:
        return 'unknown space'
