"""An explanation is given only if it leaves hardly any error."""
from kitti_eval.hints import best_explanation


def test_the_smallest_error_is_the_explanation_unless_the_gain_is_small():
    assert best_explanation(8.0, [('a', 1.9), ('b', 0.5), ('c', None), ('d', float('nan'))]) == (
        'b', 0.5)
    assert best_explanation(8.0, [('a', 2.1)]) is None
    assert best_explanation(0.0, [('a', 0.0)]) is None
    assert best_explanation(1.0, []) is None
