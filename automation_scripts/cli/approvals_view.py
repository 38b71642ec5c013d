"""Approvals as people read them. All text in them may come from somebody who wants to be approved: none of it is markup."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from automation_scripts.cli.console import one_line, plain, print_json, printable, stdout, styled, table
from automation_scripts.cli.quantities import ago, counted, local
from automation_scripts.cli.users_common import ListFormat
from automation_scripts.governance.approvals.records import ApprovalRequest, Decision, Status, Vote

if TYPE_CHECKING:
    from rich.console import Console

    from automation_scripts.cli.approvals_access import Standing

MOST_SHOWN = 200
_STYLES = {"pending": "yellow", "approved": "green", "denied": "bold red", "to be reviewed": "bold yellow"}


def print_requests(requests: Sequence[ApprovalRequest], output_format: ListFormat) -> None:
    """A line each, or all of them as JSON."""
    from automation_scripts.storage.times import now

    if output_format is ListFormat.JSON:
        print_json([request.to_dict() for request in requests])
        return
    if not requests:
        stdout().print("none")
        return
    at = now()
    rows = [
        (
            request.id,
            styled(_state(request), _STYLES),
            one_line(request.script),
            one_line(request.environment),
            one_line(request.requester),
            _tally(request),
            ago(request.created_at, at),
            local(request.expires_at) if request.status.is_open else "",
        )
        for request in requests
    ]
    titles = ("ID", "STATUS", "SCRIPT", "ENVIRONMENT", "REQUESTER", "VOTES", "ASKED", "UNTIL")
    stdout().print(table(titles, rows, right=("ID",)))


def print_request(request: ApprovalRequest, standing: Standing, output_format: ListFormat) -> None:
    """Everything about one request."""
    if output_format is ListFormat.JSON:
        now = {
            "counting": [vote.approver for vote in standing.counting],
            "missing_approvals": missing_approvals(request, standing),
            "next_step": next_step(request, standing),
        }
        print_json({**request.to_dict(), **now})
        return
    console = stdout()
    facts = table(("", ""), ((name, plain(one_line(text))) for name, text in _facts(request, standing) if text))
    facts.show_header = False
    console.print(facts, "", sep="\n")
    _changes(request, console)
    for vote in request.votes:
        console.print(plain(_said(vote, standing, request)), soft_wrap=True)
    if request.review is not None:
        review = request.review
        console.print(
            plain(one_line(f"reviewed by {review.reviewer} at {local(review.at)}: {review.note}")), soft_wrap=True
        )
    console.print(plain(headline(request, standing)), soft_wrap=True)


def headline(request: ApprovalRequest, standing: Standing) -> str:
    """How it stands and what is still missing, in one line."""
    return one_line(f"{request.id} is {_state(request)}: {next_step(request, standing)}")


def missing_approvals(request: ApprovalRequest, standing: Standing) -> int:
    """How many more people have to grant it; 0 when it has ended."""
    return max(0, request.required - len(standing.counting)) if request.status.is_open else 0


def next_step(request: ApprovalRequest, standing: Standing) -> str:
    """What has to happen before the run may use it, or after it did; how it ended otherwise."""
    from automation_scripts.governance.approvals.rules import ending

    who = f"any of {', '.join(request.roles)}"
    if standing.review_by is not None and not request.status.is_open:
        late = "it is overdue" if standing.now > standing.review_by else f"until {local(standing.review_by)}"
        return f"another person than {request.requester} ({who}) has to review it, {late}."
    if not request.status.is_open:
        return f"{ending(request)}."
    until = local(request.expires_at)
    if left := missing_approvals(request, standing):
        people = f"{left} more {'person' if left == 1 else 'persons'}"
        return f"it needs the approval of {people} ({who}, not {request.requester}), until {until}."
    return f"{request.requester} can run it with --approval {request.id} until {until}."


def _state(request: ApprovalRequest) -> str:
    if request.break_glass and request.review is None and not request.status.is_open:
        return "to be reviewed"
    return request.status.value


def _tally(request: ApprovalRequest) -> str:
    return "break-glass" if request.break_glass else f"{len(request.grants)} of {request.required}"


def _said(vote: Vote, standing: Standing, request: ApprovalRequest) -> str:
    word = "granted" if vote.decision is Decision.GRANT else "denied"
    reason = f": {vote.reason}" if vote.reason else ""
    lost = request.status.is_open and vote.decision is Decision.GRANT and vote not in standing.counting
    no_more = " (no longer counts: disabled, or without the role)" if lost else ""
    return one_line(f"{word} by {vote.approver} at {local(vote.at)} by {vote.method}{reason}{no_more}")


def _facts(request: ApprovalRequest, standing: Standing) -> Iterator[tuple[str, str]]:
    """Name and text of each fact; the text is empty when there is nothing to tell."""
    yield "approval", request.id
    yield "status", _state(request)
    yield "script", request.script
    yield "environment", request.environment
    name = "parameters"
    for key, value in request.parameters.items():
        if value not in ("", None):
            yield name, f"{key}={_text(value)}"
            name = ""
    service = "" if request.requester_kind == "person" else f" ({request.requester_kind})"
    yield "requester", request.requester + service
    claimed = request.claimed_user if request.claimed_user != request.requester else ""
    yield "account", claimed
    yield "reason", request.reason
    yield "break-glass", "yes: done without approval, to be reviewed afterwards" if request.break_glass else ""
    if not request.break_glass:
        yield "votes", f"{_tally(request)}, by {', '.join(request.roles)}"
    yield "asked", local(request.created_at)
    yield "until", local(request.expires_at) if request.status.is_open else ""
    yield "plan of", request.execution_id or ""
    if request.status is Status.USED and request.used_at is not None:
        yield "used", f"by {request.used_by} at {local(request.used_at)}"
    yield "withdrawn", f"by {request.closed_by}: {request.closed_reason}" if request.closed_reason else ""
    yield "repeats", request.previous_id or ""
    yield "review until", local(standing.review_by) if standing.review_by else ""
    yield "bound to", request.binding_hash


def _changes(request: ApprovalRequest, console: Console) -> None:
    """The plan: each change with what stands there now, and what would."""
    from rich.text import Text

    console.print(Text(f"{counted(len(request.plan), 'change')}, exactly these", style="bold"))
    for change in request.plan[:MOST_SHOWN]:
        words = (str(change.get(name) or "") for name in ("action", "resource", "reason"))
        console.print(Text(one_line(f"  {'  '.join(words)}")), soft_wrap=True)
        for sign, name, style in (("-", "before", "red"), ("+", "after", "green")):
            for line in _text(change[name]).split("\n") if change.get(name) is not None else ():
                console.print(Text(f"    {sign} {printable(line)}", style=style), soft_wrap=True)
        _risk(change, console)
    if len(request.plan) > MOST_SHOWN:
        console.print(f"… and {len(request.plan) - MOST_SHOWN} more; --format json shows all.")
    console.print()


def _risk(change: Mapping[str, Any], console: Console) -> None:
    from rich.text import Text

    told = [f"risk {change['risk']}"] if change.get("risk") not in (None, "low") else []
    if change.get("reversible") is False:
        told.append("cannot be undone")
    if told:
        console.print(Text(one_line(f"    ! {', '.join(told)}"), style="bold yellow"), soft_wrap=True)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
