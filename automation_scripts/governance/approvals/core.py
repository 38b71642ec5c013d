"""What all operations of the approval store share: the database, its clock, and the hook before each change."""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from automation_scripts.errors import ApprovalRequired, AutomationError, InvalidParameters
from automation_scripts.governance.approvals import rows, rules
from automation_scripts.governance.approvals.clock import SteadyClock
from automation_scripts.governance.approvals.models import requests
from automation_scripts.governance.approvals.records import ApprovalEvent, ApprovalRequest, EventHook, EventKind
from automation_scripts.storage.database import Database

log = logging.getLogger("automation.governance")
AT_ONCE = 50
"""How many expired requests are written down in passing, so that nobody waits long after a quiet month."""


@dataclass(frozen=True, slots=True)
class Core:
    """Database, clock and event hook."""

    database: Database
    clock: SteadyClock
    before: EventHook

    def open(self, asked: ApprovalRequest, lifetime: timedelta, kind: EventKind) -> ApprovalRequest:
        """Write a new request with its id and its times. Raises InvalidParameters."""
        if lifetime <= timedelta(0):
            raise InvalidParameters(f"lifetime: {lifetime} is over at once; give a time above zero.")
        self.expire_due(AT_ONCE)
        with self.database.write() as connection:
            now = self.clock.within(connection)
            barred = set(asked.barred) | rows.barred_before(connection, asked)
            opened = replace(
                asked,
                id=rows.PREFIX + secrets.token_hex(8),
                created_at=now,
                expires_at=now + lifetime,
                barred=tuple(sorted(barred)),
            )
            rows.add(connection, opened)
            self.before(ApprovalEvent(kind, now, opened.requester, opened, reason=opened.reason))
        return opened

    def settle(self, request_id: str) -> ApprovalRequest:
        """The stored request; that it has expired is written down first, and of the others in passing.

        Before anybody is refused for that, since a refusal undoes its transaction. Raises InvalidParameters for an unknown id.
        """
        now = self.clock.observe()
        with self.database.read() as connection:
            request = rows.exact(connection, request_id)
        if rules.at_time(request, now).status is not request.status:
            self.expire(request_id)
        self.expire_due(AT_ONCE)
        return request

    def look(self) -> datetime:
        """The time to read by. Requests whose time is over by then are written down as expired in passing.

        Where that cannot be written, they are shown as expired all the same, and the next occasion writes it.
        """
        try:
            self.expire_due(AT_ONCE)
        except AutomationError as unwritten:
            log.warning("that requests for approval have expired cannot be written down: %s", unwritten)
        return self.clock.observe()

    def expire_due(self, limit: int | None = None) -> list[ApprovalRequest]:
        """Write down which requests have expired, the oldest first. One indexed query when there are none."""
        now = self.clock.observe()
        query = select(requests.c.id).where(rows.due(now)).order_by(requests.c.expires_at, requests.c.id).limit(limit)
        with self.database.read() as connection:
            ids = connection.execute(query).scalars().all()
        return [expired for request_id in ids if (expired := self.expire(request_id)) is not None]

    def expire(self, request_id: str) -> ApprovalRequest | None:
        """The expired request; None when it was settled otherwise meanwhile, by another process too."""
        with self.database.write() as connection:
            stored = rows.exact(connection, request_id, lock=True)
            now = self.clock.within(connection)
            expired = rules.at_time(stored, now)
            if expired.status is stored.status:
                return None
            moved(rows.move(connection, stored, expired.status), stored)
            self.before(ApprovalEvent(EventKind.EXPIRE, now, "", expired))
        return expired

    def held(self, connection: Connection, request_id: str) -> tuple[ApprovalRequest, datetime]:
        """The request as it stands now, kept from all others until the transaction ends, and the time."""
        request = rows.exact(connection, request_id, lock=True)
        now = self.clock.within(connection)
        return rules.at_time(request, now), now


def moved(done: bool, request: ApprovalRequest) -> None:
    """Raises ApprovalRequired when a compare-and-set found another status than was read."""
    if not done:  # the row is locked, so this is not to be expected; going on would be worse
        raise ApprovalRequired(f"{request.id} was changed by another process meanwhile. Look at it and try again.")
