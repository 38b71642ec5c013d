"""What happens to users and approvals, as records of the audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from automation_scripts.governance.audit.records import AuditRecord

if TYPE_CHECKING:
    from automation_scripts.governance.approvals.records import ApprovalEvent
    from automation_scripts.governance.audit.log import AuditLog
    from automation_scripts.governance.identity.records import IdentityEvent


def identity_events(audit: AuditLog) -> Callable[[IdentityEvent], None]:
    """A hook that writes each event of identity, after it happened."""

    def write(event: IdentityEvent) -> None:
        failed = event.kind.endswith((".failed", ".refused", ".locked"))
        audit.append(
            AuditRecord(
                f"identity.{event.kind}",
                actor=event.by or ("" if failed else event.user),
                claimed_user=event.user,
                authentication=event.detail.get("authentication", "none"),
                outcome="denied" if failed else "succeeded",
                resource=event.user,
                details={"source": event.source, **event.detail},
            )
        )

    return write


def approval_events(audit: AuditLog) -> Callable[[ApprovalEvent], None]:
    """A hook that writes each event of an approval before it takes effect; if it cannot be written, it does not."""

    def write(event: ApprovalEvent) -> None:
        request = event.request
        details: dict[str, Any] = {"reason": event.reason}
        if request is not None:
            details |= {"binding": request.binding_hash, "required": request.required, "roles": list(request.roles)}
        if event.vote is not None:
            details |= {"reason": event.vote.reason, "voter_roles": list(event.vote.roles)}
        audit.append(
            AuditRecord(
                event.kind.value,
                actor=event.actor,
                claimed_user=request.claimed_user if request else "",
                authentication=event.vote.method if event.vote else "none",
                outcome="intent",
                script=request.script if request else "",
                environment=request.environment if request else "",
                execution_id=(request.execution_id or "") if request else "",
                resource=request.id if request else "",
                details=details,
            )
        )

    return write
