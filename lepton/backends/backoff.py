"""How long to wait before another try of what failed. Whatever keeps trying calls it."""

import random

_MOST_DOUBLINGS = 10


def pause_s(failures: int, first_s: float, longest_s: float) -> float:
    """Seconds until the next try: twice as many after each failure, and some less, so that not all come at once."""
    longest = min(longest_s, first_s * 2.0 ** min(failures, _MOST_DOUBLINGS))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads, hides nothing
