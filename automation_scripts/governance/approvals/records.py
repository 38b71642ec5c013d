"""The words of approvals: requests, votes, and what the audit is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

PERSON = "person"
"""The only kind of principal that may vote or break the glass."""


class Status(StrEnum):
    """Where a request stands."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    USED = "used"
    WITHDRAWN = "withdrawn"

    @property
    def is_open(self) -> bool:
        """True while votes are taken; every other status is final."""
        return self in (Status.PENDING, Status.APPROVED)


class Decision(StrEnum):
    """What an approver says."""

    GRANT = "grant"
    DENY = "deny"


class EventKind(StrEnum):
    """What happened, as the audit names it."""

    REQUEST = "approval.request"
    GRANT = "approval.grant"
    DENY = "approval.deny"
    WITHDRAW = "approval.withdraw"
    USE = "approval.use"
    EXPIRE = "approval.expire"
    BREAK_GLASS = "approval.break_glass"
    REVIEW = "approval.review"
    CLOCK_RESET = "approval.clock_reset"


@dataclass(frozen=True, slots=True)
class Approver:
    """Somebody who votes or reviews, as his credential proved him a moment ago."""

    name: str
    kind: str
    """`person`, `service` or `local` (not proved)."""
    roles: frozenset[str]
    """Those that hold in the environment of the request."""
    method: str
    """How he was proved, such as `password+totp` or `webauthn`; `local` and `none` prove nothing."""
    mfa_at: datetime | None = None
    """When he last gave a second factor."""


@dataclass(frozen=True, slots=True)
class Vote:
    """What one approver said. `roles` are those he had then."""

    approver: str
    decision: Decision
    reason: str
    at: datetime
    roles: tuple[str, ...]
    method: str
    mfa_at: datetime | None


@dataclass(frozen=True, slots=True)
class Review:
    """What was found when a broken glass was looked at afterwards."""

    reviewer: str
    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A request for approval of one exact plan, and what became of it. Times are UTC."""

    id: str
    """`approval_` and 16 hexadecimal digits."""
    script: str
    environment: str
    binding_hash: str
    parameters: Mapping[str, Any]
    """Redacted, for people to read; what counts is the hash."""
    plan: tuple[Mapping[str, Any], ...]
    """For people to read."""
    requester: str
    """The principal that was proved."""
    claimed_user: str
    requester_kind: str
    reason: str
    required: int
    """How many people must grant it; 0 for break-glass."""
    roles: tuple[str, ...]
    """Each approver, or the reviewer of a broken glass, needs one of them."""
    created_at: datetime
    expires_at: datetime
    """From this moment on it takes no votes and cannot be used."""
    status: Status = Status.PENDING
    votes: tuple[Vote, ...] = ()
    execution_id: str | None = None
    """The run that waits for it; information only, what counts is the hash."""
    previous_id: str | None = None
    """The earlier request that this one repeats."""
    barred: tuple[str, ...] = ()
    """Canonical names that may not vote: the requester, the claimed user, and those of linked earlier requests."""
    break_glass: bool = False
    used_by: str | None = None
    used_at: datetime | None = None
    closed_by: str | None = None
    """Who withdrew it."""
    closed_reason: str | None = None
    review: Review | None = None

    @property
    def grants(self) -> tuple[Vote, ...]:
        """The votes for it, whether or not they still count."""
        return tuple(vote for vote in self.votes if vote.decision is Decision.GRANT)

    @property
    def denial(self) -> Vote | None:
        """The vote that ended it."""
        return next((vote for vote in self.votes if vote.decision is Decision.DENY), None)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data; times as ISO 8601 in UTC."""
        data: dict[str, Any] = _jsonable(self)
        return data


@dataclass(frozen=True, slots=True)
class Content:
    """What is about to run, in the form that people may read: it serves to say what differs, and decides nothing."""

    script: str
    environment: str
    parameters: Mapping[str, Any]
    plan: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Consumed:
    """An approval that this run, and no other, may act upon."""

    request: ApprovalRequest
    approvals: tuple[Vote, ...]
    """The votes that counted; none for break-glass."""
    at: datetime


@dataclass(frozen=True, slots=True)
class ApprovalEvent:
    """Something that the audit must know before it takes effect."""

    kind: EventKind
    at: datetime
    actor: str
    """Who does it; empty for what time does."""
    request: ApprovalRequest | None
    """As it will be; None when it is about no single request."""
    vote: Vote | None = None
    reason: str = ""


EventHook = Callable[[ApprovalEvent], None]
RolesOf = Callable[[str, str], frozenset[str] | None]
"""The roles that a user has now in an environment; None when he is disabled or gone."""


def ignore_event(_event: ApprovalEvent) -> None:
    """The hook of who needs none."""


def _jsonable(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _jsonable(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_jsonable(item) for item in value]
    return value
