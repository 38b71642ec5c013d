"""Who looks at approvals, and who acts on them: by a login once users are set up, and by what the policies say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from automation_scripts.errors import AccessDenied, AutomationError, MfaRequired

if TYPE_CHECKING:
    from datetime import datetime

    from automation_scripts.governance.approvals.records import ApprovalRequest, Vote
    from automation_scripts.governance.approvals.store import ApprovalStore
    from automation_scripts.governance.credentials import Presented
    from automation_scripts.governance.facts import Actor
    from automation_scripts.governance.gate import Gate
    from automation_scripts.governance.policy.model import Decision
    from automation_scripts.settings import Settings

Result = TypeVar("Result")
_Requests = Sequence["ApprovalRequest"]  # inside the class `list` is the method
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """How a request stands at this moment."""

    counting: tuple[Vote, ...]
    """The grants that count now: of people who are enabled and still have one of the roles."""
    now: datetime
    review_by: datetime | None
    """Until when a broken glass is to be reviewed; None when there is nothing to review."""

    @classmethod
    def of(cls, request: ApprovalRequest, gate: Gate, settings: Settings) -> Standing:
        """Look it up."""
        from datetime import timedelta

        from automation_scripts.governance.opened import open_approvals
        from automation_scripts.storage.times import now

        votes = open_approvals(settings).current_approvals(request.id, gate.identification.roles_of)
        unreviewed = request.break_glass and request.review is None
        within = timedelta(seconds=settings.governance.approvals.review_within)
        return cls(tuple(votes), now(), (request.used_at or request.created_at) + within if unreviewed else None)


@dataclass(slots=True)
class Reading:
    """What one person may see of the approvals."""

    settings: Settings
    actor: Actor
    gate: Gate
    store: ApprovalStore
    _decisions: dict[tuple[str, str], Decision] = field(default_factory=dict)

    def get(self, approval: str) -> ApprovalRequest:
        """One request, by the beginning of its id. Raises InvalidParameters, or AccessDenied for what is not to be seen."""
        request = self.gate.consent.get(approval)
        if not self._may_see(request):
            raise AccessDenied(self._decision(request).message)
        return request

    def list(self, limit: int, *, mine: bool, **filters: Any) -> _Requests:
        """The newest requests that may be seen. Raises AccessDenied when there are some, and none of them may."""
        hidden: list[ApprovalRequest] = []
        asked = limit
        while True:
            found = self.gate.consent.list(limit=asked, **filters)
            wanted = [request for request in found if not mine or request.requester == self.actor.name]
            shown = [request for request in wanted if self._may_see(request)]
            hidden = [request for request in wanted if not self._may_see(request)]
            if len(shown) >= limit or len(found) < asked:
                break
            asked *= 8
        self._tell_of(hidden, shown)
        return shown[:limit]

    def overdue(self) -> _Requests:
        """Broken glasses that should have been reviewed by now."""
        from datetime import timedelta

        from automation_scripts.storage.times import now

        within = timedelta(seconds=self.settings.governance.approvals.review_within)
        found = self.store.overdue_reviews(now(), within)
        shown = [request for request in found if self._may_see(request)]
        self._tell_of([request for request in found if not self._may_see(request)], shown)
        return shown

    def standing(self, request: ApprovalRequest) -> Standing:
        """How it stands now."""
        return Standing.of(request, self.gate, self.settings)

    def _tell_of(self, hidden: _Requests, shown: _Requests) -> None:
        from automation_scripts.cli.audit_common import note

        if hidden and not shown:
            raise AccessDenied(self._decision(hidden[0]).message)
        if hidden:
            note(f"note: {len(hidden)} more are not shown, since the policies do not let {self.actor.name} see them.")

    def _may_see(self, request: ApprovalRequest) -> bool:
        own = self.actor.proved is not None and request.requester == self.actor.name
        return own or self._decision(request).allowed

    def _decision(self, request: ApprovalRequest) -> Decision:
        key = (request.script, request.environment)
        if key not in self._decisions:
            self._decisions[key] = self._decide(*key)
        return self._decisions[key]

    def _decide(self, script: str, environment: str) -> Decision:
        from automation_scripts.governance.opened import authorizer
        from automation_scripts.governance.policy.model import AccessRequest, Decision
        from automation_scripts.governance.policy.vocabulary import Action
        from automation_scripts.storage.times import now

        proved, principal = self.actor.proved, self.actor.policy
        if proved is not None:
            if proved.scope is not None and not proved.scope.allows(script, environment, Action.READ_HISTORY.value):
                return Decision(False, f"The service token of {proved.name} may not be used to look at this.")
            principal = replace(principal, roles=proved.roles_in(environment))
        asked = AccessRequest(
            principal=principal,
            action=Action.READ_HISTORY,
            now=now(),
            environment=environment,
            script=script,
            mfa_at=self.actor.mfa_at,
        )
        return authorizer(self.settings).authorize(asked)


@contextmanager
def reader(settings: Settings, command: str, *, resource: str = "") -> Iterator[Reading]:
    """Let somebody look at approvals in the block. A refusal in it, and where all is audited also the look, is recorded.

    Raises:
        AccessDenied: nobody known, though users are set up.
        AuditUnavailable: it cannot be written down.
    """
    from automation_scripts.governance.opened import open_approvals, open_gate

    gate, actor = open_gate(settings), None
    try:
        actor = _identified(settings, gate)
        yield Reading(settings, actor, gate, open_approvals(settings))
    except AutomationError as refusal:
        why = getattr(refusal, "reason", "") or type(refusal).__name__
        outcome = "denied" if isinstance(refusal, AccessDenied) else "failed"
        _write(gate, actor, outcome, resource, command=command, message=str(refusal), error=why)
        raise
    if settings.automation.security.audit_all_actions:
        _write(gate, actor, "allowed", resource, command=command)


def with_second_factor(settings: Settings, otp: str | None, deed: Callable[[Presented], Result]) -> Result:
    """Do it with the login of this account; when a second factor is missing, ask for one at the terminal and try again.

    Raises MfaRequired when there is nobody to ask, and what `deed` raises.
    """
    from automation_scripts.cli.administration import authenticated, identity
    from automation_scripts.cli.secret_input import ask_code
    from automation_scripts.governance.credentials import ambient

    try:
        return deed(ambient(settings.home, code=otp))
    except MfaRequired as refusal:
        if otp:
            raise
        store = identity(settings)
        person = authenticated(settings, store).name
        if not store.directory.get(person).second_factors:
            raise MfaRequired(
                f"{str(refusal).removesuffix('Give the code of your app with --otp.')}You have no second factor yet: set one "
                "up with `automation users totp enrol`."
            ) from None
        code = ask_code(person)
        if code is None:
            raise
    return deed(ambient(settings.home, code=code))


def _identified(settings: Settings, gate: Gate) -> Actor:
    """Whose login it is; the account of the operating system while no users are set up."""
    from automation_scripts.cli.administration import NOT_LOGGED_IN
    from automation_scripts.context import operating_system_user
    from automation_scripts.governance.credentials import ambient
    from automation_scripts.governance.facts import Entry
    from automation_scripts.governance.opened import users_are_set_up

    given, known = ambient(settings.home), users_are_set_up(settings)
    if known and given.proves_nothing:
        raise AccessDenied(NOT_LOGGED_IN)
    entry = Entry(
        script="",
        environment="",
        parameters={},
        shown={},
        claimed_user=operating_system_user(),
        credential=given,
        trigger="cli",
        by_person=True,
        level="manual",
        dry_run=True,
        intends_changes=False,
        execution_id="",
    )
    return gate.identification.identify(entry, unproved_allowed=not known)


def _write(gate: Gate, actor: Actor | None, outcome: str, resource: str, **details: str) -> None:
    from automation_scripts.context import operating_system_user
    from automation_scripts.governance.audit.records import AuditRecord

    gate.trail.audit.append(
        AuditRecord(
            "approval.read",
            actor=actor.name if actor else "",
            claimed_user="" if actor else operating_system_user()[:_LONGEST],
            authentication=actor.authentication if actor else "none",
            outcome=outcome,
            resource=resource[:_LONGEST],
            details=details,
        )
    )
