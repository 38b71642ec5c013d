"""`automation run SCRIPT`: one governed run, with progress while it works and a readable result."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from automation_scripts.catalog import Script
    from automation_scripts.context import ExecutionContext
    from automation_scripts.orchestrator import AutomationOrchestrator
    from automation_scripts.results import ExecutionResult


class OutputFormat(StrEnum):
    """How the result is printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


class FailOn(StrEnum):
    """The least severity of a finding that makes the exit code 1."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"
    NEVER = "never"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("run")(run)


def run(
    script: str = typer.Argument(..., metavar="SCRIPT", help="A script of `automation scripts`."),
    parameter: list[str] = typer.Option(
        [], "-p", "--parameter", metavar="KEY=VALUE", help="A parameter of the script; repeat for more."
    ),
    environment: str = typer.Option("development", "-e", "--environment", help="Environment that the run acts on."),
    user: str = typer.Option("", "-u", "--user", help="Who asks; the operating-system user when left out."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Show what would change; change nothing."),
    output_format: OutputFormat = typer.Option(OutputFormat.TEXT, "--format", help="How to print the result."),
    output: Path | None = typer.Option(None, "--output", "-o", help="Write the result to this file, not to stdout."),
    fail_on: FailOn = typer.Option(FailOn.HIGH, "--fail-on", help="Exit 1 for findings this bad or worse."),
    approval: str | None = typer.Option(None, "--approval", metavar="ID", help="Approval that the run relies on."),
    otp: str | None = typer.Option(
        None, "--otp", metavar="CODE", help="Your one-time or recovery code; asked for on a terminal when it is needed."
    ),
    break_glass: str = typer.Option(
        "",
        "--break-glass",
        metavar="REASON",
        help="Change things without approval in an emergency; reviewed afterwards.",
    ),
    request_id: str = typer.Option("", "--request-id", help="Identifier that ties the run to a request."),
    timeout: float | None = typer.Option(None, "--timeout", min=0.1, metavar="SECONDS", help="Time limit of the run."),
    remote: bool = typer.Option(
        False, "--remote", help="Let a worker run the script's deployment, and follow it from here."
    ),
) -> None:
    """Run one script and show what came of it.

    Exit codes: 0 done; 1 findings at or over --fail-on, or the run failed; 2 bad input or refused; 130 interrupted.

    Examples:

        automation run config_validator -p config_path=examples/config

        automation run config_validator -p config_path=conf -p validation_rules=strict -e staging --format sarif -o out.sarif

        automation run config_validator -p config_path=conf -p apply_fixes=true --dry-run

        automation run config_validator -p config_path=conf -p apply_fixes=true -e production --approval approval_1f3a9c0d27b4e685 --otp 123456
    """
    from automation_scripts import catalog
    from automation_scripts.cli.desk import desk
    from automation_scripts.cli.progress import RunDisplay
    from automation_scripts.context import ExecutionContext
    from automation_scripts.execution.request import Trigger, parse
    from automation_scripts.orchestrator import AutomationOrchestrator

    entry = catalog.get(script).require_available()
    parameters = parse_parameters(entry, parameter)
    context = parse(
        ExecutionContext,
        {
            "environment": environment,
            "user": user,
            "dry_run": dry_run,
            "approval_id": approval,
            "break_glass": break_glass,
            "request_id": request_id,
        },
        "run",
    )
    check_output(output)
    _quiet_prefect()
    with RunDisplay() as display:
        code = None if remote else _where_prefect_is_loaded(entry, context, parameters)
        if code is not None:
            raise typer.Exit(code)
        orchestrator = AutomationOrchestrator(listener=display, trigger=Trigger.CLI, desk=desk(display))
        result = _execute(orchestrator, script, context, parameters, timeout, otp, remote)
    _present(result, output_format, output)
    code = exit_code(result, fail_on)
    if orchestrator.stuck:
        _leave_at_once(code)
    raise typer.Exit(code)


def _execute(
    orchestrator: AutomationOrchestrator,
    script: str,
    context: ExecutionContext,
    parameters: dict[str, Any],
    timeout: float | None,
    otp: str | None,
    remote: bool,
) -> ExecutionResult:
    import asyncio

    from automation_scripts.cli.signals import cancelled_by_signals

    async def execute() -> ExecutionResult:
        with cancelled_by_signals():
            if remote:
                return await orchestrator.execute_deployment(script, context, parameters, otp=otp)
            return await orchestrator.execute_script(script, context, parameters, timeout_s=timeout, otp=otp)

    return asyncio.run(execute())


def parse_parameters(script: Script, given: list[str]) -> dict[str, Any]:
    """`KEY=VALUE` words as parameters. A value for a field that is no text is read as JSON where it is JSON.

    Raises:
        InvalidParameters: a word without `=`, or a key that comes twice.
    """
    import json

    from automation_scripts.errors import InvalidParameters

    fields = script.parameters_model().model_fields
    parameters: dict[str, Any] = {}
    for word in given:
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise InvalidParameters(f"-p {word}: expected KEY=VALUE, for example -p config_path=examples/config.")
        if key in parameters:
            raise InvalidParameters(f'-p {key}: given twice. A list is written as JSON: -p \'{key}=["a", "b"]\'.')
        parameters[key] = text
        if key in fields and fields[key].annotation is not str:
            try:
                parameters[key] = json.loads(text)
            except ValueError:
                continue  # the model takes the text, or says what it expects
    return parameters


def exit_code(result: ExecutionResult, fail_on: FailOn) -> int:
    """What the process returns for this result."""
    from automation_scripts.results import Severity

    if result.status == "cancelled":
        return 130
    if not result.succeeded:
        return 1
    if fail_on is FailOn.NEVER:
        return 0
    limit = Severity(fail_on.value)
    return int(any(finding.severity.at_least(limit) for finding in result.findings))


def check_output(output: Path | None, option: str = "--output") -> None:
    """Before the work, not after it: a result that cannot be written is lost."""
    from automation_scripts.errors import InvalidParameters

    if output is not None and (output.is_dir() or not output.absolute().parent.is_dir()):
        raise InvalidParameters(f"{option} {output}: is a folder, or its folder does not exist. Name a file to write.")


def _present(result: ExecutionResult, output_format: OutputFormat, output: Path | None) -> None:
    from automation_scripts.cli.console import json_text
    from automation_scripts.cli.summary import print_summary

    if output_format is OutputFormat.TEXT:
        text = None
    elif output_format is OutputFormat.JSON:
        text = json_text(result.to_dict())
    else:
        from automation_scripts.sarif import to_sarif

        text = json_text(to_sarif(result.findings))
    if output is None and text is not None:
        typer.echo(text, nl=False)
    elif output is None:
        print_summary(result)
    else:
        from automation_scripts.cli.summary import summary_text

        output.write_text(summary_text(result) if text is None else text, encoding="utf-8")
        typer.echo(f"{result.status}: written to {output}", err=True)


def _quiet_prefect() -> None:
    """Prefect's own messages go to its server and our log; on the terminal they would drown the result."""
    import os

    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")


def _where_prefect_is_loaded(entry: Script, context: ExecutionContext, parameters: dict[str, Any]) -> int | None:
    """With no server running yet: start it, and let its warm runner do this run, which loads Prefect meanwhile.

    Two processes that load it side by side with a starting server would only hold each other up. Returns the exit
    code; None when this process is to do the work.
    """
    import sys

    from automation_scripts.execution.request import Trigger, resolve
    from automation_scripts.server.attached import in_fork, run_attached
    from automation_scripts.server.embedded import EmbeddedServer
    from automation_scripts.settings import load_settings

    settings = load_settings()
    if in_fork() or settings.prefect.api_url or not settings.server.warm_runner or sys.platform != "linux":
        return None
    server = EmbeddedServer(settings.home, port=settings.server.port)
    if server.find():
        return None  # its warm runner has been asked already
    resolve(entry, parameters, context, Trigger.CLI, settings)  # bad input is told before anything is started
    server.ensure()
    return run_attached(server.folder.warm_socket, ["automation_scripts.cli", *sys.argv[1:]], same_code=True)


def _leave_at_once(code: int) -> None:
    """A step hangs in a call that nothing can interrupt; a normal exit would wait for its thread."""
    import os
    import sys

    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
