"""Times, durations and sizes, as they are typed and as they are shown."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.cli.quantities import ago, counted, duration, local, moment, size
from automation_scripts.errors import InvalidParameters

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)


@pytest.fixture
def in_kolkata(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "past"),
    [
        ("1h", timedelta(hours=1)),
        (" 2d ", timedelta(days=2)),
        ("1h30m", timedelta(minutes=90)),
        ("1.5h", timedelta(minutes=90)),
        ("2w", timedelta(weeks=2)),
        ("730d", timedelta(days=730)),
        ("0s", timedelta()),
    ],
)
def test_a_moment_ago(text: str, past: timedelta) -> None:
    before = datetime.now(UTC)
    point = moment(text, "--since")
    assert before - past <= point <= datetime.now(UTC) - past


@pytest.mark.usefixtures("in_kolkata")
def test_a_date_is_local_unless_it_names_its_zone() -> None:
    assert moment("2026-01-02", "--since") == datetime(2026, 1, 1, 18, 30, tzinfo=UTC)
    assert moment("2026-01-02T06:00", "--since") == datetime(2026, 1, 2, 0, 30, tzinfo=UTC)
    assert moment("2026-01-02T06:00Z", "--since") == datetime(2026, 1, 2, 6, tzinfo=UTC)
    assert moment("2026-01-02 06:00+02:00", "--since") == datetime(2026, 1, 2, 4, tzinfo=UTC)
    assert local(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02 05:30:00 IST"


@pytest.mark.parametrize(
    "text", ["", "now", "-1h", "1 h", "1y", "1h30", "h", "2026-13-01", "24.11.2026", "١h", "999999999w", "0001-01-01"]
)
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    if text == "0001-01-01":  # at the edge of what a date can be; whether it is one depends on the zone
        text = "0000-01-01"
    with pytest.raises(InvalidParameters, match=r"--older-than: .* is no time\..* such as 30m"):
        moment(text, "--older-than")


@pytest.mark.parametrize("text", ["90", "1", "3600"])
def test_a_number_without_a_unit_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameters, match=f"needs a unit: {text}d"):
        moment(text, "--older-than")


def test_the_future_is_refused() -> None:
    for text in ("9999-12-31", (datetime.now(UTC) + timedelta(hours=1)).isoformat()):
        with pytest.raises(InvalidParameters, match="future"):
            moment(text, "--older-than")


@given(st.text(max_size=12))
def test_any_text_is_a_past_time_or_refused(text: str) -> None:
    try:
        assert moment(text, "--since") <= datetime.now(UTC)
    except InvalidParameters as refusal:
        assert "--since" in str(refusal)


@pytest.mark.parametrize(
    ("past", "text"),
    [
        (timedelta(seconds=-5), "now"),
        (timedelta(), "now"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(seconds=119), "119 s ago"),
        (timedelta(minutes=2), "2 min ago"),
        (timedelta(minutes=119, seconds=59), "119 min ago"),
        (timedelta(hours=47, minutes=59), "47 h ago"),
        (timedelta(days=400), "400 d ago"),
    ],
)
def test_how_long_ago(past: timedelta, text: str) -> None:
    assert ago(NOW - past, NOW) == text


def test_durations_and_sizes_have_the_unit_that_fits() -> None:
    seconds = (None, 0.0, 0.0125, 1.0, 119.0, 120.0, 7199.0, 7200.0, 172_800.0)
    assert [duration(s) for s in seconds] == [
        *("", "0 ms", "12 ms", "1.00 s", "119.00 s", "2.0 min", "120.0 min", "2.0 h", "2.0 d")
    ]
    counts = (None, 0, 1023, 1024, 5 * 2**20, 3 * 2**30, 2**40, 2**52)
    assert [size(c) for c in counts] == [
        *("", "0 B", "1023 B", "1.0 KiB", "5.0 MiB", "3.0 GiB", "1.0 TiB", "4096.0 TiB")
    ]
    assert [counted(n, "run") for n in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]
