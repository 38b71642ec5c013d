"""May this run start? What can be said before anybody was identified, and what the gate is told."""

from __future__ import annotations

from automation_scripts.catalog import Level
from automation_scripts.errors import AccessDenied
from automation_scripts.execution.request import ExecutionRequest
from automation_scripts.governance.facts import Entry
from automation_scripts.observability.redaction import redact
from automation_scripts.server.record import ServerFolder, ServerRecord
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


def entry_of(request: ExecutionRequest) -> Entry:
    """What the gate needs to know of a request."""
    context = request.context
    parameters = request.parameters.model_dump(mode="json")
    return Entry(
        script=request.script.name,
        environment=context.environment,
        parameters=parameters,
        shown=redact(parameters),
        claimed_user=context.user,
        credential=request.credential,
        trigger=request.trigger.value,
        by_person=request.trigger.by_person,
        level=request.level.value,
        dry_run=context.dry_run,
        intends_changes=request.intends_changes,
        execution_id=request.execution_id,
        request_id=context.request_id,
        trace_id=request.trace_id,
        approval_id=context.approval_id,
        break_glass=context.break_glass,
    )


def unproved_allowed(settings: Settings) -> bool:
    """Whether runs may come without a credential: only through the embedded server, which listens on this machine alone."""
    if settings.prefect.api_url is None:
        return True
    # The embedded worker's runs have its address in their environment, like that of any other server.
    record = ServerRecord.read(ServerFolder(settings.home).record)
    return record is not None and record.api_url == settings.prefect.api_url
