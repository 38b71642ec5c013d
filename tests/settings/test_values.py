"""The typed values: what they mean, exactly, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.settings.values import (
    LONGEST_S,
    BaselineMultiple,
    parse_baseline_multiple,
    parse_duration,
    parse_fraction,
)

UNITS_S = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
ANYTHING = st.one_of(
    st.text(), st.integers(), st.floats(), st.booleans(), st.none(), st.lists(st.integers()), st.binary()
)


@pytest.mark.parametrize(
    ("written", "fraction"),
    [
        ("5%", 0.05),
        ("7%", 0.07),
        ("0.1%", 0.001),
        ("100%", 1.0),
        ("0%", 0.0),
        (" 12.5 % ", 0.125),
        (0.05, 0.05),
        (0, 0.0),
    ],
)
def test_fractions(written: Any, fraction: float) -> None:
    assert parse_fraction(written) == fraction


@pytest.mark.parametrize(
    "written", [1, 5, True, "5", "0.05", "101%", "-1%", "%", "5%%", "٥%", 1.5, -0.1, float("nan"), None, [5]]
)
def test_what_is_no_fraction(written: Any) -> None:
    with pytest.raises(ValueError):
        parse_fraction(written)


@given(st.integers(0, 100_000))
def test_a_percentage_is_the_nearest_float_to_its_hundredth(thousandths: int) -> None:
    assert parse_fraction(f"{thousandths // 1000}.{thousandths % 1000:03d}%") == thousandths / 100_000


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1h", 3600.0),
        ("1h30m", 5400.0),
        ("90s", 90.0),
        ("250ms", 0.25),
        ("2d", 172800.0),
        ("1w", 604800.0),
        ("1.5h", 5400.0),
        ("5m", 300.0),
        ("5m1ms", 300.001),
        ("7200", 7200.0),
        ("1", 1.0),
        (" 90 ", 90.0),
        (3600, 3600.0),
        (0.5, 0.5),
        ("366d", LONGEST_S),
    ],
)
def test_durations(written: Any, seconds: float) -> None:
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    "written",
    [
        "", " ", "h", "1x", "1H", "-1h", "+1h", "30m1h", "1h1h", "1 h", "1h 30m", "0", "0s", "367d", "1:30",
        "1e3", "inf", "nan", "٣h", 0, -1, 10**400, float("inf"), float("nan"), True, None, [60], {"h": 1},
    ],
)  # fmt: skip
def test_what_is_no_duration(written: Any) -> None:
    with pytest.raises(ValueError):
        parse_duration(written)


@given(st.dictionaries(st.sampled_from(list(UNITS_S)), st.integers(1, 20), min_size=1))
def test_a_duration_is_the_sum_of_its_parts(parts: dict[str, int]) -> None:
    text = "".join(f"{parts[unit]}{unit}" for unit in UNITS_S if unit in parts)
    assert parse_duration(text) == sum(number * UNITS_S[unit] for unit, number in parts.items())


@given(st.floats(0.001, LONGEST_S), st.integers(1, int(LONGEST_S)))
def test_plain_numbers_are_seconds(fractional: float, whole: int) -> None:
    assert parse_duration(fractional) == fractional
    assert parse_duration(whole) == parse_duration(str(whole)) == parse_duration(f"{whole}s") == whole


@pytest.mark.parametrize(("written", "factor"), [("2x_baseline", 2.0), ("1.5x_baseline", 1.5), (" 3x_baseline ", 3.0)])
def test_multiples_of_the_baseline(written: str, factor: float) -> None:
    multiple = parse_baseline_multiple(written)
    assert multiple == BaselineMultiple(factor)
    assert multiple.of(10.0) == 10.0 * factor


@pytest.mark.parametrize(
    "written",
    [2, 2.0, "2x", "2", "x_baseline", "0x_baseline", "1x_baseline", "-2x_baseline", "1001x_baseline", None],
)
def test_what_is_no_multiple(written: Any) -> None:
    with pytest.raises(ValueError):
        parse_baseline_multiple(written)


@given(st.integers(11, 10_000).map(lambda tenths: tenths / 10))
def test_a_multiple_reads_back_what_it_prints(factor: float) -> None:
    assert parse_baseline_multiple(str(BaselineMultiple(factor))) == BaselineMultiple(factor)


@given(ANYTHING)
def test_anything_else_is_a_value_error_and_nothing_worse(written: Any) -> None:
    for parse in (parse_fraction, parse_duration, parse_baseline_multiple):
        try:
            parsed = parse(written)
        except ValueError:
            continue
        if parse is parse_fraction:
            assert 0 <= parsed <= 1  # type: ignore[operator]
        elif parse is parse_duration:
            assert 0 < parsed <= LONGEST_S  # type: ignore[operator]
