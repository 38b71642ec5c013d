"""Limits on guessing: failures are counted for each user and each source, in the database, for all processes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from automation_scripts.governance.identity.core import ATTEMPTS_LOCK, Core
from automation_scripts.governance.identity.models import attempts as table
from automation_scripts.governance.identity.refusal import locked
from automation_scripts.storage.encoding import clean_text

_FORGET = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many failures are borne. Times in seconds."""

    failures: int = 5
    """So many failures lock."""
    window_s: float = 900.0
    """After so long without a failure they are forgotten."""
    lock_s: float = 900.0
    """The first lock; each further one is twice as long, until a success."""
    longest_lock_s: float = 16 * 3600.0
    free: int = 2
    """So many failures cost no delay; after that 1 s, 2 s, 4 s …"""


USER_LIMITS = Limits()
SOURCE_LIMITS = Limits(failures=30, longest_lock_s=900.0, free=10)
"""Many people may share a source, such as an office behind one address."""


@dataclass(frozen=True, slots=True)
class State:
    """What is known of one key."""

    failures: int
    locks: int
    last_at: datetime
    blocked_until: datetime | None = None


def blocked_until(state: State | None, now: datetime) -> datetime | None:
    """When the next attempt is allowed; None: now."""
    if state is None or state.blocked_until is None or state.blocked_until <= now:
        return None
    return state.blocked_until


def after_failure(state: State | None, now: datetime, limits: Limits) -> State:
    """The state after one more failure."""
    if state is None or now - state.last_at > _FORGET:
        state = State(0, 0, now)
    elif now - state.last_at > timedelta(seconds=limits.window_s):
        state = replace(state, failures=0)
    failures = state.failures + 1
    if failures >= limits.failures:
        wait_s = min(limits.lock_s * 2 ** min(state.locks, 20), limits.longest_lock_s)
        return State(0, state.locks + 1, now, now + timedelta(seconds=wait_s))
    delay_s = 2.0 ** min(failures - limits.free - 1, 20) if failures > limits.free else 0.0
    return State(failures, state.locks, now, now + timedelta(seconds=delay_s) if delay_s else None)


@dataclass(frozen=True, slots=True)
class Key:
    """What is counted: an account's password, an account's second factor, or a source."""

    text: str
    limits: Limits
    personal: bool = True


@dataclass(frozen=True, slots=True)
class Charge:
    """An attempt that was counted as a failure before it was tried: what it changed, so that a success takes it back."""

    before: tuple[tuple[Key, State | None], ...]
    after: tuple[State, ...]

    @property
    def locks(self) -> bool:
        """True when, unless it succeeds, this attempt locks an account or a source."""
        return any(
            new.locks > (old.locks if old else 0) for (_key, old), new in zip(self.before, self.after, strict=True)
        )


class Attempts:
    """The counters. An attempt is charged first and refunded when it succeeds.

    So of many guesses that are made at the same moment no more are tried than the limit allows, and one whose process dies
    has counted.
    """

    def __init__(self, core: Core, user_limits: Limits = USER_LIMITS, source_limits: Limits = SOURCE_LIMITS) -> None:
        self._core = core
        self._user_limits = user_limits
        self._source_limits = source_limits

    def begin(self, what: str, user: str | None, source: str, now: datetime) -> Charge:
        """Count an attempt. Raises CredentialRefused (`locked`) when it has to wait; nothing is counted then.

        Args:
            what: `password` or `factor`: they are counted apart.
            user: the claimed name, known or not; None when it is no name at all.
            source: where the attempt comes from; empty is not counted.
        """
        keys = self._keys(what, user, source)
        with self._core.database.write(lock=ATTEMPTS_LOCK) as connection:
            connection.execute(delete(table).where(table.c.last_at < now - 2 * _FORGET))
            before = tuple((key, _load(connection, key.text)) for key in keys)
            waits = [until for _key, state in before if (until := blocked_until(state, now)) is not None]
            if waits:
                raise locked(max(waits))
            after = tuple(after_failure(state, now, key.limits) for key, state in before)
            for (key, old), new in zip(before, after, strict=True):
                _save(connection, key.text, new, exists=old is not None)
        return Charge(before, after)

    def succeeded(self, charge: Charge) -> None:
        """Forget the failures of the user, and take this one back from the source.

        The source's others stay: else an attacker with an account of his own could clear them at will.
        """
        with self._core.database.write(lock=ATTEMPTS_LOCK) as connection:
            for (key, before), after in zip(charge.before, charge.after, strict=True):
                if key.personal:
                    connection.execute(delete(table).where(table.c.key == key.text))
                else:
                    _refund(connection, key.text, before, after)

    def unlock(self, user: str) -> None:
        """Forget all failures of this user."""
        keys = [f"{what}:{user}" for what in ("password", "factor")]
        with self._core.database.write(lock=ATTEMPTS_LOCK) as connection:
            connection.execute(delete(table).where(table.c.key.in_(keys)))

    def blocked_until(self, user: str, now: datetime) -> datetime | None:
        """Until when this user cannot log in because of failures; None: not blocked."""
        with self._core.database.read() as connection:
            found = [blocked_until(_load(connection, f"{what}:{user}"), now) for what in ("password", "factor")]
        return max((until for until in found if until is not None), default=None)

    def _keys(self, what: str, user: str | None, source: str) -> Sequence[Key]:
        keys = []
        if user is not None:
            keys.append(Key(f"{what}:{user}", self._user_limits))
        if source:
            keys.append(Key(f"source:{clean_text(source[:200])}", self._source_limits, personal=False))
        return keys


def _load(connection: Connection, key: str) -> State | None:
    columns = (table.c.failures, table.c.locks, table.c.last_at, table.c.blocked_until)
    row = connection.execute(select(*columns).where(table.c.key == key)).one_or_none()
    return State(**row._mapping) if row is not None else None


def _save(connection: Connection, key: str, state: State, *, exists: bool) -> None:
    values = {
        "failures": state.failures,
        "locks": state.locks,
        "last_at": state.last_at,
        "blocked_until": state.blocked_until,
    }
    if exists:
        connection.execute(update(table).where(table.c.key == key).values(**values))
    else:
        connection.execute(insert(table).values(key=key, **values))


def _refund(connection: Connection, key: str, before: State | None, after: State) -> None:
    present = _load(connection, key)
    if present is None:
        return
    if present == after:  # nobody else failed meanwhile
        restored = before or replace(after, failures=0, locks=0, blocked_until=None)
    else:
        restored = replace(present, failures=max(present.failures - 1, 0))
    _save(connection, key, restored, exists=True)
