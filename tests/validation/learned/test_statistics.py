"""The bounds: known values, and the order that they must keep."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation_scripts.validation.learned.statistics import (
    LEAST_PLACES,
    chance,
    discovered,
    is_rule,
    wilson_lower,
)


@pytest.mark.parametrize(
    ("kept", "of", "bound"),
    # From the closed form of the interval (Wilson, 1927) with z = 1.959964.
    [(47, 48, 0.8910), (50, 100, 0.4038), (10, 10, 0.7225), (0, 0, 0.0), (0, 10, 0.0)],
)
def test_known_bounds(kept: int, of: int, bound: float) -> None:
    assert wilson_lower(kept, of) == pytest.approx(bound, abs=1e-4)


def test_one_exception_needs_34_places() -> None:
    assert LEAST_PLACES == 34
    assert is_rule(33, 34)
    assert not is_rule(32, 33)
    assert not is_rule(94, 100)


@pytest.mark.parametrize(("kept", "of", "expected"), [(10, 10, 0.85**10), (9, 10, 10 * 0.85**9 * 0.15 + 0.85**10)])
def test_chance_is_the_tail_of_a_binomial(kept: int, of: int, expected: float) -> None:
    assert chance(kept, of) == pytest.approx(expected)


@settings(deadline=None)
@given(st.integers(1, 5000), st.integers(0, 60))
def test_more_agreement_is_never_more_likely_by_chance(of: int, exceptions: int) -> None:
    kept = max(of - exceptions, 1)
    assert 0 <= chance(kept, of) <= 1
    assert chance(kept, of) <= chance(kept - 1, of) + 1e-12
    assert wilson_lower(kept - 1, of) <= wilson_lower(kept, of) <= kept / of


def test_the_false_discovery_rate_is_bounded() -> None:
    assert discovered([]) == 0.0
    assert discovered([0.2, 0.5]) == 0.0
    assert discovered([0.001, 0.2, 0.5]) == 0.001
    # The second one alone is above 0.05 / 4, but not above 2 * 0.05 / 4.
    assert discovered([0.001, 0.02, 0.5, 0.9]) == 0.02
