"""By which right somebody uses the audit log and the keys: that of a user, or, while there are none, of the owner.

While no users are set up there is nobody to log in as. The owner of the state folder, who could open its files anyway, is
let in then, and recorded as `local`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automation_scripts.governance.audit.log import AuditLog
    from automation_scripts.governance.facts import Actor
    from automation_scripts.settings import Settings


@dataclass(frozen=True, slots=True)
class Work:
    """An administrative act that was let in."""

    actor: Actor
    audit: AuditLog

    def record(self, action: str, resource: str = "", **details: Any) -> None:
        """Record what was done, beside the intent and the outcome of the command. Raises AuditUnavailable."""
        _write(self.audit, action, "succeeded", self.actor, details, resource=resource)


def reader(settings: Settings, audit: AuditLog, otp: str | None, asked: Mapping[str, Any]) -> Actor:
    """Who reads the audit log; that it is read, and what was `asked`, is in the log when this returns.

    Raises:
        AccessDenied: nobody known, or somebody who may not; the refusal is in the log. MfaRequired: where policies want it.
        AuditUnavailable: the log cannot be written, so it is not read either.
    """
    from automation_scripts.cli.administration import administrator
    from automation_scripts.errors import AutomationError
    from automation_scripts.governance.opened import users_are_set_up
    from automation_scripts.governance.policy import Action

    try:
        known = users_are_set_up(settings)
        actor = administrator(settings, otp, Action.READ_AUDIT) if known else _owner(settings)
    except AutomationError as refusal:
        why = getattr(refusal, "reason", "") or type(refusal).__name__
        _write(audit, "audit.read", "denied", None, {**asked, "message": str(refusal), "error": why})
        raise
    _write(audit, "audit.read", "allowed", actor, asked)
    return actor


@contextmanager
def authorised(
    settings: Settings, command: str, otp: str | None, *, resource: str = "", **arguments: Any
) -> Iterator[Work]:
    """Let an administrator do what stands in the block. The log has the intent before it, and the outcome after it.

    Args:
        settings: the settings.
        command: such as `keys rotate`.
        otp: a one-time or recovery code, if one was given.
        resource: what it is about.
        arguments: what it was given, without secrets and without the names of those who are to be forgotten.

    Raises:
        AccessDenied: nobody known, or no administrator. MfaRequired: a second factor is missing.
        AuditUnavailable: it cannot be written down, so it is not done.
    """
    from automation_scripts.cli.administration import administration
    from automation_scripts.governance.opened import open_audit, users_are_set_up

    audit = open_audit(settings)
    if users_are_set_up(settings):
        with administration(settings, command, otp, resource=resource, **arguments) as allowed:
            yield Work(allowed.actor, audit)
        return
    with _by_owner(settings, audit, command, resource, arguments) as actor:
        yield Work(actor, audit)


@contextmanager
def _by_owner(
    settings: Settings, audit: AuditLog, command: str, resource: str, arguments: Mapping[str, Any]
) -> Iterator[Actor]:
    from automation_scripts.context import new_request_id
    from automation_scripts.errors import AutomationError

    request_id = new_request_id()
    said = {"command": command, "arguments": dict(arguments)}
    try:
        actor = _owner(settings)
    except AutomationError as refusal:
        _write(
            audit,
            "admin.denied",
            "denied",
            None,
            {**said, "message": str(refusal)},
            resource=resource,
            request_id=request_id,
        )
        raise
    _write(audit, "admin.intent", "intent", actor, said, resource=resource, request_id=request_id)
    try:
        yield actor
    except BaseException as error:
        # The text of an error that nobody foresaw may hold anything.
        message = str(error) if isinstance(error, AutomationError) else ""
        told = {**said, "message": message, "error": type(error).__name__}
        _write(audit, "admin.outcome", "failed", actor, told, resource=resource, request_id=request_id)
        raise
    _write(audit, "admin.outcome", "succeeded", actor, said, resource=resource, request_id=request_id)


def _owner(settings: Settings) -> Actor:
    """The owner of the state folder, as the local user. Raises AccessDenied for anybody else."""
    import os

    from automation_scripts.cli.audit_common import note
    from automation_scripts.context import operating_system_user
    from automation_scripts.errors import AccessDenied
    from automation_scripts.governance.credentials import ambient
    from automation_scripts.governance.facts import LOCAL, Actor
    from automation_scripts.governance.policy import Principal, PrincipalKind

    if not ambient(settings.home).proves_nothing:
        raise AccessDenied(
            "A credential was given, and no users are set up here. Set them up with `automation users init`, or use the "
            "state folder (AUTOMATION_HOME) and the `governance.url` that the credential belongs to."
        )
    if settings.home.exists() and settings.home.stat().st_uid != os.geteuid():
        raise AccessDenied(
            f"No users are set up, and the state folder {settings.home} belongs to another account. Run this as its owner, or "
            "let the owner set up users with `automation users init`."
        )
    name = operating_system_user()
    note(f"note: no users are set up: recorded as the local user {name}. Set them up with `automation users init`.")
    return Actor(name, LOCAL, LOCAL, Principal(PrincipalKind.LOCAL, name))


def _write(
    audit: AuditLog,
    action: str,
    outcome: str,
    actor: Actor | None,
    details: Mapping[str, Any],
    *,
    resource: str = "",
    request_id: str = "",
) -> None:
    from automation_scripts.context import operating_system_user
    from automation_scripts.governance.audit.records import AuditRecord

    audit.append(
        AuditRecord(
            action,
            actor=actor.name if actor else "",
            claimed_user="" if actor else operating_system_user(),
            authentication=actor.authentication if actor else "none",
            outcome=outcome,
            resource=resource[:500],
            request_id=request_id,
            details=details,
        )
    )
