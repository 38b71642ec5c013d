"""Other people's consent to a plan: asked for, given, used up; and doing without it in an emergency."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from automation_scripts.errors import AccessDenied, ApprovalRequired, AutomationError, InvalidParameters, MfaRequired
from automation_scripts.governance.approvals.binding import binding_hash
from automation_scripts.governance.approvals.core import AT_ONCE
from automation_scripts.governance.approvals.records import ApprovalRequest, Approver, Content, Vote
from automation_scripts.governance.credentials import Presented
from automation_scripts.governance.facts import Actor, Admission, Entry
from automation_scripts.governance.identification import Identification
from automation_scripts.governance.policy.authorizer import Authorizer
from automation_scripts.governance.policy.model import AccessRequest
from automation_scripts.governance.policy.vocabulary import Action
from automation_scripts.governance.run_trail import RunTrail

if TYPE_CHECKING:
    from automation_scripts.governance.approvals.store import ApprovalStore

log = logging.getLogger("automation.governance")


@dataclass(frozen=True, slots=True)
class ConsentRules:
    """The settings of approvals."""

    approvers: int
    roles: tuple[str, ...]
    lasts_s: float
    review_within_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would change."""

    facts: Sequence[Mapping[str, Any]]
    """All of it: what an approval is bound to."""
    shown: Sequence[Mapping[str, Any]]
    """The same without secrets: what people see."""


class Consent:
    """Approvals as the gate and the people who approve use them.

    Args:
        rules: the settings.
        approvals: opens the store when it is first needed.
        identification: proves who approves.
        authorizer: the policies.
        trail: where it is written down.
        clock: the time.
    """

    def __init__(
        self,
        rules: ConsentRules,
        approvals: Callable[[], ApprovalStore],
        identification: Identification,
        authorizer: Authorizer,
        trail: RunTrail,
        clock: Callable[[], datetime],
    ) -> None:
        self.rules = rules
        self.identification = identification
        self._approvals = approvals
        self._authorizer = authorizer
        self._trail = trail
        self._clock = clock

    # For the gate

    def expire_due(self) -> None:
        """Write down which requests have expired, in passing, when a run is let in. It never refuses the run for that."""
        if not self.identification.users_exist():
            return  # nobody could have granted anything: not worth a database
        try:
            self._approvals().expire_due(AT_ONCE)
        except AutomationError as unwritten:
            log.warning("that requests for approval have expired cannot be written down: %s", unwritten)

    def votes(self, entry: Entry) -> Sequence[Vote]:
        """The votes of the approval that the run names that count now; none when it cannot be found."""
        if not entry.approval_id:
            return ()
        try:
            return self._approvals().current_approvals(entry.approval_id, self.identification.roles_of)
        except InvalidParameters:
            return ()  # using it says what is wrong

    def ask(self, admission: Admission, plan: Plan, reason: str = "") -> ApprovalRequest:
        """File a request for the approval of exactly this. Without a `reason` it names the run."""
        entry, actor = admission.entry, admission.actor
        return self._approvals().request(
            _content(entry, plan),
            binding(entry, plan),
            requester=actor.name,
            requester_kind=actor.kind,
            reason=reason or f"run {entry.execution_id}, request {entry.request_id}",
            required=self.rules.approvers,
            roles=self.rules.roles,
            lifetime=timedelta(seconds=self.rules.lasts_s),
            claimed_user=entry.claimed_user,
            execution_id=entry.execution_id,
        )

    def use(self, admission: Admission, plan: Plan) -> None:
        """Use up the approval that the run names; it must be for exactly this. Raises ApprovalRequired."""
        entry, actor = admission.entry, admission.actor
        assert entry.approval_id is not None
        try:
            used = self._approvals().consume(
                entry.approval_id,
                binding(entry, plan),
                execution_id=entry.execution_id,
                requester=actor.name,
                roles_of=self.identification.roles_of,
                content=_content(entry, plan),
            )
        except InvalidParameters as unknown:
            refusal = ApprovalRequired(str(unknown))
            self._trail.denied(entry, actor, refusal)
            raise refusal from unknown
        except AutomationError as refusal:
            self._trail.denied(entry, actor, refusal)
            raise
        admission.approvals.append(used.request.id)
        admission.approvers.extend(vote.approver for vote in used.approvals)

    def break_glass(self, admission: Admission, plan: Plan) -> None:
        """Do without: usable once, at once, and to be reviewed. Refused while an earlier one waits too long for that."""
        entry, actor = admission.entry, admission.actor
        approvals = self._approvals()
        overdue = approvals.overdue_reviews(self._clock(), timedelta(seconds=self.rules.review_within_s))
        if overdue:
            refusal = AccessDenied(
                f"Nobody may break the glass before {overdue[0].id} was reviewed: `automation approvals review "
                f"{overdue[0].id}` by another person than {overdue[0].requester}."
            )
            self._trail.denied(entry, actor, refusal)
            raise refusal
        opened = approvals.open_break_glass(
            _content(entry, plan),
            binding(entry, plan),
            requester=_approver(actor),
            reason=entry.break_glass,
            roles=self.rules.roles,
            claimed_user=entry.claimed_user,
            execution_id=entry.execution_id,
        )
        admission.entry = dataclasses.replace(entry, approval_id=opened.id)
        self.use(admission, plan)
        log.warning("the glass was broken by %s for %s: %s", actor.name, entry.execution_id, entry.break_glass)

    def is_decided(self, approval_id: str) -> bool:
        """Whether an approval is no longer waited for: granted, denied, withdrawn or expired."""
        return self._approvals().get(approval_id).status.value != "pending"

    # For people

    def get(self, approval_id: str) -> ApprovalRequest:
        """One request, by its id or the unique beginning of it. Raises InvalidParameters."""
        return self._approvals().get(approval_id)

    def list(self, **filters: Any) -> list[ApprovalRequest]:
        """Requests, newest first; see `ApprovalStore.list`."""
        return list(self._approvals().list(**filters))

    def vote(
        self, approval_id: str, given: Presented, decision: str, reason: str = "", *, source: str
    ) -> ApprovalRequest:
        """Grant or deny a request as who the credential proves.

        Raises:
            AccessDenied: the credential is not good, or this person may not vote on this.
            MfaRequired: a second factor is missing.
            InvalidParameters: there is no such request, or a denial has no reason.
        """
        request = self._approvals().get(approval_id)
        entry = _entry_of(request, given, source)
        actor = self._allowed(request, entry, Action.APPROVE)
        with self._refusals_written(entry, actor):
            return self._approvals().vote(request.id, _approver(actor), decision, reason)

    def review(self, approval_id: str, given: Presented, note: str, *, source: str) -> ApprovalRequest:
        """Say what was found when a broken glass was looked at. Errors as `vote`."""
        request = self._approvals().get(approval_id)
        entry = _entry_of(request, given, source)
        actor = self._allowed(request, entry, Action.APPROVE)
        with self._refusals_written(entry, actor):
            return self._approvals().review(request.id, _approver(actor), note)

    def withdraw(self, approval_id: str, given: Presented, reason: str, *, source: str) -> ApprovalRequest:
        """Take one's own request back; an administrator may take back any. Errors as `vote`."""
        request = self._approvals().get(approval_id)
        entry = _entry_of(request, given, source)
        actor = self._identified(entry)
        administrator = "admin" in actor.policy.roles
        with self._refusals_written(entry, actor):
            return self._approvals().withdraw(request.id, actor.name, reason, administrator=administrator)

    # Within

    def _identified(self, entry: Entry) -> Actor:
        with self._refusals_written(entry, None):
            return self.identification.identify(entry, unproved_allowed=False)

    @contextmanager
    def _refusals_written(self, entry: Entry, actor: Actor | None) -> Iterator[None]:
        """Also when the policies let somebody try, and the rules of approvals do not."""
        try:
            yield
        except AutomationError as refusal:
            self._trail.approval_denied(entry, actor, refusal)
            raise

    def _allowed(self, request: ApprovalRequest, entry: Entry, action: Action) -> Actor:
        actor = self._identified(entry)
        decision = self._authorizer.authorize(
            AccessRequest(
                principal=actor.policy,
                action=action,
                now=self._clock(),
                environment=request.environment,
                script=request.script,
                trigger=entry.trigger,
                mfa_at=actor.mfa_at,
                own_request=actor.name == request.requester,
            )
        )
        try:
            decision.require()
        except MfaRequired as refusal:
            self._trail.approval_denied(entry, actor, refusal)
            raise MfaRequired(f"{refusal} Give the code of your app with --otp.") from None
        except AutomationError as refusal:
            self._trail.approval_denied(entry, actor, refusal)
            raise
        return actor


def binding(entry: Entry, plan: Plan) -> str:
    """The hash of what is to run."""
    return binding_hash(entry.script, entry.environment, entry.parameters, plan.facts)


def _content(entry: Entry, plan: Plan) -> Content:
    return Content(entry.script, entry.environment, entry.shown, tuple(plan.shown))


def _approver(actor: Actor) -> Approver:
    return Approver(actor.name, actor.kind, actor.policy.roles, actor.authentication, actor.mfa_at)


def _entry_of(request: ApprovalRequest, given: Presented, source: str) -> Entry:
    """The words of the gate for somebody who deals with a request."""
    return Entry(
        script=request.script,
        environment=request.environment,
        parameters={},
        shown={},
        claimed_user=given.user,
        credential=given,
        trigger=source,
        by_person=True,
        level="manual",
        dry_run=False,
        intends_changes=False,
        execution_id=request.execution_id or "",
        approval_id=request.id,
    )
