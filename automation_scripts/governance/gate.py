"""The one gate: every run passes it twice, on whichever path it came.

`admit` asks who it is and whether it may run at all, and writes the intent before anything happens. `permit` asks, once
the plan is known, whether it may be applied: role, second factor, approval, freeze. `outcome` writes what came of it.
What cannot be audited does not happen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

from automation_scripts.errors import AccessDenied, ApprovalRequired, AutomationError, InvalidParameters, MfaRequired
from automation_scripts.governance.consent import Consent, Plan, binding
from automation_scripts.governance.credentials import Presented
from automation_scripts.governance.facts import Actor, Admission, Entry
from automation_scripts.governance.identification import Identification
from automation_scripts.governance.policy.authorizer import Authorizer
from automation_scripts.governance.policy.model import AccessRequest, Decision, Missing
from automation_scripts.governance.policy.vocabulary import Action
from automation_scripts.governance.run_trail import RunTrail
from automation_scripts.storage.times import now as present

FACTOR_LASTS = timedelta(minutes=5)
"""How old a second factor may be at a critical change."""
_MENDED_LATER = frozenset({Missing.MFA, Missing.APPROVAL, Missing.BREAK_GLASS})


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings that hold whatever the policies say."""

    protected: frozenset[str]
    """Environments in which a change needs an approval and, of a person, a second factor."""
    require_mfa: bool
    audit_reads: bool
    """Whether runs that change nothing leave an intent and an outcome too."""


class NeedsApproval(ApprovalRequired):
    """A plan waits for approval: the request has been filed under `approval_id`."""

    def __init__(self, message: str, approval_id: str) -> None:
        super().__init__(message)
        self.approval_id = approval_id


class Gate:
    """Who, what, where, and with whose consent. Synchronous; from asyncio through `asyncio.to_thread`."""

    def __init__(
        self,
        rules: Rules,
        identification: Identification,
        authorizer: Authorizer,
        consent: Consent,
        trail: RunTrail,
        clock: Callable[[], datetime] = present,
    ) -> None:
        self.rules = rules
        self.identification = identification
        self.consent = consent
        self.trail = trail
        self._authorizer = authorizer
        self._clock = clock

    def admit(self, entry: Entry, *, unproved_allowed: bool) -> Admission:
        """Let a run in, or refuse it; either is in the audit log when this returns or raises.

        Args:
            entry: what it asks for.
            unproved_allowed: whether the path it came on may be used without a credential.

        Raises:
            AccessDenied: the credential is not good, or the policies do not allow it.
            MfaRequired: a second factor is missing.
            AuditUnavailable: it cannot be written down, so it must not run.
        """
        try:
            actor = self.identification.identify(entry, unproved_allowed=unproved_allowed)
        except AutomationError as refusal:
            self.trail.denied(entry, None, refusal)
            raise
        decision = self._decide(entry, actor, Action.OBSERVE)
        if decision.allowed and entry.intends_changes:
            change = self._decide(entry, actor, Action.CHANGE)
            if not change.allowed and not _MENDED_LATER & set(change.missing):
                decision = change  # nothing that is asked for once the plan is known would help
        if not decision.allowed:
            self._refuse(entry, actor, decision)
        self.consent.expire_due()
        audited = self.rules.audit_reads or entry.intends_changes
        if audited:
            self.trail.write(entry, actor, "run.intent", "intent", _reasons(decision), policies=decision.digest)
        return Admission(entry, actor, audited)

    def permit(self, admission: Admission, plan: Plan) -> None:
        """Let the plan be applied, or refuse it; either is in the audit log when this returns or raises.

        An approval that is used up here cannot be used again.

        Raises:
            NeedsApproval: an approval is missing; it has been asked for.
            ApprovalRequired: the one that was named cannot be used.
            MfaRequired: a second factor is missing.
            AccessDenied: the policies do not allow it.
        """
        entry, actor = admission.entry, admission.actor
        votes = self.consent.votes(entry)
        decision = self._decide(
            entry,
            actor,
            Action.CHANGE,
            # An approval that was named is looked at closely when it is used up, and its faults are told then.
            approvals=max(len(votes), 1) if entry.approval_id else 0,
            approver_roles=frozenset(role for vote in votes for role in vote.roles),
            predicted_changes=len(plan.facts),
        )
        self._require_factor(entry, actor, decision)
        missing = set(decision.missing)
        if decision.allowed and (entry.approval_id or decision.break_glass_used or not self._needs_consent(entry)):
            self._take_consent(admission, plan, decision)
        elif entry.break_glass and Missing.MFA in missing:
            self._factor_missing(entry, actor, decision.message)
        elif entry.break_glass:
            self._refuse(entry, actor, decision)
        elif decision.allowed or (Missing.APPROVAL in missing and missing <= {Missing.MFA, Missing.APPROVAL}):
            self._ask_for_consent(admission, plan, decision)
        else:
            self._refuse(entry, actor, decision)

    def may_ask(self, entry: Entry, changes: int) -> Actor:
        """Who asks for an approval before the run that will rely on it, when one is needed and would help.

        Raises:
            AccessDenied: the credential is not good, or an approval would not let this person do it.
            InvalidParameters: no approval is needed.
            AuditUnavailable: a refusal cannot be written down.
        """
        actor: Actor | None = None
        try:
            actor = self.identification.identify(entry, unproved_allowed=False)
            decision = self._decide(entry, actor, Action.CHANGE, predicted_changes=changes)
            missing = set(decision.missing)
            if not decision.allowed and not (missing and missing <= {Missing.MFA, Missing.APPROVAL}):
                raise AccessDenied(decision.message)
            if Missing.APPROVAL not in missing and not self._needs_consent(entry):
                raise InvalidParameters(
                    f"Nobody has to approve this: {actor.name} may run {entry.script} in {entry.environment} without it."
                )
        except AutomationError as refusal:
            self.trail.denied(entry, actor, refusal)
            raise
        return actor

    def identify_again(self, admission: Admission, given: Presented) -> None:
        """Prove who asks with what was given while the run waited: a second factor, or a user and a code.

        Raises:
            AccessDenied: it is not good.
        """
        before = admission.actor
        entry = dataclasses.replace(admission.entry, credential=given, claimed_user=given.user)
        try:
            admission.actor = self.identification.confirm(before, entry)
        except AutomationError as refusal:
            self.trail.denied(admission.entry, before, refusal)
            raise
        self.trail.write(admission.entry, admission.actor, "run.identified", "allowed")

    def ticket(self, entry: Entry, given: Presented) -> str:
        """A ticket with which another process may do exactly this run, once and soon.

        Raises:
            AccessDenied: the credential is not good.
        """
        entry = dataclasses.replace(entry, credential=given)
        try:
            return self.identification.ticket(entry)
        except AutomationError as refusal:
            self.trail.denied(entry, None, refusal)
            raise

    def rely_on(self, admission: Admission, approval_id: str) -> None:
        """Go on with the approval that was waited for. Whether it holds is decided by `permit`."""
        admission.entry = dataclasses.replace(admission.entry, approval_id=approval_id)

    def outcome(self, admission: Admission, status: str, message: str, **facts: Any) -> None:
        """Write what came of an admitted run. Raises AuditUnavailable."""
        if admission.audited:
            details = {"message": message, "approvals": admission.approvals, **facts}
            self.trail.write(admission.entry, admission.actor, "run.outcome", status, **details)

    # Within

    def _needs_consent(self, entry: Entry) -> bool:
        """`require_approval_for` always wins, and so does a level that asks for a person's confirmation."""
        return entry.environment in self.rules.protected or (entry.level == "semi_automatic" and not entry.by_person)

    def _require_factor(self, entry: Entry, actor: Actor, decision: Decision) -> None:
        """`require_mfa` holds for persons in protected environments even where the policies forgot it."""
        if not decision.allowed or not self.rules.require_mfa or entry.environment not in self.rules.protected:
            return
        now = self._clock()
        fresh = actor.mfa_at is not None and now - FACTOR_LASTS <= actor.mfa_at <= now
        if actor.kind == "person" and not fresh:
            self._factor_missing(
                entry, actor, f"`require_mfa` asks for a second factor at changes in {entry.environment}."
            )

    def _factor_missing(self, entry: Entry, actor: Actor, why: str) -> NoReturn:
        refusal = MfaRequired(f"{why} Give the code of your app with --otp.")
        self.trail.denied(entry, actor, refusal)
        raise refusal

    def _decide(self, entry: Entry, actor: Actor, action: Action, **circumstances: Any) -> Decision:
        scope = actor.proved.scope if actor.proved else None
        if scope is not None and not scope.allows(entry.script, entry.environment, action.value):
            return Decision(
                False,
                f"The service token of {actor.name} may not be used to {action.value} {entry.script} in "
                f"{entry.environment}: that is outside its scope. Use another token, or have one made for this.",
            )
        return self._authorizer.authorize(
            AccessRequest(
                principal=actor.policy,
                action=action,
                now=self._clock(),
                environment=entry.environment,
                script=entry.script,
                level=entry.level,
                trigger=entry.trigger,
                dry_run=entry.dry_run,
                mfa_at=actor.mfa_at,
                break_glass=bool(entry.break_glass),
                **circumstances,
            )
        )

    def _take_consent(self, admission: Admission, plan: Plan, decision: Decision) -> None:
        if decision.break_glass_used:
            self.consent.break_glass(admission, plan)
        elif admission.entry.approval_id:
            self.consent.use(admission, plan)
        self.trail.write(
            admission.entry,
            admission.actor,
            "change.intent",
            "intent",
            _reasons(decision),
            binding=binding(admission.entry, plan),
            changes=len(plan.facts),
            policies=decision.digest,
            approvals=admission.approvals,
            approvers=admission.approvers,
            break_glass=admission.entry.break_glass if decision.break_glass_used else "",
        )
        admission.audited = True

    def _ask_for_consent(self, admission: Admission, plan: Plan, decision: Decision) -> None:
        """File a request for approval, and refuse the run until it was granted."""
        entry, rules = admission.entry, self.consent.rules
        if entry.approval_id:
            self._refuse(entry, admission.actor, decision)
        asked = self.consent.ask(admission, plan)
        others = "another person" if rules.approvers == 1 else f"{rules.approvers} other persons"
        also = " The run itself then needs your second factor (--otp)." if Missing.MFA in decision.missing else ""
        refusal = NeedsApproval(
            f"This run would change {len(plan.facts)} things in {entry.environment}, and that needs the approval of {others} "
            f"(any of {', '.join(rules.roles)}). It was asked for as {asked.id}: they look at it with `automation approvals "
            f"show {asked.id}` and say yes with `automation approvals grant {asked.id}`. Nothing was changed. Then run this "
            f"again with --approval {asked.id}.{also}",
            asked.id,
        )
        self.trail.denied(entry, admission.actor, refusal)
        raise refusal

    def _refuse(self, entry: Entry, actor: Actor, decision: Decision) -> None:
        try:
            decision.require()
            raise AccessDenied(decision.message)
        except MfaRequired as refusal:
            self.trail.denied(entry, actor, refusal, _reasons(decision))
            if actor.kind != "person":
                raise AccessDenied(str(refusal)) from None
            raise MfaRequired(f"{refusal} Give the code of your app with --otp.") from None
        except AutomationError as refusal:
            self.trail.denied(entry, actor, refusal, _reasons(decision))
            raise


def _reasons(decision: Decision) -> list[str]:
    return [f"{reason.id} ({reason.file}:{reason.line})" for reason in decision.reasons]
