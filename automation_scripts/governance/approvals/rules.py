"""What decides about approvals: functions of the request, the person, the facts and the time, without a database."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from automation_scripts.errors import AccessDenied, ApprovalRequired, InvalidParameters
from automation_scripts.governance.approvals.differences import differences, one_line, printable
from automation_scripts.governance.approvals.records import (
    PERSON,
    ApprovalRequest,
    Approver,
    Content,
    Decision,
    Status,
    Vote,
)
from automation_scripts.governance.names import as_seen, is_name

_PROVES_NOTHING = frozenset({"", "none", "local"})
Standing = Mapping[str, frozenset[str] | None]
"""The roles that each approver has now in the request's environment; None: disabled or gone."""


def at_time(request: ApprovalRequest, now: datetime) -> ApprovalRequest:
    """The request as it stands now: an open one is expired from `expires_at` on."""
    if request.status.is_open and now >= request.expires_at:
        return replace(request, status=Status.EXPIRED)
    return request


def check_proved(person: Approver, deed: str) -> None:
    """Raises AccessDenied unless this is a person whose credential was proved."""
    shown = printable(person.name)
    if person.kind != PERSON:
        raise AccessDenied(f"{shown} may not {deed}: only people may, not a {printable(person.kind)} account.")
    if person.method in _PROVES_NOTHING:
        raise AccessDenied(f"{shown} may not {deed}: nobody proved who this is. Log in with `automation login` first.")
    if not is_name(person.name):
        raise AccessDenied(f"{shown} may not {deed}: this is not a user's name as the directory has it.")


def check_vote(request: ApprovalRequest, approver: Approver, decision: Decision, reason: str) -> None:
    """Whether this vote may be cast on a request as it stands now (see `at_time`).

    Raises:
        AccessDenied: says why not.
        InvalidParameters: a refusal without a reason.
    """
    if as_seen(approver.name) in request.barred:
        raise AccessDenied(
            f"{printable(approver.name)} may not vote on {request.id}: it is his own request, or repeats one of his. "
            "Ask somebody else."
        )
    deed = f"vote on {request.id}"
    check_proved(approver, deed)
    if request.break_glass:
        raise AccessDenied(
            f"{request.id} is break-glass and takes no votes: review it once it was used, or withdraw it."
        )
    if not request.status.is_open:
        raise AccessDenied(f"{approver.name} may not {deed}: {ending(request)}. A new request is needed.")
    if not approver.roles & set(request.roles):
        raise AccessDenied(
            f"{approver.name} may not {deed}: it takes one of the roles {_words(request.roles)} in "
            f"{printable(request.environment)}."
        )
    if decision is Decision.GRANT and any(vote.approver == approver.name for vote in request.votes):
        raise AccessDenied(f"{approver.name} may not {deed} again: each person counts once. Ask somebody else.")
    if decision is Decision.DENY and not reason.strip():
        raise InvalidParameters("reason: say why it is denied, so that the requester knows what to change.")


def after_vote(request: ApprovalRequest, vote: Vote) -> ApprovalRequest:
    """The request with one more vote. One denial ends it, also after it was approved; a denial replaces a grant."""
    others = (earlier for earlier in request.votes if earlier.approver != vote.approver)
    voted = replace(request, votes=tuple(sorted((*others, vote), key=lambda cast: (cast.at, cast.approver))))
    if vote.decision is Decision.DENY:
        return replace(voted, status=Status.DENIED)
    return replace(voted, status=Status.APPROVED if len(voted.grants) >= request.required else request.status)


def counting(request: ApprovalRequest, standing: Standing) -> tuple[Vote, ...]:
    """The grants that count now: of people who are still enabled and still have one of the roles."""
    return tuple(vote for vote in request.grants if (standing.get(vote.approver) or frozenset()) & set(request.roles))


def check_use(
    request: ApprovalRequest, binding_hash: str, requester: str, standing: Standing, content: Content | None
) -> tuple[Vote, ...]:
    """The votes by which a run of this requester and this hash may go ahead, on a request as it stands now.

    Raises ApprovalRequired, which says why it may not; `content` helps to say what differs.
    """
    if not request.status.is_open:
        raise ApprovalRequired(f"{request.id} cannot be used: {ending(request)}. {_ask_anew(request)}")
    if as_seen(requester) != as_seen(request.requester):
        raise ApprovalRequired(
            f"{request.id} cannot be used by {printable(requester)}: it is for a run of "
            f"{printable(request.requester)}. {_ask_anew(request)}"
        )
    if not hmac.compare_digest(binding_hash.encode(), request.binding_hash.encode()):
        raise ApprovalRequired(
            f"{request.id} is not for this run: {differences(request, content)}. {_ask_anew(request)}"
        )
    votes = counting(request, standing)
    if len(votes) < request.required:
        raise ApprovalRequired(_too_few(request, votes))
    return votes


def check_review(request: ApprovalRequest, reviewer: Approver, note: str) -> None:
    """Whether this person may review, on a request as it stands now.

    Raises:
        AccessDenied: says why not.
        InvalidParameters: not break-glass, reviewed already, or no note.
    """
    if not request.break_glass:
        raise InvalidParameters(f"{request.id} is not break-glass, so there is nothing to review.")
    if as_seen(reviewer.name) in request.barred:
        raise AccessDenied(f"{printable(reviewer.name)} may not review {request.id}, having asked for it himself.")
    check_proved(reviewer, f"review {request.id}")
    if not reviewer.roles & set(request.roles):
        raise AccessDenied(
            f"{reviewer.name} may not review {request.id}: it takes one of the roles {_words(request.roles)} in "
            f"{printable(request.environment)}."
        )
    if request.status.is_open:
        raise InvalidParameters(f"{request.id} is not used yet. Review it afterwards, or withdraw it.")
    if request.review is not None:
        raise InvalidParameters(
            f"{request.id} was reviewed by {request.review.reviewer} at {_time(request.review.at)}."
        )
    if not note.strip():
        raise InvalidParameters("note: say what was found.")


def ending(request: ApprovalRequest) -> str:
    """How a request ended, in words."""
    if request.status is Status.USED and request.used_at is not None:
        return f"it was used by the run {request.used_by} at {_time(request.used_at)}"
    if request.status is Status.DENIED and request.denial is not None:
        return f"it was denied by {request.denial.approver}: {one_line(request.denial.reason)}"
    if request.status is Status.EXPIRED:
        return f"it expired at {_time(request.expires_at)}"
    if request.status is Status.WITHDRAWN:
        return f"it was withdrawn by {printable(request.closed_by or 'somebody')}"
    return f"it is {request.status}"


def _too_few(request: ApprovalRequest, counted: tuple[Vote, ...]) -> str:
    lost = [vote.approver for vote in request.grants if vote not in counted]
    reason = f" ({', '.join(lost)} no longer counts: disabled, or without the role)" if lost else ""
    return (
        f"{request.id} is pending: {len(counted)} of {request.required} approvals{reason}. Ask somebody with one of the "
        f"roles {_words(request.roles)} to run `automation approvals grant {request.id}`."
    )


def _ask_anew(request: ApprovalRequest) -> str:
    return f"Ask anew with `automation approvals request {printable(request.script)}`."


def _words(roles: tuple[str, ...]) -> str:
    return ", ".join(roles)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
