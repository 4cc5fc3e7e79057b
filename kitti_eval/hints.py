"""Finds the known confusion that explains bad figures."""

# An explanation leaves less than this share of the error.
VANISHING = 0.25


def best_explanation(error, candidates, share=VANISHING):
    """The candidate under which an error nearly vanishes.

    Args:
      error: float, 0 or more: the error of what was handed in.
      candidates: list of (explanation, its error); None and NaN explain nothing.
      share: the largest share of `error` that an explanation leaves.

    Returns:
      The (explanation, error) with the least error, or None where no error nearly vanishes.
    """
    explained = [(text, left) for text, left in candidates
                 if left is not None and left < share * error]
    return min(explained, key=lambda each: each[1], default=None)
