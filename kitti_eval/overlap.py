"""How much of a prediction and of its truth was evaluated."""
from vo_common.errors import UserError

LEAST_SHARE = 0.5  # smallest fraction of common frames, images or snippets for an evaluation


def describe(common, num_gt, num_pred, what):
    """Describes the number of scored frames or snippets."""
    if common == num_gt == num_pred:
        return '%d %s' % (common, what)
    return '%d common %s (%d in the truth, %d in the prediction)' % (common, what, num_gt, num_pred)


def require(common, num_gt, num_pred, what, names):
    """Raises a UserError unless `common` is at least half of both counts of `what`."""
    if common < LEAST_SHARE * max(num_gt, num_pred):
        raise UserError('%s and %s share %d %s of %d and %d: must be at least half of each' % (
            names + (common, what, num_gt, num_pred)))
