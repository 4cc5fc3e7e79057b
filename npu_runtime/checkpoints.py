"""Finding, reading and checking checkpoints.

A path may be a prefix (`.../model-500`) or a folder, which means its newest usable checkpoint.
"""
import glob
import os
import re
import tempfile

import numpy as np
import tensorflow.compat.v1 as tf

from npu_runtime.checkpoint_files import NEW, publish, remove
from npu_runtime.failures import first_line
from vo_common.console import warn
from vo_common.errors import UserError
from vo_common.files import reason, utf8_path

BEST = 'model-best'
LATEST = 'model-latest'  # saved by time, until the next one that the schedule names
# Key of a model-best's metric, before its name; written by `checkpoint_writer`.
METRIC_SCOPE = 'validation/'
STEP_KEYS = ('global_step', 'global_step_1')
_PATTERN = re.compile(r'[][*?\\]')
_LINKS = {}  # prefix -> folder that stays as long as the process, since readers read late
_UNREADABLE = (tf.errors.OpError, RuntimeError, ValueError, IndexError)  # the last in TF 2.x


def latest(path):
    """The prefix of the checkpoint at `path`, a prefix or a folder.

    Raises:
      UserError: nothing is there, or no checkpoint in the folder is usable.
    """
    path = os.path.abspath(path)
    if os.path.isdir(path):
        newest = newest_in(path)
        if not newest:
            raise UserError('folder %s: holds no checkpoint, must hold a file like model-500.index'
                            % path)
        return newest
    for ending in ('.index', '.meta'):
        path = _without_end(path, ending)
    if '.data-' in os.path.basename(path):
        path = path[:path.rindex('.data-')]
    path = _whole_of(path)
    if not (os.path.exists(path + '.index') or os.path.isfile(path)):
        raise UserError('no checkpoint %s; must be a prefix like model-500, or a folder' % path)
    problem = damage(path)
    if problem:
        raise UserError('checkpoint %s: is damaged (%s)%s' % (path, problem, instead_of(path)))
    return path


def instead_of(prefix, fits=lambda reader: True):
    """Names the newest whole checkpoint beside an unusable one, among those whose reader fits."""
    others = [other for other in prefixes_in(os.path.dirname(prefix))
              if other != prefix and not damage(other) and fits(open_reader(other))]
    if not others:
        return '; no whole one lies beside it'
    return '; the newest whole one beside it is %s' % max(others, key=read_step)


def newest_in(folder):
    """The prefix of the whole checkpoint in `folder` with the highest step; None without any.

    Unusable ones are passed over, with a warning; `model-best` is no candidate.

    Args:
      folder: path.

    Raises:
      UserError: there are checkpoints and all of them are unusable.
    """
    prefixes = prefixes_in(folder)
    readable = []
    for prefix in prefixes:
        try:
            readable.append((read_step(prefix), os.path.getmtime(prefix + '.index'), prefix))
        except UserError as error:
            warn('%s; falling back to the one before' % error)
    for _, _, prefix in sorted(readable, reverse=True):
        problem = damage(prefix)
        if not problem:
            return prefix
        warn('checkpoint %s is damaged (%s); falling back to the one before' % (prefix, problem))
    if prefixes:
        raise UserError('none of the %d checkpoints in %s is usable; remove them, or name another '
                        'folder' % (len(prefixes), folder))
    return _of_old_format(folder)


def _of_old_format(folder):
    """The prefix that the file `checkpoint` names, of the format before TensorFlow 0.12, or None.

    Only its name counts: what lies in another folder is not the run's.
    """
    try:
        with open(os.path.join(folder, 'checkpoint'), 'rb') as stream:
            text = stream.read().decode('utf-8', 'replace')
    except OSError:
        return None
    named = re.search(r'^model_checkpoint_path: "(.*)"', text, re.MULTILINE)
    if not named:
        return None
    prefix = os.path.join(os.path.abspath(folder), os.path.basename(named.group(1)))
    return prefix if os.path.isfile(prefix) else None


def prefixes_in(folder):
    """The prefixes of the checkpoints in `folder`, without `model-best`, in no order."""
    names = {_without_end(prefix, NEW) for prefix in _found(folder)}
    return [_whole_of(name) for name in names if os.path.basename(name) != BEST]


def settle(folder):
    """Ends what a kill interrupted: gives checkpoints that are whole the name they were meant for.

    Args:
      folder: path, of a run that nothing else writes to.

    Raises:
      UserError: the files cannot be renamed or removed.
    """
    try:
        for new in (prefix for prefix in _found(folder) if prefix.endswith(NEW)):
            if damage(new):
                remove(new)
            else:
                publish(_without_end(new, NEW))
    except OSError as error:
        raise UserError('cannot write checkpoints in %s: %s' % (folder, reason(error))) from error


def _found(folder):
    """The prefixes of all indices in a folder."""
    indices = glob.glob(os.path.join(glob.escape(os.path.abspath(folder)), '*.index'))
    return [_without_end(index, '.index') for index in indices]


def _without_end(text, end):
    return text[:-len(end)] if text.endswith(end) else text


def _whole_of(prefix):
    """`prefix`, or the checkpoint that was about to take its name when a run was killed."""
    new = prefix + NEW
    return new if os.path.exists(new + '.index') and damage(prefix) else prefix


def open_reader(prefix):
    """A reader of the checkpoint `prefix`; a UserError names one that cannot be read."""
    try:
        return _reader(prefix)
    except _UNREADABLE as error:
        raise UserError('cannot read checkpoint %s: %s' % (prefix, first_line(error))) from error


def _reader(prefix):
    """tf.train.load_checkpoint, which takes the prefix for a pattern of file names.

    One with letters that mean more in a pattern is read through links with plain names.
    """
    if not _PATTERN.search(prefix):
        return tf.train.load_checkpoint(utf8_path(prefix))
    if prefix not in _LINKS:
        _LINKS[prefix] = tempfile.TemporaryDirectory()
        for path in glob.glob(glob.escape(prefix) + '.*'):
            os.symlink(path, os.path.join(_LINKS[prefix].name, 'model' + path[len(prefix):]))
    return tf.train.load_checkpoint(os.path.join(_LINKS[prefix].name, 'model'))


def read_step(prefix):
    """The training step in the checkpoint; -1 if it holds none.

    Published checkpoints name it `global_step_1`.
    """
    reader = open_reader(prefix)
    for key in STEP_KEYS:
        if reader.has_tensor(key):
            return _count(prefix, key, read_value(prefix, reader, key))
    return -1


def read_count(prefix, key, default):
    """The number of steps or batches at `key` in the checkpoint; `default` where it holds none."""
    reader = open_reader(prefix)
    if not reader.has_tensor(key):
        return default
    return _count(prefix, key, read_value(prefix, reader, key))


def _count(prefix, key, value):
    if np.shape(value) or not np.isfinite(value) or not 0 <= value < 2 ** 62:
        raise UserError('checkpoint %s: %s is %s, must be a number of steps'
                        % (prefix, key, str(value)[:40]))
    return int(value)


def read_metrics(prefix):
    """dict, name -> metric for which a `model-best` was kept; empty where it tells none."""
    reader = open_reader(prefix)
    return {key[len(METRIC_SCOPE):]: float(read_value(prefix, reader, key))
            for key in reader.get_variable_to_shape_map() if key.startswith(METRIC_SCOPE)}


def damage(prefix):
    """What is wrong with the checkpoint's data; empty when every value is there and finite."""
    try:
        reader = _reader(prefix)
        for key in sorted(reader.get_variable_to_shape_map()):
            value = reader.get_tensor(key)
            if value.dtype.kind == 'f' and not np.isfinite(value).all():
                return 'variable %s holds NaN or infinity' % key
    except _UNREADABLE as error:
        return first_line(error)
    return ''


def read_value(prefix, reader, key):
    """The value at `key` of an opened checkpoint; a UserError where it cannot be read."""
    try:
        return reader.get_tensor(key)
    except _UNREADABLE as error:
        raise UserError('cannot read %s in checkpoint %s: %s'
                        % (key, prefix, first_line(error))) from error
