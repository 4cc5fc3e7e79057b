"""Turns TensorFlow's errors into messages that say what to do."""
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
def explained(device, batch, remains=lambda: ''):
    """Context that turns session errors which a user can fix into a UserError.

    Args:
      device: <Device> on which the session runs.
      batch: hint for reducing memory use, such as '--batch_size (now 4)'.
      remains: function that returns the end of a message: what the failed run can resume from.

    Raises:
      UserError: the data cannot be read, another rank ended, or the disk is full.
      DeviceError: the device is out of memory, fails or is lost.
    """
    try:
        yield
    except tf.errors.OpError as error:
        explanation = _explanation(error, device, batch, remains)
        if explanation is None:
            raise
        raise explanation from error


def _explanation(error, device, batch, remains):
    said, message = first_line(error), str(error)
    command = device.own.SHOWS_PROCESSES
    shown_by = ' (%s lists its processes)' % command if command else ''
    raised = re.search(r'UserError: (.*)', message)
    if raised:  # by Python code in the input pipeline
        return UserError(raised.group(1))
    if _OF_RANKS.search(message):
        return UserError('lost the connection to the other ranks (%s): another rank ended%s'
                         % (said, remains()))
    if 'No space left on device' in message:
        return UserError('the disk is full (%s); free some space%s' % (said, remains()))
    if isinstance(error, tf.errors.ResourceExhaustedError) or _OUT_OF_MEMORY.search(message):
        return DeviceError(
            'device %s: out of memory (%s): another process holds its memory%s, or a step is too '
            'large for it; end that process, or lower %s or the image size%s'
            % (device.kind, said, shown_by, batch, remains()))
    if device.own.REFUSED and device.own.REFUSED.search(message):
        return DeviceError(
            'device %s: failed or was lost (%s): most likely another process holds its memory%s, '
            'or its driver does not match; end that process, lower %s, or try '
            '--device=cpu%s' % (device.kind, said, shown_by, batch, remains()))
    if isinstance(error, _LOST):
        return DeviceError('device %s: the session was lost (%s): most likely another rank ended '
                           'or the device was reset%s' % (device.kind, said, remains()))
    if isinstance(error, _INPUT_ERRORS) and 'IteratorGetNext' in message:
        return UserError('cannot read the training data: %s' % said)
    return None


def first_line(error):
    """Returns the message of a TensorFlow error as one line without node names."""
    text = str(getattr(error, 'message', None) or error).strip()
    # TensorFlow 2.x may start with the place where the node was created.
    text = re.sub(r"\A.*?^Node: '[^']*'$", '', text, flags=re.DOTALL | re.MULTILINE).strip() or text
    lines = [line for line in text.split('\n') if line and line != 'Graph execution error:']
    line = re.sub(r'\{\{[^}]*\}\}\s*', '', lines[0] if lines else type(error).__name__)
    # TensorFlow 2.x may start with the stage of the pipeline.
    return re.sub(r'^Error in user-defined function passed to .* with iterator: \S+: ', '', line)
