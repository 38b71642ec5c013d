"""'Did you mean': the nearest known word to a mistyped one."""

from __future__ import annotations

from collections.abc import Iterable


def distance(a: str, b: str, limit: int = 3) -> int:
    """Damerau-Levenshtein distance with adjacent transpositions (optimal string alignment), cut off at `limit`."""
    if abs(len(a) - len(b)) >= limit:
        return limit
    before: list[int] = []
    previous = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        current = [i]
        for j, y in enumerate(b, 1):
            cost = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        before, previous = previous, current
    return min(previous[-1], limit)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one known word within distance 2 (1 for words under 5 letters), case aside; None when none or a tie."""
    allowed = 2 if len(word) >= 5 else 1
    ranked = sorted((distance(word.lower(), k.lower()), k) for k in set(known) if k != word)
    if not ranked or ranked[0][0] > allowed:
        return None
    if len(ranked) > 1 and ranked[1][0] == ranked[0][0]:
        return None
    return ranked[0][1]
