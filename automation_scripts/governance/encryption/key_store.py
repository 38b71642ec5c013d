"""The table of wrapped data keys: which one seals now, which KEK each hangs on, and which were destroyed."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Connection, delete, event, exc, func, insert, literal, select, update

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.encryption.envelopes import MOST_MESSAGES
from automation_scripts.governance.encryption.models import data_keys, retired_keks, shredded_keys, shreddings
from automation_scripts.governance.encryption.providers import WrappedKey
from automation_scripts.governance.encryption.schema import SCHEMA, SUBJECT
from automation_scripts.governance.encryption.unreadable import Shredded
from automation_scripts.storage.database import Database

_LOCK = 0x6175746F_00000500  # beside those of `storage.schema`
_BATCH = 500


class KekRetired(ConfigurationError):
    """No data key may be wrapped under this KEK any more."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A wrapped data key. `owner` is the pseudonym of a data subject, or empty."""

    id: str
    owner: str
    created_at: datetime
    wrapped: WrappedKey = field(repr=False)

    @property
    def binding(self) -> dict[str, str]:
        """What it is wrapped with, so that rows cannot be exchanged for one another."""
        return {"data_key": self.id, "owner": self.owner}


@dataclass(frozen=True, slots=True)
class Shredding:
    """The record of an erasure: what is left when the keys are gone."""

    id: str
    owner: str
    """The pseudonym of the data subject."""
    at: datetime
    by: str
    reason: str
    keys: int
    """How many keys were destroyed; 0 when nothing was sealed for the subject."""
    remains: str = ""
    """Where copies of the keys may still be just after it, and what to do; not stored."""


class KeyStore:
    """Data keys behind a URL. Raises ConfigurationError when the database cannot be used."""

    def __init__(self, url: str, *, busy_timeout_s: float = 10.0) -> None:
        self.database = Database(url, SUBJECT, busy_timeout_s=busy_timeout_s, durable=True)
        if self.database.is_sqlite:
            event.listen(self.database.engine, "connect", _overwrite_deleted)
        SCHEMA.ensure(self.database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the pooled connections."""
        self.database.dispose()

    def find(self, key_id: str) -> StoredKey | Shredded | None:
        """The wrapped key, what became of it, or None when it was never here."""
        with self.database.read() as connection:
            row = connection.execute(select(data_keys).where(data_keys.c.id == key_id)).one_or_none()
            if row is not None:
                return _stored(row)
            gone = connection.execute(
                select(shreddings.c.id, shreddings.c.at)
                .join(shredded_keys, shredded_keys.c.shredding_id == shreddings.c.id)
                .where(shredded_keys.c.key_id == key_id)
            ).one_or_none()
        return Shredded(gone.id, gone.at) if gone else None

    def exists(self, key_id: str) -> bool:
        """Whether the key has not been destroyed."""
        with self.database.read() as connection:
            found = connection.execute(select(literal(1)).where(data_keys.c.id == key_id)).first()
        return found is not None

    def reserve(
        self, owner: str, kek_id: str, made_after: datetime, made_before: datetime, messages: int
    ) -> StoredKey | None:
        """The owner's newest key of that period and KEK, with room for so many messages, which are counted."""
        newest = (
            select(data_keys)
            .where(
                data_keys.c.owner == owner,
                data_keys.c.kek_id == kek_id,
                data_keys.c.created_at > made_after,
                data_keys.c.created_at <= made_before,
                data_keys.c.messages <= MOST_MESSAGES - messages,
            )
            .order_by(data_keys.c.created_at.desc(), data_keys.c.id)
            .limit(1)
        )
        with self.database.write(_LOCK) as connection:
            row = connection.execute(newest).one_or_none()
            if row is None:
                return None
            connection.execute(
                update(data_keys).where(data_keys.c.id == row.id).values(messages=data_keys.c.messages + messages)
            )
        return _stored(row)

    def add(self, key: StoredKey, messages: int = 0) -> bool:
        """Store a new key, with so many messages counted. False when one of that id is there.

        Raises KekRetired when its KEK was retired meanwhile.
        """
        try:
            with self.database.write(_LOCK) as connection:
                _refuse_retired(connection, key.wrapped.kek_id)
                connection.execute(
                    insert(data_keys).values(
                        id=key.id,
                        owner=key.owner,
                        created_at=key.created_at,
                        kek_id=key.wrapped.kek_id,
                        wrapped=key.wrapped.blob,
                        messages=messages,
                    )
                )
        except exc.IntegrityError:
            return False
        return True

    def not_under(self, kek_id: str) -> Iterator[StoredKey]:
        """All keys that hang on another KEK, read in batches."""
        last = ""
        while True:
            batch = (
                select(data_keys)
                .where(data_keys.c.kek_id != kek_id, data_keys.c.id > last)
                .order_by(data_keys.c.id)
                .limit(_BATCH)
            )
            with self.database.read() as connection:
                rows = connection.execute(batch).all()
            yield from map(_stored, rows)
            if len(rows) < _BATCH:
                return
            last = rows[-1].id

    def rewrapped(self, changes: list[tuple[StoredKey, WrappedKey]]) -> int:
        """Replace the wrapping of keys that have not been changed or destroyed meanwhile. Returns how many."""
        done = 0
        with self.database.write(_LOCK) as connection:
            for key, wrapped in changes:
                _refuse_retired(connection, wrapped.kek_id)
                done += connection.execute(
                    update(data_keys)
                    .where(data_keys.c.id == key.id, data_keys.c.kek_id == key.wrapped.kek_id)
                    .values(kek_id=wrapped.kek_id, wrapped=wrapped.blob)
                ).rowcount
        return done

    def keys_by_kek(self) -> dict[str, int]:
        """How many data keys hang on each KEK."""
        count = select(data_keys.c.kek_id, func.count()).group_by(data_keys.c.kek_id)
        with self.database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(count)}

    def retire(self, kek_id: str, at: datetime) -> None:
        """Let no data key be wrapped under this KEK any more. Raises ConfigurationError while one is."""
        with self.database.write(_LOCK) as connection:
            left = connection.execute(
                select(func.count()).select_from(data_keys).where(data_keys.c.kek_id == kek_id)
            ).scalar_one()
            if left:
                raise ConfigurationError(
                    f"{left} data keys hang on {kek_id}: without it what they seal could not be read. Rewrap them first."
                )
            if not _is_retired(connection, kek_id):
                connection.execute(insert(retired_keks).values(kek_id=kek_id, retired_at=at))

    def shred(self, owner: str, at: datetime, by: str, reason: str) -> Shredding:
        """Destroy the owner's keys and write down that it was done, in one transaction."""
        with self.database.write(_LOCK) as connection:
            ids = list(connection.execute(select(data_keys.c.id).where(data_keys.c.owner == owner)).scalars())
            done = Shredding(secrets.token_hex(8), owner, at, by, reason, len(ids))
            connection.execute(
                insert(shreddings).values(id=done.id, owner=owner, at=at, by=by, reason=reason, keys=done.keys)
            )
            if ids:
                connection.execute(
                    insert(shredded_keys), [{"key_id": key_id, "shredding_id": done.id} for key_id in ids]
                )
                connection.execute(delete(data_keys).where(data_keys.c.owner == owner))
        return done

    def wipe_log(self) -> str:
        """Take what was deleted out of SQLite's write-ahead log too. Returns where copies may still be.

        Waits up to the busy time for readers. The blocks of the shortened log go back to the file system as they are.
        """
        if not self.database.is_sqlite:
            return (
                "PostgreSQL keeps deleted rows until `VACUUM data_keys`, in its write-ahead log until that is recycled, and in "
                "replicas and backups."
            )
        with self.database.explained():
            raw = self.database.engine.raw_connection()
            try:
                busy = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                raw.close()
        if busy:
            return f"A reader still needs {self.database.place}-wal: wipe it again when that has ended."
        return ""

    def shreddings(self, owner: str | None = None) -> list[Shredding]:
        """The records of erasures, newest first; those of one pseudonym when given."""
        query = select(shreddings).order_by(shreddings.c.at.desc(), shreddings.c.id)
        if owner is not None:
            query = query.where(shreddings.c.owner == owner)
        with self.database.read() as connection:
            return [Shredding(**row) for row in connection.execute(query).mappings()]


def _overwrite_deleted(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA secure_delete=ON")


def _stored(row: Any) -> StoredKey:
    return StoredKey(row.id, row.owner, row.created_at, WrappedKey(row.kek_id, bytes(row.wrapped)))


def _is_retired(connection: Connection, kek_id: str) -> bool:
    found = connection.execute(select(literal(1)).where(retired_keks.c.kek_id == kek_id)).first()
    return found is not None


def _refuse_retired(connection: Connection, kek_id: str) -> None:
    if _is_retired(connection, kek_id):
        raise KekRetired(
            f"The key-encryption key {kek_id} was retired, but it is the current one again. Make a new one (rotate)."
        )
