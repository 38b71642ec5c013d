"""`automation approvals request`: plan a run, and ask for the approval of exactly that plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from automation_scripts.catalog import Script
    from automation_scripts.governance.facts import Entry
    from automation_scripts.results import ExecutionResult
    from automation_scripts.settings import Settings


def request(
    script: str = typer.Argument(..., metavar="SCRIPT", help="A script of `automation scripts`."),
    parameter: list[str] = typer.Option(
        [], "-p", "--parameter", metavar="KEY=VALUE", help="A parameter, exactly as the run will have it; repeat."
    ),
    environment: str = typer.Option("development", "-e", "--environment", help="Environment that the run acts on."),
    reason: str = typer.Option("", "--reason", help="Why it has to be done; who approves it reads this."),
) -> None:
    """Plan a run by a dry run, and ask for the approval of exactly this plan. The id alone goes to stdout.

    The approval is good for one `automation run` with the same script, parameters and environment, by you, if the plan is
    the same then.

    Examples:

        automation approvals request config_validator -p config_path=conf -p apply_fixes=true -e production --reason typos
    """
    import dataclasses

    from automation_scripts import catalog
    from automation_scripts.cli.administration import identity
    from automation_scripts.cli.approvals_access import Standing
    from automation_scripts.cli.approvals_view import headline
    from automation_scripts.cli.run import parse_parameters
    from automation_scripts.cli.users_common import said
    from automation_scripts.governance.consent import Plan
    from automation_scripts.governance.facts import Admission
    from automation_scripts.governance.opened import open_gate
    from automation_scripts.observability.redaction import redact
    from automation_scripts.settings import load_settings

    settings = load_settings()
    entry = catalog.get(script).require_available()
    parameters = parse_parameters(entry, parameter)
    wanted = _wanted(settings, entry, parameters, environment)
    identity(settings)
    gate = open_gate(settings)
    gate.may_ask(wanted, changes=1)  # before the work, not after it
    planned = _planned(settings, script, parameters, environment)
    facts = [change.to_dict() for change in planned.predicted_changes]
    wanted = dataclasses.replace(wanted, execution_id=planned.execution_id)
    admission = Admission(wanted, gate.may_ask(wanted, len(facts)), audited=False)
    asked = gate.consent.ask(admission, Plan(facts, redact(facts)), reason)
    said(headline(asked, Standing.of(asked, gate, settings)))
    typer.echo(asked.id)


def _wanted(settings: Settings, script: Script, parameters: dict[str, Any], environment: str) -> Entry:
    """What the later run will ask of the gate. Raises InvalidParameters, also for a run that would change nothing."""
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.execution.admission import entry_of
    from automation_scripts.execution.request import Trigger, resolve
    from automation_scripts.governance.credentials import ambient

    wanted = entry_of(
        resolve(
            script,
            parameters,
            {"environment": environment},
            Trigger.CLI,
            settings,
            credential=ambient(settings.home),
        )
    )
    if not wanted.intends_changes:
        raise InvalidParameters(
            f"With these parameters {script.name} changes nothing, so nobody has to approve it. See "
            f"`automation scripts {script.name}` for the parameter that lets it apply its plan."
        )
    return wanted


def _planned(settings: Settings, script: str, parameters: dict[str, Any], environment: str) -> ExecutionResult:
    """The dry run. Raises InvalidParameters when it failed, or predicts no change."""
    from automation_scripts.cli.console import complain
    from automation_scripts.cli.progress import RunDisplay
    from automation_scripts.cli.run import _execute, _leave_at_once, _quiet_prefect
    from automation_scripts.context import ExecutionContext
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.execution.request import Trigger
    from automation_scripts.orchestrator import AutomationOrchestrator

    _quiet_prefect()
    context = ExecutionContext(environment=environment, dry_run=True)
    with RunDisplay() as display:
        orchestrator = AutomationOrchestrator(settings, listener=display, trigger=Trigger.CLI)
        result = _execute(orchestrator, script, context, parameters, None, None, remote=False)
    if result.status == "cancelled":
        raise KeyboardInterrupt
    if result.status != "dry_run":
        why = f"The dry run {result.execution_id} is {result.status}, so nothing was asked for: {result.message}"
        if orchestrator.stuck:
            complain(why)
            _leave_at_once(2)
        raise InvalidParameters(why)
    if not result.predicted_changes:
        raise InvalidParameters(
            f"The dry run {result.execution_id} predicts no change in {environment}: there is nothing to approve."
        )
    return result
