"""May this run start, and may it change something? Pure decisions over the request and the settings."""

from __future__ import annotations

from automation_scripts.catalog import Level
from automation_scripts.errors import AccessDenied, ApprovalRequired
from automation_scripts.execution.request import ExecutionRequest
from automation_scripts.settings import Settings


def check_start(request: ExecutionRequest) -> None:
    """Whether the script's automation level lets this trigger start it.

    Raises:
        AccessDenied: a `manual` script that no person started.
    """
    if request.level is Level.MANUAL and not request.trigger.by_person:
        raise AccessDenied(
            f"{request.script.name} is at level 'manual' in {request.context.environment}: only a person may start it, "
            f"and this run was started by a {request.trigger.value}. Start it yourself, or set another level under "
            f"`scripts.{request.script.name}.levels` in the settings file."
        )


def check_changes(request: ExecutionRequest, settings: Settings) -> None:
    """Whether a run whose plan changes something may apply it.

    Approvals cannot be proved yet, so a change that needs one is refused: an `approval_id` alone is only a claim.

    Raises:
        ApprovalRequired: the environment is named in `require_approval_for`, or the level asks for a confirmation.
    """
    environment = request.context.environment
    if settings.needs_approval(environment):
        why = f"`require_approval_for` names {environment}"
    elif request.level is Level.SEMI_AUTOMATIC and not request.trigger.by_person:
        why = f"{request.script.name} is at level 'semi_automatic' in {environment} and no person started it"
    else:
        return
    raise ApprovalRequired(
        f"This run would change things, and {why}. Approvals cannot be proved in this version, so nothing was changed. "
        "Run it with --dry-run to see the plan, or in an environment that needs no approval."
    )
