"""Times, durations and sizes: read from the command line, and written for people."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_UNITS_S = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)([wdhms])", re.ASCII)
_PARTS = re.compile(rf"(?:{_PART.pattern})+", re.ASCII)


def moment(text: str, option: str) -> datetime:
    """A point in time in the past: `2d` or `1h30m` ago, or an ISO date or time (local when it names no zone).

    A number without a unit is refused: 90 could mean days to one person and seconds to the next.

    Raises:
        InvalidParameters: it is no time, or it lies in the future. `option` is what the message calls it.
    """
    from automation_scripts.errors import InvalidParameters

    now = datetime.now(UTC)
    written = text.strip()
    try:
        if _PARTS.fullmatch(written):
            seconds = sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(written))
            return now - timedelta(seconds=seconds)
        point = datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        unit = f" It needs a unit: {written}d, {written}h, …" if written.isdecimal() else ""
        raise InvalidParameters(
            f"{option}: {text!r} is no time.{unit} "
            f"Write how long ago, such as 30m, 1h or 90d, or a date such as {now:%Y-%m-%d} or {now:%Y-%m-%dT%H:%M}."
        ) from None
    if point > now:
        raise InvalidParameters(f"{option}: {text!r} lies in the future. Check the date and its time zone.")
    return point


def local(at: datetime) -> str:
    """The time here, with its zone: `2026-11-24 09:12:06 CET`."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def ago(at: datetime, now: datetime) -> str:
    """How long ago, roughly: `3 h ago`. The clock of another host may be ahead of ours: that is `now`."""
    seconds = (now - at).total_seconds()
    if seconds < 1:
        return "now"
    for unit, name in (("d", "d"), ("h", "h"), ("m", "min"), ("s", "s")):
        if seconds >= 2 * _UNITS_S[unit] or unit == "s":
            return f"{seconds // _UNITS_S[unit]:.0f} {name} ago"
    raise AssertionError("unreachable: every duration has seconds")


def duration(seconds: float | None) -> str:
    """Seconds in the unit that fits; nothing for None."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    for limit, divisor, name, digits in ((120, 1, "s", 2), (7_200, 60, "min", 1), (172_800, 3_600, "h", 1)):
        if seconds < limit:
            return f"{seconds / divisor:.{digits}f} {name}"
    return f"{seconds / 86_400:.1f} d"


def size(count: float | None) -> str:
    """Bytes in the unit that fits; nothing for None."""
    if count is None:
        return ""
    if count < 1024:
        return f"{count:.0f} B"
    for name in ("KiB", "MiB", "GiB"):
        count /= 1024
        if count < 1024:
            return f"{count:.1f} {name}"
    return f"{count / 1024:.1f} TiB"


def counted(count: int, noun: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
