"""Writing checkpoints: whole, finite, and never at the price of an earlier one."""
import contextlib
import math
import os
import shutil

import tensorflow.compat.v1 as tf

from npu_runtime import checkpoints
from npu_runtime.checkpoint_files import (
    data_files, name_to_write, publish, remove, remove_leftovers)
from npu_runtime.failures import first_line
from vo_common.console import warn
from vo_common.errors import UserError
from vo_common.files import utf8_path


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
        self._saver = tf.train.Saver(state, max_to_keep=None)
        self._kept, self._max_to_keep = [], max_to_keep
        self._floats = [variable for variable in model_variables
                        if variable.dtype.base_dtype.is_floating]
        # One tensor, so that an NPU compiles one graph for it.
        self._finite = tf.stack([tf.reduce_all(tf.is_finite(variable))
                                 for variable in self._floats])
        self._best_state = {variable.op.name: variable for variable in model_variables}
        self._best = os.path.join(folder.path, checkpoints.BEST)
        self._metric = self._best_saver = None
        self.last = None

    def keep_best(self, metric_name, earlier):
        """Prepares `save_best`, and returns the metric below which a checkpoint is the best.

        Args:
          metric_name: of what the best has least.
          earlier: the least metric that the run has logged.

        Returns:
          float: the metric of the `model-best` that is there; `earlier`, if an older version wrote
          it without; infinity where none is there, or a damaged one or one of another metric.
        """
        self._metric = tf.get_variable('best_metric', [], tf.float64, tf.zeros_initializer(),
                                       trainable=False,
                                       collections=[tf.GraphKeys.LOCAL_VARIABLES])
        self._best_saver = tf.train.Saver(
            dict(self._best_state, **{checkpoints.METRIC_SCOPE + metric_name: self._metric}),
            max_to_keep=None)
        if not self.has_best():
            return math.inf
        damage = checkpoints.damage(self._best)
        if damage:
            warn('checkpoint %s is damaged (%s); the next validation writes it again'
                 % (self._best, damage))
            return math.inf
        metrics = checkpoints.read_metrics(self._best)
        return metrics.get(metric_name, math.inf) if metrics else earlier

    def has_best(self):
        """Whether the files of a `model-best` are there."""
        return os.path.exists(self._best + '.index') and bool(data_files(self._best))

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
        self._kept = [other for at, other in sorted(earlier)
                      if at <= step and os.path.basename(other) != checkpoints.LATEST]

    def save(self, session, name):
        """Writes everything under `name` and returns the prefix.

        The one under `checkpoints.LATEST` is over and above `max_to_keep`, and goes with the next.

        Raises:
          UserError: a variable is no longer finite, or the folder cannot be written or is gone; in
            any case the earlier checkpoints are as they were.
        """
        self._require_finite(session, name)
        latest, prefix = (os.path.join(self._folder.path, one)
                          for one in (checkpoints.LATEST, name))
        listed = [other for other in self._kept if other != prefix] + [prefix]
        dropped = []
        if prefix != latest:
            # 0 keeps all.
            self._kept = listed[-self._max_to_keep:]
            dropped, listed = listed[:-len(self._kept)] + [latest], self._kept
        self.last = self._save(self._saver, session, name, listed)
        for other in dropped:
            with contextlib.suppress(OSError):
                remove(other)
        return prefix

    def save_best(self, session, metric):
        """Writes the model variables and their metric as `model-best`, over the one before."""
        self._metric.load(metric, session)
        return self._save(self._best_saver, session, checkpoints.BEST)

    def remains(self):
        """What a run that ends here leaves, in words for an error; begins with a semicolon."""
        if not self.last:
            return '; no checkpoint was written yet'
        return ('; the checkpoints written before are usable: the same command goes on from the '
                'last checkpoint, %s' % os.path.basename(self.last))

    def _save(self, saver, session, name, listed=()):
        """Writes a checkpoint; `listed` are the prefixes that the file `checkpoint` then names."""
        prefix = os.path.join(self._folder.path, name)
        self._folder.require_there()
        try:
            path = name_to_write(prefix)
            saver.save(session, utf8_path(path), write_meta_graph=False, write_state=False)
            if path != prefix:
                publish(prefix)
            if listed:
                # Where TensorFlow's own functions find the newest.
                paths = [utf8_path(other) for other in listed]
                tf.train.update_checkpoint_state(utf8_path(self._folder.path), paths[-1], paths)
        except (tf.errors.OpError, OSError, ValueError) as error:
            self._folder.require_there()
            remove_leftovers(self._folder.path)
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
