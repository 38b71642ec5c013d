"""Rows to requests and back, and looking a request up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, insert, or_, select, update

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.approvals.models import requests, votes
from automation_scripts.governance.approvals.records import ApprovalRequest, Decision, Review, Status, Vote
from automation_scripts.suggest import nearest

PREFIX = "approval_"
_ID = re.compile(r"approval_[0-9a-f]{16}")
_BEGINNING = re.compile(r"approval_[0-9a-f]{4,16}")
_OPEN = tuple(status.value for status in Status if status.is_open)
_LATEST = 200


def exact(connection: Connection, request_id: str, *, lock: bool = False) -> ApprovalRequest:
    """The request of that whole id; `lock` holds its row until the transaction ends.

    Raises InvalidParameters for an unknown one.
    """
    query = select(requests).where(requests.c.id == request_id)
    found = None
    if _ID.fullmatch(request_id):
        found = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise unknown(connection, request_id)
    return with_votes(connection, [found])[0]


def beginning(connection: Connection, text: str) -> ApprovalRequest:
    """The one request whose id begins so, by 4 digits at least. Raises InvalidParameters."""
    if not _BEGINNING.fullmatch(text):
        raise unknown(connection, text)
    in_range = (requests.c.id >= text) & (requests.c.id < text + "g")  # "g" follows the hexadecimal digits
    found = connection.execute(select(requests).where(in_range).order_by(requests.c.id).limit(6)).all()
    if len(found) > 1:
        several = ", ".join(row.id for row in found)
        raise InvalidParameters(f"approval {text}: several begin so: {several}. Give more of the id.")
    if not found:
        raise unknown(connection, text)
    return with_votes(connection, found)[0]


def unknown(connection: Connection, text: str) -> InvalidParameters:
    """The error for an id that there is none of, with the nearest one."""
    latest = select(requests.c.id).order_by(requests.c.created_at.desc()).limit(_LATEST)
    guess = nearest(text, connection.execute(latest).scalars()) if len(text) < 64 else None
    hint = f" Did you mean {guess}?" if guess else ""
    return InvalidParameters(
        f"approval {text[:64]!a}: there is no such request.{hint} An id is `{PREFIX}` and 16 hexadecimal digits; see "
        "`automation approvals list`."
    )


def with_votes(connection: Connection, rows: Iterable[Row[Any]]) -> list[ApprovalRequest]:
    """The requests of these rows, in their order, each with its votes."""
    rows = list(rows)
    cast: dict[str, list[Vote]] = {row.id: [] for row in rows}
    ordered = select(votes).where(votes.c.request_id.in_(list(cast))).order_by(votes.c.at, votes.c.approver)
    for row in connection.execute(ordered) if cast else ():
        cast[row.request_id].append(_vote(row))
    return [_request(row, tuple(cast[row.id])) for row in rows]


def add(connection: Connection, request: ApprovalRequest) -> None:
    """Write a new request."""
    members = (
        column.name for column in requests.columns if column.name not in ("reviewer", "reviewed_at", "review_note")
    )
    values = {name: getattr(request, name) for name in members}
    connection.execute(insert(requests).values(**values | {"status": request.status.value}))


def barred_before(connection: Connection, request: ApprovalRequest) -> set[str]:
    """Who is barred from the earlier requests that this one repeats, or that the same run made."""
    found: set[str] = set()
    if request.previous_id is not None:
        found.update(exact(connection, request.previous_id).barred)
    if request.execution_id is not None:
        same_run = select(requests.c.barred).where(requests.c.execution_id == request.execution_id)
        for barred in connection.execute(same_run).scalars():
            found.update(barred)
    return found


def put_vote(connection: Connection, request_id: str, vote: Vote, *, replacing: bool) -> None:
    """Write a vote, over the same person's earlier one when `replacing`."""
    values = {
        "decision": vote.decision.value,
        "reason": vote.reason,
        "roles": vote.roles,
        "method": vote.method,
        "mfa_at": vote.mfa_at,
        "at": vote.at,
    }
    key = {"request_id": request_id, "approver": vote.approver}
    if replacing:
        connection.execute(update(votes).filter_by(**key).values(**values))
    else:
        connection.execute(insert(votes).values(**key, **values))


def move(connection: Connection, request: ApprovalRequest, status: Status, **values: Any) -> bool:
    """Compare and set: give a request its next status, if it still has the one that was read. False: it has not."""
    same = update(requests).where(requests.c.id == request.id, requests.c.status == request.status.value)
    return connection.execute(same.values(status=status.value, **values)).rowcount == 1


def put_review(connection: Connection, request_id: str, review: Review) -> bool:
    """Write the one review of a request; False: it has one."""
    unreviewed = update(requests).where(requests.c.id == request_id, requests.c.reviewer.is_(None))
    values = {"reviewer": review.reviewer, "reviewed_at": review.at, "review_note": review.note}
    return connection.execute(unreviewed.values(**values)).rowcount == 1


def with_status(status: Status, now: datetime) -> ColumnElement[bool]:
    """Requests that stand so now; that they have expired may not be written down yet."""
    if status is Status.EXPIRED:
        return or_(requests.c.status == status.value, due(now))
    same = requests.c.status == status.value
    return same & (requests.c.expires_at > now) if status.is_open else same


def due(now: datetime) -> ColumnElement[bool]:
    """Open requests whose time is over."""
    return requests.c.status.in_(_OPEN) & (requests.c.expires_at <= now)


def unreviewed(before: datetime) -> Select[Any]:
    """Broken glasses that were used (or, when never used, opened) at or before a time and not reviewed, oldest first."""
    opened_or_used = (requests.c.used_at <= before) | (requests.c.used_at.is_(None) & (requests.c.created_at <= before))
    waiting = requests.c.break_glass.is_(True) & requests.c.reviewer.is_(None) & opened_or_used
    return select(requests).where(waiting).order_by(requests.c.created_at, requests.c.id)


def _vote(row: Row[Any]) -> Vote:
    return Vote(
        approver=row.approver,
        decision=Decision(row.decision),
        reason=row.reason,
        at=row.at,
        roles=tuple(row.roles),
        method=row.method,
        mfa_at=row.mfa_at,
    )


def _request(row: Row[Any], cast: tuple[Vote, ...]) -> ApprovalRequest:
    values = dict(row._mapping)
    reviewer, at, note = (values.pop(name) for name in ("reviewer", "reviewed_at", "review_note"))
    values |= {name: tuple(values[name]) for name in ("plan", "roles", "barred")}
    values["status"] = Status(row.status)
    return ApprovalRequest(**values, votes=cast, review=Review(reviewer, at, note) if reviewer is not None else None)
