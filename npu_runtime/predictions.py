"""What holds for predictions of every network."""
import numpy as np

from vo_common.errors import UserError


def require_finite(values, checkpoint, which):
    """Raises a UserError unless all numbers of a prediction are finite.

    Args:
      values: <float>[...], what the network gave.
      checkpoint: its weights, named in the error.
      which: the prediction, in words.
    """
    if not np.isfinite(values).all():
        raise UserError('checkpoint %s: predicts values that are not finite (%s); its training '
                        'diverged or it is damaged (choose an earlier one)' % (checkpoint, which))
