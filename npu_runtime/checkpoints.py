"""Finds, reads, checks and loads checkpoints.

A path is a prefix (`.../model-500`) or a folder, which means its newest usable checkpoint.
"""
import collections
import glob
import math
import os
import re
import tempfile

import numpy as np
import tensorflow.compat.v1 as tf

from npu_runtime.failures import first_line
from vo_common.console import log, warn
from vo_common.errors import UserError
from vo_common.files import utf8_path

BEST = 'model-best'
LATEST = 'model-latest'  # saved by --save_minutes; the next checkpoint replaces it
NEW = '.new'  # suffix of a checkpoint that is about to replace an earlier one of the same name
METRIC_SCOPE = 'validation/'  # prefix of the key that holds the metric of `model-best`
CIRCUMSTANCES = METRIC_SCOPE + 'circumstances'  # key of what it depends on, see `keep_best`
STEP_KEYS = ('global_step', 'global_step_1')  # the second one in published checkpoints
_OPTIMIZER_KEYS = ('Adam', 'Adam_1', 'beta1_power', 'beta2_power')
_MOST_LISTED = 8  # names of variables in a message
_GLOB = re.compile(r'[][*?\\]')
_LINKS = {}  # prefix -> temporary folder, kept until the process ends because readers are lazy
_UNREADABLE = (tf.errors.OpError, RuntimeError, ValueError, IndexError)  # IndexError: TF 2.x


def latest(path):
    """Returns the prefix of the checkpoint at `path`, a prefix or a folder.

    Raises:
      UserError: there is no checkpoint, or none in the folder is usable.
    """
    path = os.path.abspath(path)
    if os.path.isdir(path):
        newest = newest_in(path)
        if not newest:
            raise UserError('folder %s: holds no checkpoint, must hold a file like model-500.index'
                            % path)
        return newest
    path = _intact(re.sub(r'\.(index|meta|data-[^/]*)$', '', path))
    if not os.path.exists(path + '.index'):
        raise UserError('no checkpoint %s; must be a prefix like model-500, or a folder' % path)
    problem = damage(path)
    if problem:
        raise UserError('checkpoint %s: is damaged (%s)%s' % (path, problem, _instead_of(path)))
    return path


def _instead_of(prefix):
    """The end of an error message: the newest other intact checkpoint in the folder."""
    for _, other in reversed(by_step(os.path.dirname(prefix))):
        if other != prefix and not damage(other):
            return '; the newest intact checkpoint in this folder is %s' % other
    return '; no intact checkpoint in this folder'


def newest_in(folder):
    """Returns the prefix of the intact checkpoint with the highest step; None if there is none.

    Ignores `model-best`, and skips unusable checkpoints with a warning.

    Raises:
      UserError: there are checkpoints, but all of them are unusable.
    """
    found = by_step(folder)
    for _, prefix in reversed(found):
        problem = damage(prefix)
        if not problem:
            return prefix
        warn('checkpoint %s is damaged (%s); falling back to the one before' % (prefix, problem))
    if found:
        raise UserError('none of the %d checkpoints in %s is usable; remove them, or name another '
                        'folder' % (len(found), folder))
    return None


def by_step(folder):
    """Returns [(global step, prefix)] of `prefixes_in`, ordered by step, then by time.

    The step of a checkpoint whose step cannot be read is infinity, as it may be the newest.
    """
    found = []
    for prefix in prefixes_in(folder):
        try:
            found.append((read_step(prefix), os.path.getmtime(prefix + '.index'), prefix))
        except (UserError, OSError):  # also if another process has just removed it
            found.append((math.inf, 0.0, prefix))
    return [(step, prefix) for step, _, prefix in sorted(found)]


def prefixes_in(folder):
    """Returns the prefixes of the checkpoints in `folder`, without `model-best`, unordered."""
    names = {re.sub(re.escape(NEW) + '$', '', prefix) for prefix in indexed_in(folder)}
    return [_intact(name) for name in names if os.path.basename(name) != BEST]


def indexed_in(folder):
    """Returns the prefixes of all index files in `folder`, `.new` included."""
    indices = glob.glob(os.path.join(glob.escape(os.path.abspath(folder)), '*.index'))
    return [index[:-len('.index')] for index in indices]


def _intact(prefix):
    """`prefix`, or the checkpoint that was about to replace it when a run was killed."""
    new = prefix + NEW
    return new if os.path.exists(new + '.index') and damage(prefix) else prefix


def open_reader(prefix):
    """Opens the checkpoint `prefix`; raises a UserError if it cannot be read."""
    try:
        return _reader(prefix)
    except _UNREADABLE as error:
        raise UserError('cannot read checkpoint %s: %s' % (prefix, first_line(error))) from error


def _reader(prefix):
    """tf.train.load_checkpoint, which treats the prefix as a glob pattern.

    A prefix with glob metacharacters is read through links with plain names.
    """
    if not _GLOB.search(prefix):
        return tf.train.load_checkpoint(utf8_path(prefix))
    if prefix not in _LINKS:
        _LINKS[prefix] = tempfile.TemporaryDirectory()
    plain = os.path.join(_LINKS[prefix].name, 'model')
    for path in glob.glob(glob.escape(prefix) + '.*'):
        if not os.path.lexists(plain + path[len(prefix):]):
            os.symlink(path, plain + path[len(prefix):])
    return tf.train.load_checkpoint(plain)


def read_step(prefix):
    """Returns the global step of the checkpoint; -1 if it holds none."""
    return read_count(prefix, STEP_KEYS, -1)


def read_count(prefix, keys, default):
    """Returns the number of steps or batches at the first of `keys` in the checkpoint.

    Raises:
      UserError: the value is not a count; `default` is used only if all keys are absent.
    """
    reader = open_reader(prefix)
    for key in keys:
        if reader.has_tensor(key):
            value = _read_value(prefix, reader, key)
            fault = _fault_of_count(key, value)
            if fault:
                raise UserError('checkpoint %s: %s' % (prefix, fault))
            return int(value)
    return default


def _fault_of_count(key, value):
    if np.shape(value) or not 0 <= value < 2 ** 62:
        return '%s is %s, must be a number of steps' % (key, str(value)[:40])
    return ''


def read_metric(prefix, name):
    """Returns the metric `name` stored in `model-best`; infinity if it stores another metric."""
    reader, key = open_reader(prefix), METRIC_SCOPE + name
    return float(_read_value(prefix, reader, key)) if reader.has_tensor(key) else math.inf


def _read_value(prefix, reader, key):
    try:
        return reader.get_tensor(key)
    except _UNREADABLE as error:
        raise UserError('cannot read %s in checkpoint %s: %s'
                        % (key, prefix, first_line(error))) from error


def damage(prefix):
    """Describes what is wrong with a checkpoint; empty if its step and all values are usable."""
    try:
        reader = _reader(prefix)
        for key in sorted(reader.get_variable_to_shape_map()):
            value = reader.get_tensor(key)
            if value.dtype.kind == 'f' and not np.isfinite(value).all():
                return 'variable %s holds NaN or infinity' % key
            fault = _fault_of_count(key, value) if key in STEP_KEYS else ''
            if fault:
                return fault
    except _UNREADABLE as error:
        return first_line(error)
    return ''


def restore(session, path, variables=None, optional_scopes=()):
    """Loads model variables into a session and logs what was loaded.

    The log lists model variables that only the graph or only the checkpoint has.

    Args:
      session: tf.Session; its graph may be finalized.
      path: prefix or folder.
      variables: list of variables to load; None means all global ones except the global step.
      optional_scopes: variables in these scopes may be missing and keep their values.

    Raises:
      UserError: there is no checkpoint, it lacks variables, or their shapes differ.
    """
    prefix = latest(path)
    if variables is None:
        with session.graph.as_default():
            variables = [variable for variable in tf.global_variables()
                         if variable.op.name not in STEP_KEYS]
    by_name = {variable.op.name: variable for variable in variables}
    optional = [name for name in by_name
                if name.startswith(tuple(scope + '/' for scope in optional_scopes))]
    missing = load_values(session, prefix, by_name, optional)
    stored = open_reader(prefix).get_variable_to_shape_map()
    unused = sorted(name for name in stored if name not in by_name and name not in STEP_KEYS
                    and not name.startswith(('loss_scale/', METRIC_SCOPE))
                    and name.split('/')[-1] not in _OPTIMIZER_KEYS)
    step = read_step(prefix)
    log('loaded %d variables from %s%s' % (
        len(by_name) - len(missing), prefix, ' (step %d)' % step if step >= 0 else ''))
    if missing:
        log('  %d not in the checkpoint, newly initialized: %s' % (
            len(missing), _listed(missing, stored)))
    if unused:
        log('  %d in the checkpoint, not used: %s' % (len(unused), _listed(unused, by_name)))


def load_values(session, prefix, variables, optional=()):
    """Loads variables from a checkpoint in one session call, without adding nodes to the graph.

    Casts values to the variable's dtype: devices store the state of loss scaling differently.

    Args:
      session: tf.Session.
      prefix: prefix of the checkpoint.
      variables: dict, key in the checkpoint -> variable.
      optional: keys that the checkpoint may lack.

    Returns:
      The keys that it lacks, sorted.

    Raises:
      UserError: another key is missing, a shape differs, or a value cannot be read.
    """
    reader = open_reader(prefix)
    shapes = reader.get_variable_to_shape_map()
    missing = sorted(set(variables) - set(shapes))
    required = [key for key in missing if key not in optional]
    if required:
        raise UserError('checkpoint %s lacks %d of %d variables: %s' % (
            prefix, len(required), len(variables), _listed(required, shapes)))
    present = {key: variable for key, variable in variables.items() if key in shapes}
    for key, variable in sorted(present.items()):
        if variable.shape.as_list() != list(shapes[key]):
            raise UserError('checkpoint %s: %s has shape %s, must be %s (give the flags of the '
                            'model that wrote it)%s' % (
                                prefix, key, shapes[key], variable.shape.as_list(),
                                _instead_of(prefix)))
    # Runs the initializers with the values of the checkpoint fed in place of their own.
    session.run([variable.initializer for variable in present.values()],
                {variable.initializer.inputs[1]: np.asarray(
                    _read_value(prefix, reader, key), variable.dtype.base_dtype.as_numpy_dtype)
                 for key, variable in present.items()})
    return missing


def _listed(names, others):
    """Text of some `names`; a net, an outermost scope, stands for several if `others` has none."""
    nets = collections.Counter(name.split('/')[0] for name in names)
    for name in others:
        nets.pop(name.split('/')[0], None)
    shown = list(dict.fromkeys(
        'all of ' + net if nets[net] > 1 else name
        for name, net in ((name, name.split('/')[0]) for name in names)))
    more = ['and %d more' % (len(shown) - _MOST_LISTED)] if len(shown) > _MOST_LISTED else []
    return ', '.join(shown[:_MOST_LISTED] + more)
