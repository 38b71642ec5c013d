"""The approval store: requests, votes, and the one use of what was approved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Self, TypeVar

from sqlalchemy import select

from automation_scripts.errors import AccessDenied, InvalidParameters
from automation_scripts.governance.approvals import rows, rules, use
from automation_scripts.governance.approvals.clock import SteadyClock
from automation_scripts.governance.approvals.core import Core, moved
from automation_scripts.governance.approvals.models import requests
from automation_scripts.governance.approvals.opening import checked_length, new_request
from automation_scripts.governance.approvals.records import (
    ApprovalEvent,
    ApprovalRequest,
    Approver,
    Consumed,
    Content,
    Decision,
    EventHook,
    EventKind,
    Review,
    RolesOf,
    Status,
    Vote,
    ignore_event,
)
from automation_scripts.governance.approvals.schema import SCHEMA, SUBJECT
from automation_scripts.governance.names import as_seen
from automation_scripts.storage.database import Database
from automation_scripts.storage.times import now as present
from automation_scripts.storage.times import utc

_Requests = list[ApprovalRequest]  # inside the class `list` is the method
_Votes = list[Vote]
_Word = TypeVar("_Word", Status, Decision)
BREAK_GLASS_LIFETIME = timedelta(minutes=15)


class ApprovalStore:
    """Approvals behind a URL; safe for threads and for several processes and hosts.

    Opening it creates or upgrades the schema. All methods are synchronous, and raise ConfigurationError when the database
    cannot be used. Methods that change something take a whole id, `get` also its unique beginning.

    `events` is called inside the transaction, after all checks and before the commit: what it raises goes to the caller, and
    nothing is changed. It must not write into this database, which is locked at that moment.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], datetime] = present,
        events: EventHook = ignore_event,
        busy_timeout_s: float = 10.0,
    ) -> None:
        self.database = Database(url, SUBJECT, busy_timeout_s=busy_timeout_s, durable=True)
        SCHEMA.ensure(self.database)
        self._core = Core(self.database, SteadyClock(self.database, clock), events)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the pooled connections."""
        self.database.dispose()

    def request(
        self,
        content: Content,
        binding_hash: str,
        *,
        requester: str,
        requester_kind: str,
        reason: str,
        required: int,
        roles: Sequence[str],
        lifetime: timedelta,
        claimed_user: str = "",
        execution_id: str | None = None,
        previous_id: str | None = None,
    ) -> ApprovalRequest:
        """Ask for the approval of one exact plan.

        Args:
            content: what is to run; its parameters and plan already redacted, since they are stored and shown.
            binding_hash: of what truly is to run (`binding.binding_hash`).
            requester: the proved principal; `claimed_user` is the name that was given, if another.
            required: how many other people must grant it, 1 or more.
            roles: each of them needs one of these in the environment.
            lifetime: for how long it takes votes and can be used.
            execution_id: the run that waits for it.
            previous_id: the earlier request that this one repeats; who asked for that one may not vote either.

        Raises InvalidParameters.
        """
        if required < 1:
            raise InvalidParameters(f"required: {required} approvals would be none; ask for 1 at least.")
        asked = new_request(
            content,
            binding_hash,
            requester=requester,
            requester_kind=requester_kind,
            claimed_user=claimed_user,
            reason=reason,
            required=required,
            roles=roles,
            execution_id=execution_id,
            previous_id=previous_id,
        )
        return self._core.open(asked, lifetime, EventKind.REQUEST)

    def open_break_glass(
        self,
        content: Content,
        binding_hash: str,
        *,
        requester: Approver,
        reason: str,
        roles: Sequence[str],
        lifetime: timedelta = BREAK_GLASS_LIFETIME,
        claimed_user: str = "",
        execution_id: str | None = None,
    ) -> ApprovalRequest:
        """Approve one's own run in an emergency: usable once, at once, and to be reviewed by somebody else.

        Whether this person may do so is for the policy to say. `roles` are those of which the reviewer needs one.
        Raises AccessDenied for anybody but a proved person, InvalidParameters like `request`.
        """
        rules.check_proved(requester, "break the glass")
        asked = new_request(
            content,
            binding_hash,
            requester=requester.name,
            requester_kind=requester.kind,
            claimed_user=claimed_user,
            reason=reason,
            required=0,
            roles=roles,
            execution_id=execution_id,
        )
        broken = replace(asked, break_glass=True, status=Status.APPROVED)
        return self._core.open(broken, lifetime, EventKind.BREAK_GLASS)

    def get(self, request_id: str) -> ApprovalRequest:
        """The request of that id, or of that unique beginning of an id. Raises InvalidParameters."""
        now = self._core.look()
        with self.database.read() as connection:
            return rules.at_time(rows.beginning(connection, request_id), now)

    def list(
        self,
        *,
        status: Status | str | None = None,
        script: str | None = None,
        environment: str | None = None,
        limit: int | None = 50,
    ) -> _Requests:
        """Requests that match all filters, newest first. Raises InvalidParameters for an unknown status."""
        now = self._core.look()
        query = select(requests).order_by(requests.c.created_at.desc(), requests.c.id).limit(limit)
        if status is not None:
            query = query.where(rows.with_status(_word(Status, status), now))
        if script is not None:
            query = query.where(requests.c.script == script)
        if environment is not None:
            query = query.where(requests.c.environment == environment)
        with self.database.read() as connection:
            return [rules.at_time(found, now) for found in rows.with_votes(connection, connection.execute(query))]

    def vote(self, request_id: str, approver: Approver, decision: Decision | str, reason: str = "") -> ApprovalRequest:
        """Grant or deny a request; one denial ends it, also when it was approved and is not used yet.

        Whoever granted may still deny, not the other way round. Raises AccessDenied, which says why this person may not
        vote, and InvalidParameters for an unknown id or a denial without a reason.
        """
        decision = _word(Decision, decision)
        checked_length(reason, "reason")
        self._core.settle(request_id)
        with self.database.write() as connection:
            request, now = self._core.held(connection, request_id)
            rules.check_vote(request, approver, decision, reason)
            roles = tuple(sorted(approver.roles))
            vote = Vote(approver.name, decision, reason, now, roles, approver.method, approver.mfa_at)
            voted = rules.after_vote(request, vote)
            replacing = any(earlier.approver == vote.approver for earlier in request.votes)
            rows.put_vote(connection, request.id, vote, replacing=replacing)
            moved(rows.move(connection, request, voted.status), request)
            kind = EventKind.GRANT if decision is Decision.GRANT else EventKind.DENY
            self._core.before(ApprovalEvent(kind, now, approver.name, voted, vote, reason))
        return voted

    def withdraw(self, request_id: str, by: str, reason: str = "", *, administrator: bool = False) -> ApprovalRequest:
        """Take back an open request: one's own, or any as an administrator.

        Raises AccessDenied for somebody else, InvalidParameters for an unknown id or a request that has ended.
        """
        checked_length(reason, "reason")
        self._core.settle(request_id)
        with self.database.write() as connection:
            request, now = self._core.held(connection, request_id)
            if not administrator and as_seen(by) != as_seen(request.requester):
                raise AccessDenied(f"Only {request.requester} or an administrator may withdraw {request.id}.")
            if not request.status.is_open:
                raise InvalidParameters(f"{request.id} cannot be withdrawn: {rules.ending(request)}.")
            closed = replace(request, status=Status.WITHDRAWN, closed_by=by, closed_reason=reason)
            moved(rows.move(connection, request, closed.status, closed_by=by, closed_reason=reason), request)
            self._core.before(ApprovalEvent(EventKind.WITHDRAW, now, by, closed, reason=reason))
        return closed

    def current_approvals(self, request_id: str, roles_of: RolesOf) -> _Votes:
        """The grants that count now: of people who are enabled and still have one of the roles.

        Empty when the request has ended. Raises InvalidParameters for an unknown id.
        """
        return use.current_approvals(self._core, request_id, roles_of)

    def consume(
        self,
        request_id: str,
        binding_hash: str,
        execution_id: str,
        requester: str,
        roles_of: RolesOf,
        *,
        content: Content | None = None,
    ) -> Consumed:
        """Use an approval for one run; of all that try, in any process, one succeeds.

        Args:
            request_id: the whole id.
            binding_hash: of what is about to run, computed from the facts as they are now.
            execution_id: the run.
            requester: the proved principal whose run it is; it must be who asked for the approval.
            roles_of: the roles that an approver has now; called outside the transaction, so it may use this database.
            content: what is about to run, redacted: only to say what differs.

        Raises:
            ApprovalRequired: pending, denied, expired, used, or for another run or plan; says which and what to do.
            InvalidParameters: an unknown id, or a hash of the wrong form.
        """
        return use.consume(self._core, request_id, binding_hash, execution_id, requester, roles_of, content)

    def review(self, request_id: str, reviewer: Approver, note: str) -> ApprovalRequest:
        """Say what was found when a broken glass was looked at, after its use.

        Raises AccessDenied for who broke it or who lacks the role, InvalidParameters for what needs no review.
        """
        checked_length(note, "note")
        self._core.settle(request_id)
        with self.database.write() as connection:
            request, now = self._core.held(connection, request_id)
            rules.check_review(request, reviewer, note)
            review = Review(reviewer.name, now, note)
            moved(rows.put_review(connection, request.id, review), request)
            reviewed = replace(request, review=review)
            self._core.before(ApprovalEvent(EventKind.REVIEW, now, reviewer.name, reviewed, reason=note))
        return reviewed

    def overdue_reviews(self, now: datetime, within: timedelta) -> _Requests:
        """Broken glasses not reviewed `within` that time after their use (or opening, when never used), oldest first."""
        now = utc(now, "now")
        self._core.look()
        with self.database.read() as connection:
            found = connection.execute(rows.unreviewed(now - within))
            return [rules.at_time(request, now) for request in rows.with_votes(connection, found)]

    def expire_due(self, limit: int | None = None) -> _Requests:
        """Write down, and tell the audit, which requests have expired. They cannot be used before that either.

        All methods do it in passing. Of several processes at once, one tells.
        """
        return self._core.expire_due(limit)

    def reset_clock(self, *, by: str) -> datetime:
        """Believe the present clock, after it had once been far ahead. What is written down as expired stays so."""
        self._core.clock.observe()
        with self.database.write() as connection:
            at = self._core.clock.reset(connection)
            self._core.before(ApprovalEvent(EventKind.CLOCK_RESET, at, by, None))
        return at


def _word(words: type[_Word], text: str) -> _Word:
    try:
        return words(text)
    except ValueError:
        known = ", ".join(words)
        raise InvalidParameters(f"{words.__name__.lower()} {text[:20]!a}: there is none. Known: {known}.") from None
