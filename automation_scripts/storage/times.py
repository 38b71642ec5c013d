"""The one way to tell the time: UTC, aware."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

TOLERANCE = timedelta(seconds=60)
"""How far the clocks of hosts may differ, and how far a clock may be set back unnoticed."""


def now() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)


def utc(value: datetime, what: str = "time") -> datetime:
    """`value` in UTC. Raises ValueError for a time without a zone: nobody could tell what it means."""
    if value.tzinfo is None:
        raise ValueError(f"{what} {value.isoformat()} has no time zone; use datetime.now(UTC)")
    return value.astimezone(UTC)


def trusted_time(actual: datetime, highest: datetime | None) -> datetime:
    """The time to decide by: never more than `TOLERANCE` before the highest time seen."""
    return actual if highest is None else max(actual, highest - TOLERANCE)
