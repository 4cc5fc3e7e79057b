"""When a run cannot go on: losses that are not finite, and overflows without end."""
import math

from vo_common.errors import UserError

_MOST_OVERFLOWS = 50


class FiniteGuard:
    """Looks at every step's numbers, before any checkpoint is written of them.

    Args:
      ranks: of `devices.ranks.connect`.
      remains: function that says what the run leaves, to end an error with.
    """

    def __init__(self, ranks, remains):
        self._where = ' on rank %d of %d' % (ranks.rank, ranks.size) if ranks.size > 1 else ''
        self._remains = remains
        self._overflowed_steps, self._loss_scale = 0, math.inf

    def require_finite(self, result):
        """Raises a UserError at a loss that is not finite, or where overflows do not end."""
        if result.skipped:
            # The loss may be that of a skipped step, which changes nothing.
            self._count_overflow(result)
            return
        self._overflowed_steps = 0
        if math.isfinite(result.values['total']):
            return
        own = _not_finite(result.own_values)
        where = self._where if own else ' on another rank'
        raise UserError('step %d: loss is not finite%s in %s; stopped, no checkpoint of it is '
                        'written. Lower --learning_rate, or look for a broken example%s'
                        % (result.step, where, ', '.join(own or _not_finite(result.values)),
                           self._remains()))

    def _count_overflow(self, result):
        """Counts steps whose overflow leaves the loss scale as it is: fixed, or at its lowest."""
        scale = result.values['loss_scale']
        is_stuck = not result.advanced and scale >= self._loss_scale
        self._overflowed_steps = self._overflowed_steps + result.skipped if is_stuck else 0
        self._loss_scale = scale
        if self._overflowed_steps > _MOST_OVERFLOWS:
            raise UserError('%d steps in a row overflowed after step %d, loss scale %g: the '
                            'gradients are not finite; lower --learning_rate, or compare with '
                            '--precision_mode=force_fp32'
                            % (self._overflowed_steps, result.step, scale))


def _not_finite(values):
    """The terms that are not finite, with their values; `total` only when no term is guilty."""
    terms = ['%s (%s)' % item for item in values.items() if not math.isfinite(item[1])]
    return [term for term in terms if not term.startswith('total')] or terms
