"""Bringing checkpoints to the anchors, and who is behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from automation_scripts.errors import AuditUnavailable
from automation_scripts.governance.audit import ledger
from automation_scripts.governance.audit.anchors import Anchor
from automation_scripts.storage.database import Database

_PAUSE_S = 60.0  # before an anchor that failed is tried again on the way of an append


@dataclass(frozen=True, slots=True)
class AnchorStatus:
    """How far an anchor has followed the log."""

    name: str
    required: bool
    published_size: int
    """Of the newest checkpoint that it accepted; 0 for none."""
    behind: int
    """Entries of the newest checkpoint that it does not cover."""
    error: str
    """Why the last attempt of this process failed; empty when it did not."""


class Publisher:
    """Publishes the newest checkpoint to every anchor that lacks it. Older ones follow from it by consistency."""

    def __init__(
        self, database: Database, anchors: Sequence[Anchor], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        names = [anchor.name for anchor in anchors]
        if len(set(names)) != len(names):
            raise ValueError(f"two anchors have the same name: {', '.join(sorted(names))}")
        self.database = database
        self.anchors = tuple(anchors)
        self._monotonic = monotonic
        self._errors: dict[str, str] = {}
        self._retry_at: dict[str, float] = {}

    def require(self) -> None:
        """Bring the required anchors up to date before anything is appended. Raises AuditUnavailable."""
        if any(anchor.required for anchor in self.anchors):
            self._publish([anchor for anchor in self.anchors if anchor.required], patient=False)

    def publish(self, *, patient: bool = True) -> None:
        """Bring all anchors up to date; `patient` leaves one that just failed alone for a minute, unless required.

        Raises AuditUnavailable when a required one fails; the failure of another is told by `status`.
        """
        self._publish(self.anchors, patient)

    def status(self) -> list[AnchorStatus]:
        """How far each anchor is."""
        with self.database.read() as connection:
            newest = ledger.newest_checkpoint(connection)
            size = newest.size if newest is not None else 0
            reached = {anchor.name: ledger.published_size(connection, anchor.name) for anchor in self.anchors}
        return [
            AnchorStatus(
                anchor.name,
                anchor.required,
                reached[anchor.name],
                max(size - reached[anchor.name], 0),
                self._errors.get(anchor.name, ""),
            )
            for anchor in self.anchors
        ]

    def _publish(self, anchors: Sequence[Anchor], patient: bool) -> None:
        if not anchors:
            return
        with self.database.read() as connection:
            newest = ledger.newest_checkpoint(connection)
            if newest is None:
                return
            behind = [a for a in anchors if ledger.published_size(connection, a.name) < newest.size]
        failed = [a for a in behind if not self._try(a, newest.note, newest.size, patient) and a.required]
        if failed:
            name = failed[0].name
            raise AuditUnavailable(
                f"The required anchor {name} of the audit log did not take the checkpoint of {newest.size} entries: "
                f"{self._errors[name]}. Nothing may run until it does; make it reachable, or change the setting."
            )

    def _try(self, anchor: Anchor, note: str, size: int, patient: bool) -> bool:
        if patient and not anchor.required and self._monotonic() < self._retry_at.get(anchor.name, 0.0):
            return False
        try:
            anchor.publish(note, size)
        except Exception as error:  # an anchor may be anything, and must not stop what it does not guard
            self._errors[anchor.name] = f"{type(error).__name__}: {error}"
            self._retry_at[anchor.name] = self._monotonic() + _PAUSE_S
            return False
        self._errors.pop(anchor.name, None)
        self._retry_at.pop(anchor.name, None)
        with self.database.write(lock=ledger.LOCK) as connection:
            ledger.write_published(connection, anchor.name, size)
        return True
