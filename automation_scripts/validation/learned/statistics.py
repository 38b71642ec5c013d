"""How sure a rule is that was only seen: Wilson's interval, binomial tails, and the false discovery rate."""

from __future__ import annotations

import math
from collections.abc import Sequence

LEAST_CONFIDENCE = 0.95
"""The part of all comparable places that must keep a rule."""
LEAST_BOUND = 0.85
"""What the lower end of Wilson's interval must reach: with one exception, 34 places are needed."""
_Z = 1.959963984540054
_MOST_EXCEPTIONS = 64


def wilson_lower(kept: int, of: int) -> float:
    """The lower end of Wilson's 95 % interval for `kept` of `of`; 0 for none."""
    if of <= 0:
        return 0.0
    share, square = kept / of, _Z * _Z
    middle = share + square / (2 * of)
    spread = _Z * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    return (middle - spread) / (1 + square / of)


def is_rule(kept: int, of: int) -> bool:
    """True when so many of so many are evidence enough."""
    return of > 0 and kept >= LEAST_CONFIDENCE * of and wilson_lower(kept, of) >= LEAST_BOUND


def chance(kept: int, of: int, base: float = LEAST_BOUND) -> float:
    """The probability that `kept` or more of `of` agree although each does so only with probability `base`.

    1.0 when there are more exceptions than a rule of this package can have.
    """
    if of <= 0 or of - kept > _MOST_EXCEPTIONS:
        return 1.0
    base = min(max(base, 1e-9), 1 - 1e-9)
    agree, differ = math.log(base), math.log1p(-base)
    total = 0.0
    for exceptions in range(of - kept + 1):
        ways = math.lgamma(of + 1) - math.lgamma(exceptions + 1) - math.lgamma(of - exceptions + 1)
        total += math.exp(ways + exceptions * differ + (of - exceptions) * agree)
    return min(total, 1.0)


def discovered(chances: Sequence[float], rate: float = 0.05) -> float:
    """The largest chance that still counts when the false discovery rate is bounded (Benjamini and Hochberg, 1995).

    Args:
        chances: the chances of all tests that were made, those of rules without an exception included.
        rate: the part of what is told that may be told by chance.

    Returns:
        The threshold: what has this chance or less counts; 0.0 when nothing does.
    """
    threshold = 0.0
    for rank, value in enumerate(sorted(chances), 1):
        if value <= rate * rank / len(chances):
            threshold = value
    return threshold


def _least_places() -> int:
    of = 1
    while not is_rule(of - 1, of):
        of += 1
    return of


LEAST_PLACES = _least_places()
"""With fewer comparable places no exception can be told: a rule with one exception is never sure enough."""
