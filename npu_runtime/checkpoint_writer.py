"""Writes checkpoints that are complete and finite, and never loses an earlier one.

TensorFlow renames a checkpoint's files one by one, `.data-*` before `.index`. Without an index
there is no checkpoint, so a new name appears atomically. Overwriting an earlier checkpoint does
not: a kill between the two renames pairs the new data with the old index. A name in use is
therefore written as `NAME.new` and then published: at every instant `NAME` or `NAME.new` is intact,
and `checkpoints` reads the intact one.
"""
import contextlib
import math
import os
import re
import shutil

import tensorflow.compat.v1 as tf

from npu_runtime import checkpoints
from npu_runtime.checkpoints import NEW
from npu_runtime.failures import first_line
from vo_common.console import warn
from vo_common.errors import UserError
from vo_common.files import utf8_path, writing

# Files that TensorFlow writes before it renames them to a checkpoint.
_PARTIAL = re.compile(r'model[^/]*(_temp_[0-9a-f]+|\.tempstate[0-9]+)|checkpoint\.tmp[0-9a-f]*')
# Names of scheduled and final checkpoints.
_GIVEN_NAME = re.compile(r'model(-?[0-9]+)?(%s)?' % re.escape(NEW))
_NEW_DATA = re.compile(r'(model[^/]*%s)\.data-.*' % re.escape(NEW))


def settle(folder):
    """Cleans up after a killed run: publishes intact new checkpoints, removes partial ones.

    Args:
      folder: path of a run that no other process writes to.

    Raises:
      UserError: the files cannot be renamed or removed.
    """
    with writing('checkpoints in ' + folder):
        _remove_partial(folder)
        for new in checkpoints.indexed_in(folder):
            if not new.endswith(NEW):
                continue
            if checkpoints.damage(new):
                _remove_checkpoint(new)
            else:
                publish(new[:-len(NEW)])


def publish(prefix):
    """Renames the checkpoint `prefix` + '.new', which must be intact, to `prefix`.

    Raises:
      OSError: a file cannot be renamed; the files are then as after a kill, see above.
    """
    new = prefix + NEW
    data = _data_files(new)
    for path in data + [new + '.index']:
        with open(path, 'rb') as stream:
            os.fsync(stream.fileno())
    _remove_checkpoint(prefix)
    for path in data:
        # The new checkpoint keeps its own data until the index is renamed.
        target = prefix + path[len(new):]
        try:
            os.link(path, target)
        except OSError:  # a file system without links
            shutil.copyfile(path, target)
    os.replace(new + '.index', prefix + '.index')
    for path in data:
        os.remove(path)


def _remove_partial(folder):
    """Removes the partial checkpoint that a killed run or a failed save left in `folder`."""
    for name in os.listdir(folder):
        path, new = os.path.join(folder, name), _NEW_DATA.fullmatch(name)
        orphaned = new and not os.path.exists(os.path.join(folder, new.group(1) + '.index'))
        if not orphaned and not _PARTIAL.fullmatch(name):
            continue
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.remove(path)


def _remove_checkpoint(prefix):
    # The index first, so that no partial checkpoint is found.
    for path in [prefix + '.index'] + _data_files(prefix):
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)


def _data_files(prefix):
    folder, name = os.path.split(prefix)
    return [os.path.join(folder, other) for other in sorted(os.listdir(folder))
            if re.fullmatch(re.escape(name) + r'\.data-\d+-of-\d+', other)]


class CheckpointWriter:
    """Writes the training state of a graph to a folder. Create it before the graph is finalized.

    Args:
      folder: <RunFolder>.
      configs: as `RunFolder.write_config` takes; written just before the first checkpoint, since
        until then config.json must describe the checkpoint from which the run resumes.
      state: dict, key in the checkpoint -> variable, of everything that training changes.
      max_to_keep: number of checkpoints to keep, including those of earlier runs; 0 keeps all.
      last: prefix of the checkpoint from which the run resumes, or None.

    Attributes:
      last: prefix of the newest checkpoint; None before the first.
      best: metric of `model-best`; infinity if this run has none.
    """

    def __init__(self, folder, configs, state, max_to_keep, last):
        self._folder, self._unwritten = folder, configs
        self._max_to_keep, self.last = max_to_keep, last
        self._saver = tf.train.Saver(state, max_to_keep=None)
        self.best = math.inf
        self._best_prefix = self._path(checkpoints.BEST)
        self._metric = self._best_saver = None

    def keep_best(self, model_variables, metric_name, circumstances, changed):
        """Prepares `save_if_best`.

        A resumed run must beat the metric stored in `model-best`, unless that is missing, damaged,
        was kept for another metric, or cannot be compared. A new run ignores it.

        Args:
          model_variables: list of the variables that prediction needs.
          metric_name: the metric to minimise.
          circumstances: number that stands for all that the metric depends on; values with another
            one cannot be compared.
          changed: names of the flags among them that changed since the last checkpoint. They count
            for a `model-best` of earlier versions, which lacks `circumstances`.
        """
        def local(name, dtype, value):
            return tf.get_variable(name, [], dtype, tf.constant_initializer(value), trainable=False,
                                   collections=[tf.GraphKeys.LOCAL_VARIABLES])

        self._metric = local('best_metric', tf.float64, 0.0)
        state = {variable.op.name: variable for variable in model_variables}
        state[checkpoints.METRIC_SCOPE + metric_name] = self._metric
        state[checkpoints.CIRCUMSTANCES] = local('best_circumstances', tf.int64, circumstances)
        self._best_saver = tf.train.Saver(state, max_to_keep=None)
        if not self.last or not self._has_best():
            return
        damage = checkpoints.damage(self._best_prefix)
        if damage:
            warn('checkpoint %s is damaged (%s); the next validation replaces it'
                 % (self._best_prefix, damage))
        elif circumstances != checkpoints.read_count(self._best_prefix, [checkpoints.CIRCUMSTANCES],
                                                     -1 if changed else circumstances):
            warn('%s changed: earlier values of %s cannot be compared; the next validation '
                 'replaces %s' % (', '.join('--' + name for name in changed)
                                  or 'flags or validation data', metric_name, self._best_prefix))
        else:
            self.best = checkpoints.read_metric(self._best_prefix, metric_name)

    def _has_best(self):
        return os.path.exists(self._best_prefix + '.index') and bool(
            _data_files(self._best_prefix))

    def save_if_best(self, session, metric):
        """Writes the model variables and `metric` as `model-best` if `metric` is below its metric.

        Returns:
          Whether it was written.
        """
        if not metric < (self.best if self._has_best() else math.inf):
            return False
        self._metric.load(metric, session)
        with self._writing(self._best_prefix):
            self._write(self._best_saver, session, self._best_prefix)
        self.best = metric
        return True

    def save(self, session, name, step):
        """Writes the training state of global step `step` under `name` and returns the prefix.

        `checkpoints.LATEST` is not limited by `max_to_keep`; the next checkpoint removes it.

        Raises:
          UserError: a variable is not finite, or the folder cannot be written or no longer exists;
            earlier checkpoints are kept.
        """
        prefix = self._path(name)
        with self._writing(prefix):
            self._write(self._saver, session, prefix)
            kept, dropped = self._earlier(prefix, step) + [prefix], []
            if name != checkpoints.LATEST:
                # With max_to_keep=0 nothing is dropped and the second slice is the whole list.
                dropped = [self._path(checkpoints.LATEST)] + kept[:-self._max_to_keep]
                kept = kept[-self._max_to_keep:]
            # tf.train.latest_checkpoint reads the file that this writes.
            paths = [utf8_path(other) for other in kept]
            tf.train.update_checkpoint_state(utf8_path(self._folder.path), paths[-1], paths)
        self.last = prefix
        for other in dropped:
            with contextlib.suppress(OSError):
                _remove_checkpoint(other)
        return prefix

    def free_name(self, name, step):
        """`name`, or `model-<step>` if a checkpoint of another step has that name."""
        prefix = self._path(name)
        if not os.path.exists(prefix + '.index'):
            return name
        with contextlib.suppress(UserError):
            if checkpoints.read_step(prefix) != step:
                return 'model-%d' % step
        return name

    def _earlier(self, newest, step):
        """Prefixes of checkpoints up to `step`, in order, without `newest` and `model-latest`.

        A copy under a name that training does not give is not among them.
        """
        others = (newest, self._path(checkpoints.LATEST))
        return [prefix for at, prefix in checkpoints.by_step(self._folder.path)
                if at <= step and prefix not in others
                and _GIVEN_NAME.fullmatch(os.path.basename(prefix))]

    def remains(self):
        """The end of an error message: which checkpoint a run that fails now can resume from."""
        if not self.last:
            return '; no checkpoint was written yet'
        return ('; earlier checkpoints are usable: the same command resumes from the last one, %s'
                % os.path.basename(self.last))

    def _path(self, name):
        return os.path.join(self._folder.path, name)

    def _write(self, saver, session, prefix):
        written = prefix + NEW if os.path.exists(prefix + '.index') else prefix
        saver.save(session, utf8_path(written), write_meta_graph=False, write_state=False)
        # A loss can be finite although the update after it made the weights infinite.
        damage = checkpoints.damage(written)
        if damage:
            self._folder.require_there()
            _remove_checkpoint(written)
            raise UserError('checkpoint %s not written: %s; lower --learning_rate if training '
                            'diverged%s' % (os.path.basename(prefix), damage, self.remains()))
        if written != prefix:
            publish(prefix)

    @contextlib.contextmanager
    def _writing(self, prefix):
        """Explains a failure in the block and removes what it left."""
        self._folder.require_there()
        if self._unwritten:
            self._folder.write_config(self._unwritten)
            self._unwritten = None
        try:
            yield
        except (tf.errors.OpError, OSError, ValueError) as error:
            self._folder.require_there()
            _remove_partial(self._folder.path)
            raise UserError('cannot write checkpoint %s: %s%s' % (
                prefix, first_line(error), self.remains())) from error
