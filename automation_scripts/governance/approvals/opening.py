"""A new request, checked, before it has an id and a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.approvals.binding import checked_hash
from automation_scripts.governance.approvals.records import ApprovalRequest, Content
from automation_scripts.governance.names import as_seen

_LONGEST = 2000
_NEVER = datetime.min.replace(tzinfo=UTC)


def new_request(
    content: Content,
    binding_hash: str,
    *,
    requester: str,
    requester_kind: str,
    claimed_user: str,
    reason: str,
    required: int,
    roles: Sequence[str],
    execution_id: str | None = None,
    previous_id: str | None = None,
) -> ApprovalRequest:
    """The request that these facts make; the store adds id, times and who else is barred. Raises InvalidParameters."""
    for name, text in (("script", content.script), ("environment", content.environment)):
        if not text:
            raise InvalidParameters(f"{name}: an approval is for one {name}; it is missing.")
    if not as_seen(requester):
        raise InvalidParameters(
            "requester: say who asks; nobody could be kept from approving his own request otherwise."
        )
    if isinstance(roles, str) or not roles or not all(roles):
        raise InvalidParameters("roles: name one role at least, in a list; nobody could approve otherwise.")
    return ApprovalRequest(
        id="",
        script=content.script,
        environment=content.environment,
        binding_hash=checked_hash(binding_hash),
        parameters=dict(content.parameters),
        plan=tuple(dict(change) for change in content.plan),
        requester=requester,
        claimed_user=claimed_user,
        requester_kind=requester_kind,
        reason=checked_reason(reason),
        required=required,
        roles=tuple(sorted(set(roles))),
        created_at=_NEVER,
        expires_at=_NEVER,
        execution_id=execution_id,
        previous_id=previous_id,
        barred=tuple(sorted({name for name in (as_seen(requester), as_seen(claimed_user)) if name})),
    )


def checked_reason(text: str) -> str:
    """`text`, when it says something. Raises InvalidParameters."""
    if not text.strip():
        raise InvalidParameters("reason: say why this has to be done; who approves it must be able to judge.")
    return checked_length(text, "reason")


def checked_length(text: str, what: str) -> str:
    """`text`, when it is no longer than people read. Raises InvalidParameters."""
    if len(text) > _LONGEST:
        raise InvalidParameters(f"{what}: {len(text):,} characters; {_LONGEST:,} at most.")
    return text
