"""Using an approval: its votes are looked at again, then it is spent in one step."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.approvals import rows, rules
from automation_scripts.governance.approvals.binding import checked_hash
from automation_scripts.governance.approvals.core import Core, moved
from automation_scripts.governance.approvals.records import (
    ApprovalEvent,
    ApprovalRequest,
    Consumed,
    Content,
    EventKind,
    RolesOf,
    Status,
    Vote,
)

_Standing = dict[str, frozenset[str] | None]


def current_approvals(core: Core, request_id: str, roles_of: RolesOf) -> list[Vote]:
    """See `ApprovalStore.current_approvals`."""
    now = core.look()
    with core.database.read() as connection:
        request = rules.at_time(rows.exact(connection, request_id), now)
    if not request.status.is_open:
        return []
    standing: _Standing = {}
    _ask(request, roles_of, standing)
    return [*rules.counting(request, standing)]


def consume(
    core: Core,
    request_id: str,
    binding_hash: str,
    execution_id: str,
    requester: str,
    roles_of: RolesOf,
    content: Content | None,
) -> Consumed:
    """See `ApprovalStore.consume`."""
    checked_hash(binding_hash)
    if not execution_id:
        raise InvalidParameters("execution_id: say which run uses the approval.")
    request = core.settle(request_id)
    standing: _Standing = {}
    while True:
        # Before the transaction: to find roles out may need the lock that the transaction holds.
        _ask(request, roles_of, standing)
        with core.database.write() as connection:
            request, now = core.held(connection, request_id)
            if standing.keys() >= {vote.approver for vote in request.grants}:
                votes = rules.check_use(request, binding_hash, requester, standing, content)
                return _spend(core, connection, request, votes, execution_id, now)


def _spend(
    core: Core,
    connection: Connection,
    request: ApprovalRequest,
    votes: tuple[Vote, ...],
    execution_id: str,
    now: datetime,
) -> Consumed:
    used = replace(request, status=Status.USED, used_by=execution_id, used_at=now)
    moved(rows.move(connection, request, used.status, used_by=execution_id, used_at=now), request)
    core.before(ApprovalEvent(EventKind.USE, now, request.requester, used))
    return Consumed(used, votes, now)


def _ask(request: ApprovalRequest, roles_of: RolesOf, standing: _Standing) -> None:
    """Find out the present roles of those who granted it and were not asked about yet."""
    for vote in request.grants:
        if vote.approver not in standing:
            standing[vote.approver] = roles_of(vote.approver, request.environment)
