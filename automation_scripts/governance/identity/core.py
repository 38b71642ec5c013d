"""What all services of the identity store share: the database, a clock that does not go back, and the event hook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select, update

from automation_scripts.governance.identity.models import clock as clock_table
from automation_scripts.governance.identity.records import EventHook, IdentityEvent
from automation_scripts.storage.database import Database
from automation_scripts.storage.times import trusted_time, utc

_LOCKS = 0x6175746F_00000400
CLOCK_LOCK = _LOCKS + 1
ATTEMPTS_LOCK = _LOCKS + 2
BOOTSTRAP_LOCK = _LOCKS + 3
DIRECTORY_LOCK = _LOCKS + 4

_STEP = timedelta(seconds=10)  # a write each time would cost a disk flush for each credential


@dataclass(frozen=True, slots=True)
class Core:
    """Database, clock and event hook."""

    database: Database
    clock: Callable[[], datetime]
    hook: EventHook

    def now(self) -> datetime:
        """The time to decide by, in UTC.

        The highest time seen is kept in the database, so a clock that is set back, here or on another host, does not
        revive what has expired. What was never noticed to expire can live again for `TOLERANCE` and 10 s at most.
        """
        actual = utc(self.clock(), "clock")
        with self.database.read() as connection:
            highest = connection.execute(select(clock_table.c.highest)).scalar_one_or_none()
        if highest is None or actual > highest + _STEP:
            self._remember(actual)
        return trusted_time(actual, highest)

    def _remember(self, actual: datetime) -> None:
        with self.database.write(lock=CLOCK_LOCK) as connection:
            highest = connection.execute(select(clock_table.c.highest)).scalar_one_or_none()
            if highest is None:
                connection.execute(insert(clock_table).values(id=1, highest=actual))
            elif actual > highest:
                connection.execute(update(clock_table).values(highest=actual))

    def reset_clock(self, *, by: str) -> datetime:
        """Believe the present clock, after it had once been far ahead. Whatever expired since then may live again."""
        actual = utc(self.clock(), "clock")
        with self.database.write(lock=CLOCK_LOCK) as connection:
            connection.execute(update(clock_table).values(highest=actual))
        self.report("clock.reset", actual, by, by=by)
        return actual

    def report(self, kind: str, at: datetime, user: str, *, by: str = "", source: str = "", **detail: str) -> None:
        """Tell the hook, after the change is committed. What the hook raises goes to the caller.

        So where the audit cannot be written, nobody is let in; a change of the directory is done all the same, which is why
        its intent is to be audited before it is asked for.
        """
        self.hook(IdentityEvent(kind, at, user, by, source, detail))
