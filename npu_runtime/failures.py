"""TensorFlow's errors in words that say what to do."""
import contextlib
import re

import tensorflow.compat.v1 as tf

from vo_common.errors import DeviceError, UserError

_INPUT_ERRORS = (tf.errors.InvalidArgumentError, tf.errors.NotFoundError, tf.errors.DataLossError,
                 tf.errors.UnknownError, tf.errors.InternalError, tf.errors.FailedPreconditionError)
_OF_RANKS = re.compile('horovod|hcomallreduce|hccl', re.IGNORECASE)
_OUT_OF_MEMORY = re.compile(
    r'out of memory|out_of_memory|OOM when|failed to allocate|alloc_failed|'
    r'device memory is not enough|malloc.*device', re.IGNORECASE)
_LOST = (tf.errors.AbortedError, tf.errors.UnavailableError)


@contextlib.contextmanager
def explained(device, batch, explain_input_error=None, remains=lambda: ''):
    """Turns errors of a running session that a user can mend into a UserError.

    Args:
      device: <Device> where the session runs.
      batch: what makes a step smaller, as in '--batch_size (now 4)'.
      explain_input_error: function of a TensorFlow error of the input pipeline, which names the
        broken file in a sentence, or None where it finds none.
      remains: function that says what the run leaves, to end an error with.

    Raises:
      UserError: the data cannot be read, or another rank ended.
      DeviceError: the device has no room, refuses or is lost.
    """
    try:
        yield
    except tf.errors.OpError as error:
        explanation = (_of_ranks(error, remains) or _of_loader(error)
                       or _of_device(error, device, batch, remains)
                       or _of_input(error, explain_input_error))
        if explanation is None:
            raise
        raise explanation from error


def _of_ranks(error, remains):
    if not _OF_RANKS.search(str(error)):
        return None
    return UserError('the exchange with the other ranks broke off (%s): another rank ended%s'
                     % (first_line(error), remains()))


def _of_loader(error):
    """What Python code of the input pipeline raised as a UserError keeps its words."""
    raised = re.search(r'UserError: (.*)', str(error))
    return UserError(raised.group(1)) if raised else None


def _of_input(error, explain_input_error):
    if not isinstance(error, _INPUT_ERRORS) or 'IteratorGetNext' not in str(error):
        return None
    found = explain_input_error(error) if explain_input_error else None
    return UserError(found or 'cannot read the training data: %s' % first_line(error))


def _of_device(error, device, batch, remains):
    said, message = first_line(error), str(error)
    if 'No space left on device' in message:
        return UserError('the disk is full (%s); make room%s' % (said, remains()))
    if isinstance(error, tf.errors.ResourceExhaustedError) or _OUT_OF_MEMORY.search(message):
        return DeviceError(
            'device %s: out of memory (%s): another process holds its memory%s, or a step is too '
            'large for it; end that process, or lower %s or the image size%s'
            % (device.kind, said, _where_to_look(device), batch, remains()))
    if device.own.REFUSED and device.own.REFUSED.search(message):
        return DeviceError(
            'device %s: refuses or was lost (%s): most likely another process holds its memory%s, '
            'or its driver does not fit; end that process, lower %s, or try '
            '--device=cpu%s' % (device.kind, said, _where_to_look(device), batch, remains()))
    if isinstance(error, _LOST):
        return DeviceError('device %s: the session was lost (%s): most likely another rank ended '
                           'or the device was reset%s' % (device.kind, said, remains()))
    return None


def _where_to_look(device):
    command = device.own.SHOWS_PROCESSES
    return ' (%s shows which)' % command if command else ''


def first_line(error):
    """What an error of TensorFlow says, in one line without the names of its nodes."""
    text = str(getattr(error, 'message', None) or error).strip()
    # TensorFlow 2.x may say first where the node was made.
    text = re.sub(r"\A.*?^Node: '[^']*'$", '', text, flags=re.DOTALL | re.MULTILINE).strip() or text
    lines = [line for line in text.split('\n') if line and line != 'Graph execution error:']
    line = re.sub(r'\{\{[^}]*\}\}\s*', '', lines[0] if lines else type(error).__name__)
    # TensorFlow 2.x says first which step of the pipeline it was.
    return re.sub(r'^Error in user-defined function passed to .* with iterator: \S+: ', '', line)
