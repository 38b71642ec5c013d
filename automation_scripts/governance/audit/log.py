"""The audit log: append, checkpoint, change of key, status. Fail closed: what cannot be written raises."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import Connection, exc

from automation_scripts.errors import AuditUnavailable
from automation_scripts.governance.audit import ledger
from automation_scripts.governance.audit.anchors import Anchor
from automation_scripts.governance.audit.keys import AuditKeys, SigningKey
from automation_scripts.governance.audit.ledger import Tip
from automation_scripts.governance.audit.notes import Checkpoint, parse_checkpoint, write_checkpoint
from automation_scripts.governance.audit.publishing import AnchorStatus, Publisher
from automation_scripts.governance.audit.records import (
    VERSION,
    Appended,
    AuditRecord,
    Prepared,
    Seal,
    prepare,
    to_text,
)
from automation_scripts.governance.audit.schema import AUDIT_LOG, SCHEMA
from automation_scripts.governance.audit.trust import judge
from automation_scripts.storage.database import Database
from automation_scripts.storage.times import now, utc

KEY_CHANGE = "audit.key_change"


@dataclass(frozen=True, slots=True)
class LogStatus:
    """Where the log stands."""

    size: int
    root: str
    """Of the stored tree, as hexadecimal."""
    last_time: datetime | None
    checkpoint_size: int
    """Entries that the newest kept checkpoint covers."""
    origin: str
    """The name of the log in its checkpoints; empty without a signing key."""
    anchors: list[AnchorStatus]


class _Ticket:
    """The records of one call, on their way into a transaction."""

    __slots__ = ("done", "error", "prepared")

    def __init__(self, prepared: list[Prepared]) -> None:
        self.prepared = prepared
        self.done: list[Appended] | None = None
        self.error: BaseException | None = None


class AuditLog:
    """The audit log behind a URL: `sqlite:////path/audit.db` or `postgresql://user@host/database`.

    A record is on the disk, in the tree and under a new signed head when `append` returns. Threads that append at the
    same time share a transaction, processes take turns. Every method raises AuditUnavailable when it cannot do its
    work. Use one object a process: like a lock, it must not be shared across a fork.

    Args:
        url: where it lies; created or upgraded when need be.
        signer: the signing keys; without them the log can only be read and verified.
        anchors: where checkpoints are published; see `anchors`.
        clock: tells the time.
        seal: replaces the `details` by what is stored, for example with personal data encrypted.
        checkpoint_every: entries from one kept and published checkpoint to the next.
        busy_timeout_s: how long to wait for other processes, in seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        signer: AuditKeys | None = None,
        anchors: Sequence[Anchor] = (),
        clock: Callable[[], datetime] = now,
        seal: Seal | None = None,
        checkpoint_every: int = 256,
        busy_timeout_s: float = 10.0,
    ) -> None:
        self.database = Database(url, AUDIT_LOG, busy_timeout_s=busy_timeout_s, durable=True)
        self.signer = signer
        self.anchors = tuple(anchors)
        self.publisher = Publisher(self.database, anchors)
        self.checkpoint_every = checkpoint_every
        self._clock = clock
        self._seal = seal
        self._waiting: list[_Ticket] = []
        self._queue = threading.Lock()
        self._turn = threading.Lock()
        self._own_head: str | None = None
        self._largest = 0  # a log that shrinks while we use it was replaced
        SCHEMA.ensure(self.database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the pooled connections; the log opens new ones when it is used again."""
        self.database.dispose()

    def append(self, record: AuditRecord) -> Appended:
        """Write one record durably. Raises AuditUnavailable; then nothing may be done that it was to record."""
        return self.append_many([record])[0]

    def append_many(self, records: Sequence[AuditRecord]) -> list[Appended]:
        """Write records in one transaction, all or none, in this order."""
        ticket = _Ticket([prepare(record, self._seal) for record in records])
        if not ticket.prepared:
            return []
        self._writable()
        self.publisher.require()
        with self._queue:
            self._waiting.append(ticket)
        kept = False
        with self._turn:
            if ticket.done is None and ticket.error is None:
                kept = self._commit_waiting()
        if ticket.done is None:
            message = str(ticket.error or "") or "The write to the audit log was interrupted."
            raise AuditUnavailable(message) from ticket.error
        if kept:
            self.publisher.publish()
        return ticket.done

    def checkpoint(self) -> str:
        """Keep a checkpoint over all entries and publish it to all anchors; returns the signed note."""
        self._writable()
        with self._turn:
            with self._transaction() as connection:
                tip, key = self._begin(connection)
                note = self._sign(connection, tip, [key], keep=True)
            self._remember(tip, note)
        self.publisher.publish(patient=False)
        return note

    def rotate_key(self, record: AuditRecord | None = None) -> Appended:
        """Change the signing key. The change is an entry, and the checkpoint over it is signed by both keys.

        So who trusts the old key can trust the new one. `record` says who changed it and why; its action, and `old`
        and `new` in its details, are set here.
        """
        signer = self._writable()
        given = record or AuditRecord(KEY_CHANGE)
        with self._turn:
            with self._transaction() as connection:
                tip, old = self._begin(connection)
                new = signer.propose(tip.size + 1)
                change = {"old": str(old.verifier), "new": str(new.verifier)}
                prepared = prepare(given, self._seal) | {"action": KEY_CHANGE}
                prepared["details"] |= change
                tip, written = self._write(connection, tip, [prepared])
                note = self._sign(connection, tip, [old, new], keep=True)
            signer.adopt(new)
            self._remember(tip, note)
        self.publisher.publish(patient=False)
        return written[0]

    def status(self) -> LogStatus:
        """Where the log and its anchors stand."""
        with ledger.snapshot(self.database) as connection:
            tip = _read_tip(connection, self.database)
            newest = ledger.newest_checkpoint(connection)
        last_time = datetime.fromisoformat(tip.last_time) if tip.size else None
        origin = self._key(self.signer, tip.size).verifier.name if self.signer else ""
        kept = newest.size if newest is not None else 0
        return LogStatus(tip.size, tip.root.hex(), last_time, kept, origin, self.publisher.status())

    def _writable(self) -> AuditKeys:
        if self.signer is None:
            raise AuditUnavailable("The audit log was opened without its signing key, so it can only be read.")
        return self.signer

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self.database.write(lock=ledger.LOCK) as connection:
                yield connection
        except exc.IntegrityError as error:  # rows that are there although the tip says that they are not
            raise _changed(self.database) from error

    def _commit_waiting(self) -> bool:
        """Write what all waiting threads brought, in one transaction; True when a checkpoint was kept."""
        with self._queue:
            tickets, self._waiting = self._waiting, []
        if not tickets:  # who took ours was interrupted before it could say how it ended
            return False
        try:
            with self._transaction() as connection:
                tip, key = self._begin(connection)
                before = tip.size
                tip, written = self._write(connection, tip, [one for ticket in tickets for one in ticket.prepared])
                keep = before // self.checkpoint_every != tip.size // self.checkpoint_every
                note = self._sign(connection, tip, [key], keep=keep)
            self._remember(tip, note)
            start = 0
            for ticket in tickets:
                ticket.done = written[start : start + len(ticket.prepared)]
                start += len(ticket.prepared)
        except BaseException as error:
            for ticket in tickets:
                ticket.error = error
            raise
        return keep

    def _remember(self, tip: Tip, note: str) -> None:
        self._own_head, self._largest = note, tip.size

    def _begin(self, connection: Connection) -> tuple[Tip, SigningKey]:
        """The tip and the key that signs now, once the signed head has proved that nobody changed the tip."""
        signer = self._writable()
        tip = _read_tip(connection, self.database)
        pending = signer.pending()
        if pending is not None:
            self._settle(connection, signer, pending)
        key = self._key(signer, tip.size)
        if not self._is_signed(tip, signer, key) or tip.size < self._largest:
            raise _changed(self.database)
        return tip, key

    def _key(self, signer: AuditKeys, size: int) -> SigningKey:
        """The key that signs now; a new one is made for a new log only."""
        if size and not signer.exist():
            raise AuditUnavailable(
                f"The keys of the audit log are gone from {signer.folder}. Restore the folder from your backup: nothing is "
                "appended without them."
            )
        return signer.current()

    def _is_signed(self, tip: Tip, signer: AuditKeys, key: SigningKey) -> bool:
        """A log must not sign what is inconsistent with what it signed before (C2SP tlog-checkpoint)."""
        if tip.note is None:
            return tip.size == 0
        if tip.note == self._own_head:
            head: Checkpoint | None = parse_checkpoint(tip.note)
        else:
            head = judge(tip.note, signer.verifier_keys(), key.verifier.name).trusted
        return head is not None and (head.size, head.root) == (tip.size, tip.root)

    def _settle(self, connection: Connection, signer: AuditKeys, pending: SigningKey) -> None:
        """Finish a change of key that was interrupted: the log says whether it happened."""
        entry = ledger.read_entry(connection, pending.verifier.from_size - 1)
        details = entry.members.get("details") if entry else None
        if isinstance(details, dict) and details.get("new") == str(pending.verifier):
            signer.adopt(pending)
        else:
            signer.discard()

    def _write(self, connection: Connection, tip: Tip, prepared: list[Prepared]) -> tuple[Tip, list[Appended]]:
        reading = to_text(utc(self._clock(), "clock"))
        added: Prepared = {"version": VERSION, "host": socket.gethostname(), "pid": os.getpid()}
        added["time"] = max(reading, tip.last_time)  # the texts sort as the times do
        if reading < tip.last_time:
            added["clock_moved_back"] = reading
        members = [one | added | {"index": tip.size + number} for number, one in enumerate(prepared)]
        tip, leaves = ledger.write_entries(connection, tip, members)
        time = datetime.fromisoformat(added["time"])
        written = [Appended(one["index"], time, leaf.hex()) for one, leaf in zip(members, leaves, strict=True)]
        return tip, written

    def _sign(self, connection: Connection, tip: Tip, keys: list[SigningKey], *, keep: bool) -> str:
        note = write_checkpoint(keys[0].verifier.name, tip.size, tip.root, keys)
        ledger.write_head(connection, note)
        if keep:
            ledger.write_checkpoint(connection, tip.size, note)
        return note


def _read_tip(connection: Connection, database: Database) -> Tip:
    try:
        return ledger.read_tip(connection)
    except LookupError as error:
        raise _changed(database) from error


def _changed(database: Database) -> AuditUnavailable:
    return AuditUnavailable(
        f"The audit log {database.place} was changed by something else than this package: its end is not what was "
        "signed. Nothing is appended to it. `automation audit verify` names what was changed; restore a backup, or keep "
        "the file as evidence and begin a new log."
    )
