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
      options: TrainOptions; `explain_input_error` names the broken file where it can.
    """
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise UserError('out of memory: %s. Lower --batch_size (now %d) or the image size'
                        % (_first_line(error), options.batch_size)) from error
    except tf.errors.OpError as error:
        text = _explanation(error, options.explain_input_error)
        if text is None:
            raise
        raise UserError(text) from error


def _explanation(error, explain_input_error):
    message = str(error)
    if 'orovod' in message or 'HcomAllReduce' in message or 'hccl' in message.lower():
        return ('the exchange with the other ranks broke off (%s): another rank ended. The same '
                'command goes on from the last checkpoint' % _first_line(error))
    if not isinstance(error, _INPUT_ERRORS) or 'IteratorGetNext' not in message:
        return None
    named = explain_input_error(error) if explain_input_error else None
    raised_by_loader = re.search(r'UserError: (.*)', message)
    return named or (raised_by_loader and raised_by_loader.group(1)) or (
        'cannot read the training data: %s' % _first_line(error))


def _first_line(error):
    text = (getattr(error, 'message', None) or str(error)).strip().split('\n')[0]
    return re.sub(r'\{\{[^}]*\}\}\s*', '', text)
