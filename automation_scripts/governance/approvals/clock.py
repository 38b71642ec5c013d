"""A clock that does not go back: what has expired stays expired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from automation_scripts.governance.approvals.models import clock as table
from automation_scripts.storage.database import Database
from automation_scripts.storage.times import trusted_time, utc

_STEP = timedelta(seconds=10)  # a write each time would cost a disk flush for each look
_LOCK = 0x6175746F_00000601


@dataclass(frozen=True, slots=True)
class SteadyClock:
    """The given clock, held up by the highest time that any process has written into the database."""

    database: Database
    source: Callable[[], datetime]

    def observe(self) -> datetime:
        """The time to decide by; it is remembered. Not within a transaction: it has its own."""
        with self.database.read() as connection:
            highest = _highest(connection)
        actual = self._actual()
        if highest is None or actual > highest + _STEP:
            self._remember(actual)
        return trusted_time(actual, highest)

    def within(self, connection: Connection) -> datetime:
        """The time to decide by, inside a transaction: read after its locks were granted, which can take a while."""
        highest = _highest(connection)
        return trusted_time(self._actual(), highest)

    def reset(self, connection: Connection) -> datetime:
        """Believe the present clock, after it had once been far ahead."""
        actual = self._actual()
        connection.execute(update(table).values(highest=actual))
        return actual

    def _actual(self) -> datetime:
        return utc(self.source(), "clock")

    def _remember(self, actual: datetime) -> None:
        with self.database.write(lock=_LOCK) as connection:
            highest = _highest(connection)
            if highest is None:
                connection.execute(insert(table).values(id=1, highest=actual))
            elif actual > highest:
                connection.execute(update(table).values(highest=actual))


def _highest(connection: Connection) -> datetime | None:
    return connection.execute(select(table.c.highest)).scalar_one_or_none()
