"""Giving a session's variables the values of a checkpoint."""
import numpy as np
import tensorflow.compat.v1 as tf

from npu_runtime.checkpoints import (
    METRIC_SCOPE, STEP_KEYS, instead_of, latest, open_reader, read_step, read_value)
from vo_common.console import log
from vo_common.errors import UserError

_OPTIMIZER_KEYS = ('Adam', 'Adam_1', 'beta1_power', 'beta2_power')
_BYTES_A_CALL = 64 * 1024 ** 2


def restore(session, path, variables=None, required_scopes=None):
    """Loads model variables into a session and logs what was loaded.

    The log tells what of the model the checkpoint has too much or too little; that it also holds
    the state of a training run goes without saying.

    Args:
      session: tf.Session; its graph may be finalized.
      path: prefix or folder.
      variables: list of variables to load; None takes all global ones but the global step.
      required_scopes: the variables outside of these scopes may be missing and keep their values;
        None requires all.

    Returns:
      The prefix that was loaded.

    Raises:
      UserError: no checkpoint, missing variables, or other shapes than the graph's.
    """
    prefix = latest(path)
    if variables is None:
        with session.graph.as_default():
            variables = [variable for variable in tf.global_variables()
                         if variable.op.name not in STEP_KEYS]
    wanted = {variable.op.name: variable for variable in variables}
    reader = open_reader(prefix)
    missing = _check(prefix, reader, wanted, required_scopes)
    present = {name: variable for name, variable in wanted.items() if name not in missing}
    unexpected = sorted(name for name in reader.get_variable_to_shape_map()
                        if name not in wanted and not _is_training_state(name))
    load_values(session, prefix, present)
    step = read_step(prefix)
    log('loaded %d variables from %s%s' % (
        len(present), prefix, ' (step %d)' % step if step >= 0 else ''))
    _list('not in the checkpoint, begun afresh', missing)
    _list('in the checkpoint, not used', unexpected)
    return prefix


def load_values(session, prefix, variables, optional=()):
    """Gives variables their values from a checkpoint, in a few calls and without new nodes.

    Values are cast to the variable's type: devices keep the state of loss scaling in other ones.

    Args:
      session: tf.Session.
      prefix: of the checkpoint.
      variables: dict, key in the checkpoint -> variable.
      optional: keys that the checkpoint may lack.

    Raises:
      UserError: a key is missing, a shape differs, or a value cannot be read.
    """
    reader = open_reader(prefix)
    present = {key: variable for key, variable in variables.items()
               if key not in optional or reader.has_tensor(key)}
    _check(prefix, reader, present, None)
    feed, size = {}, 0
    for key in sorted(present):
        initializer = present[key].initializer
        value = read_value(prefix, reader, key)
        feed[initializer] = np.asarray(value, present[key].dtype.base_dtype.as_numpy_dtype)
        size += feed[initializer].nbytes
        if size > _BYTES_A_CALL:
            _assign(session, feed)
            feed, size = {}, 0
    _assign(session, feed)


def _assign(session, values):
    """Runs initializers (operation -> value) with these values in the place of their own."""
    session.run(list(values), {initializer.inputs[1]: value
                               for initializer, value in values.items()})


def _check(prefix, reader, wanted, required_scopes):
    """Names missing from the checkpoint that may be missing; a UserError for the other faults."""
    shapes = reader.get_variable_to_shape_map()
    missing = [name for name in sorted(wanted) if name not in shapes]
    fatal = [name for name in missing
             if required_scopes is None or _in_scopes(name, required_scopes)]
    if fatal:
        raise UserError('checkpoint %s lacks %d of %d variables: %s'
                        % (prefix, len(fatal), len(wanted), _shorten(fatal)))
    name = _misfit(reader, wanted)
    if name:
        raise UserError('checkpoint %s: %s has shape %s, must be %s (give the flags of the model '
                        'that wrote it)%s' % (
                            prefix, name, shapes[name], wanted[name].shape.as_list(),
                            instead_of(prefix, lambda other: not _misfit(other, wanted))))
    return missing


def _misfit(reader, variables):
    """The first name of a variable that has another shape in the checkpoint; None without any."""
    shapes = reader.get_variable_to_shape_map()
    for name in sorted(set(variables) & set(shapes)):
        if list(shapes[name]) != variables[name].shape.as_list():
            return name
    return None


def _is_training_state(name):
    return (name in STEP_KEYS or name.startswith(('loss_scale/', METRIC_SCOPE))
            or name.split('/')[-1] in _OPTIMIZER_KEYS)


def _in_scopes(name, scopes):
    return any(name == scope or name.startswith(scope.rstrip('/') + '/') for scope in scopes)


def _list(title, names):
    if names:
        log('  %d %s: %s' % (len(names), title, _shorten(names)))


def _shorten(names, limit=8):
    shown = ', '.join(names[:limit])
    return shown + (', and %d more' % (len(names) - limit) if len(names) > limit else '')
