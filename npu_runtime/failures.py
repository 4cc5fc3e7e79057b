"""TensorFlow's errors in words that say what to do."""
import contextlib
import re

import tensorflow.compat.v1 as tf

from common.errors import UserError

_INPUT_ERRORS = (tf.errors.InvalidArgumentError, tf.errors.NotFoundError, tf.errors.DataLossError,
                 tf.errors.UnknownError, tf.errors.InternalError, tf.errors.FailedPreconditionError)


@contextlib.contextmanager
def explained(options):
    """Turns errors of a running session that a user can mend into a UserError.

    Args:
      options: TrainOptions; without `explain_input_error` an input error passes as it is, unless
        the loader raised a UserError itself.
    """
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise UserError('out of memory: %s. Lower --batch_size (now %d) or the image size'
                        % (first_line(error), options.batch_size)) from error
    except tf.errors.OpError as error:
        text = _explanation(error, options.explain_input_error)
        if text is None:
            raise
        raise UserError(text) from error


def _explanation(error, explain_input_error):
    message = str(error)
    if 'orovod' in message or 'HcomAllReduce' in message or 'hccl' in message.lower():
        return ('the exchange with the other ranks broke off (%s): another rank ended. The same '
                'command goes on from the last checkpoint' % first_line(error))
    if not isinstance(error, _INPUT_ERRORS) or 'IteratorGetNext' not in message:
        return None
    raised_by_loader = re.search(r'UserError: (.*)', message)
    if raised_by_loader:
        return raised_by_loader.group(1)
    if explain_input_error is None:
        return None
    return (explain_input_error(error)
            or 'cannot read the training data: %s' % first_line(error))


def first_line(error):
    """What an error of TensorFlow says, in one line without the names of its nodes."""
    text = str(getattr(error, 'message', None) or error).strip()
    lines = [line for line in text.split('\n') if line and line != 'Graph execution error:']
    return re.sub(r'\{\{[^}]*\}\}\s*', '', lines[0] if lines else type(error).__name__)
