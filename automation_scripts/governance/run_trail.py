"""What happens to runs, and who was not let have a say in them, as records of the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from automation_scripts.errors import AutomationError
from automation_scripts.governance.audit.log import AuditLog
from automation_scripts.governance.audit.records import AuditRecord
from automation_scripts.governance.facts import Actor, Entry
from automation_scripts.governance.payloads import Payloads

RUN_DENIED = "run.denied"
APPROVAL_DENIED = "approval.denied"
"""A vote, review or withdrawal that was refused. The request stands as before."""
_LONGEST = 4000


class RunTrail:
    """Writes about runs. Every method raises AuditUnavailable when it cannot; then what it tells of must not happen."""

    def __init__(self, audit: AuditLog, payloads: Payloads | None = None) -> None:
        self.audit = audit
        self._payloads = payloads

    def write(
        self,
        entry: Entry,
        actor: Actor | None,
        action: str,
        outcome: str,
        reasons: Sequence[str] = (),
        *,
        resource: str = "",
        **details: Any,
    ) -> None:
        """One record about a run, or about a `resource` that belongs to it."""
        shown = {"parameters": entry.shown} if outcome == "intent" or actor is None else {}
        named = {"approval": entry.approval_id} if entry.approval_id else {}
        common = {"trigger": entry.trigger, "level": entry.level, "dry_run": entry.dry_run}
        self.audit.append(
            AuditRecord(
                action,
                actor=actor.name if actor else "",
                claimed_user=entry.claimed_user,
                authentication=actor.authentication if actor else "none",
                outcome=outcome,
                script=entry.script,
                environment=entry.environment,
                execution_id=entry.execution_id,
                request_id=entry.request_id,
                trace_id=entry.trace_id,
                resource=resource,
                reasons=reasons,
                details=self._sealed({**common, **shown, **named, **details}, entry, actor),
            )
        )

    def denied(self, entry: Entry, actor: Actor | None, refusal: AutomationError, reasons: Sequence[str] = ()) -> None:
        """That a run was refused. The caller is told less than this: a credential's fault is for the log alone."""
        self._refused(RUN_DENIED, entry, actor, refusal, reasons)

    def approval_denied(self, entry: Entry, actor: Actor | None, refusal: AutomationError) -> None:
        """That somebody was not let vote on, review or withdraw the approval of `entry`. Told as `denied`."""
        self._refused(APPROVAL_DENIED, entry, actor, refusal, resource=entry.approval_id or "")

    def _refused(
        self,
        action: str,
        entry: Entry,
        actor: Actor | None,
        refusal: AutomationError,
        reasons: Sequence[str] = (),
        resource: str = "",
    ) -> None:
        why = getattr(refusal, "reason", "") or type(refusal).__name__
        message = str(refusal)[:_LONGEST]
        self.write(entry, actor, action, "denied", reasons, resource=resource, message=message, error=why)

    def _sealed(self, details: dict[str, Any], entry: Entry, actor: Actor | None) -> dict[str, Any]:
        """For whose run it is: what a person gave and was told goes when the person's keys go."""
        if self._payloads is None:
            return details
        subject = actor.name if actor else entry.claimed_user
        return self._payloads.seal(details, entry.execution_id, subject)

    def lost(self, execution_id: str, script: str, environment: str, user: str, status: str) -> None:
        """What became of a run whose process was killed before it could tell."""
        self.audit.append(
            AuditRecord(
                "run.outcome",
                claimed_user=user,
                outcome=status,
                script=script,
                environment=environment,
                execution_id=execution_id,
                details={"message": "its process was gone"},
            )
        )

    def malformed(self, script: str, environment: str, user: str, execution_id: str, refusal: AutomationError) -> None:
        """That a request was so wrong that no run could be made of it."""
        self.audit.append(
            AuditRecord(
                RUN_DENIED,
                claimed_user=user[:500],
                outcome="denied",
                script=script,
                environment=environment[:500],
                execution_id=execution_id,
                details={"message": str(refusal)[:_LONGEST], "error": type(refusal).__name__},
            )
        )
