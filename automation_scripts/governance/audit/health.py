"""A quick look at the end of the log; `verify` looks at all of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, select

from automation_scripts.errors import AuditUnavailable
from automation_scripts.governance.audit import ledger, tree
from automation_scripts.governance.audit.ledger import StoredNodes
from automation_scripts.governance.audit.log import AuditLog
from automation_scripts.governance.audit.models import entries
from automation_scripts.governance.audit.notes import VerifierKey
from automation_scripts.governance.audit.trust import judge


def check_end(log: AuditLog) -> int:
    """Hold the signed head and the newest kept checkpoint against the tree; returns the number of entries.

    A few rows are read, however long the log is, and nothing is written or made.

    Raises AuditUnavailable when one of them does not fit: something else than this package changed the log.
    """
    keys = log.signer.verifier_keys() if log.signer else []
    with ledger.snapshot(log.database) as connection:
        try:
            tip = ledger.read_tip(connection)
            newest = ledger.newest_checkpoint(connection)
            good = _fits(tip.note, tip.size, tip.root, keys)
            if newest is not None:
                size = int(newest.size)
                good = good and size <= tip.size
                good = good and _fits(newest.note, size, tree.root(StoredNodes(connection), size), keys)
        except LookupError:
            good = False
    if not good:
        raise AuditUnavailable(
            f"The audit log {log.database.place} was changed by something else than this package: its end is not what was signed."
        )
    return tip.size


def entry_count(log: AuditLog) -> int:
    """How many entries there are."""
    with log.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(entries)).scalar_one())


def largest_size(notes: Iterable[str], keys: Sequence[VerifierKey]) -> int:
    """The size of the largest checkpoint among these notes that one of the keys signed; 0 for none."""
    found = (judge(note, keys).trusted for note in notes)
    return max((checkpoint.size for checkpoint in found if checkpoint is not None), default=0)


def time_of(log: AuditLog, size: int) -> datetime | None:
    """When the last entry that a checkpoint of this size covers was written; None when it is not there or damaged."""
    with log.database.read() as connection:
        entry = ledger.read_entry(connection, size - 1)
    try:
        return entry.time if entry else None
    except ValueError:
        return None


def _fits(note: str | None, size: int, root: bytes, keys: Sequence[VerifierKey]) -> bool:
    if note is None:
        return size == 0
    checkpoint = judge(str(note), keys).trusted
    return checkpoint is not None and (checkpoint.size, checkpoint.root) == (size, root)
