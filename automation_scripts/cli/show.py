"""`automation show RUN`: one run, from its request to its outcome."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from automation_scripts.history.records import RunRecord, Transition
    from automation_scripts.history.store import HistoryStore
    from automation_scripts.results import ExecutionResult


class ShowFormat(StrEnum):
    """How one run is printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    HTML = "html"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("show")(show)


def show(
    run: str = typer.Argument(..., metavar="RUN", help="A run's id, the beginning of one, or `last`."),
    output_format: ShowFormat = typer.Option(ShowFormat.TEXT, "--format", help="How to print it."),
) -> None:
    """Show one run: its states, what it used, its findings and changes.

    Examples:

        automation show last

        automation show exec_1f2e --format sarif

        automation show last --format html > report.html
    """
    from automation_scripts.cli.history import opened
    from automation_scripts.storage.encoding import clean_text

    store = opened()
    record = store.get(_last(store) if run == "last" else clean_text(run))
    if output_format is ShowFormat.SARIF:
        _print_sarif(record)
        return
    if output_format is ShowFormat.HTML:
        _print_html(record)
        return
    transitions = store.transitions(record.execution_id)
    if output_format is ShowFormat.JSON:
        from automation_scripts.cli.console import print_json

        print_json({**record.to_dict(), "transitions": [transition.to_dict() for transition in transitions]})
    else:
        _print_run(record, transitions)


def _last(store: HistoryStore) -> str:
    from automation_scripts.errors import InvalidParameters

    newest = store.list(limit=1)
    if not newest:
        raise InvalidParameters("There is no run yet. Start one: automation run SCRIPT")
    return newest[0].execution_id


def _print_sarif(record: RunRecord) -> None:
    from automation_scripts.cli.console import print_json
    from automation_scripts.sarif import to_sarif

    print_json(to_sarif(_exportable(record).findings))


def _print_html(record: RunRecord) -> None:
    from automation_scripts.validation.html_report import html
    from automation_scripts.validation.report import Report

    result = _exportable(record)
    report = Report(result.findings, result.metrics.get("files", 0))
    title = f"{result.script_name} in {result.environment}, run {result.execution_id}"
    typer.echo(html(report, [], title=title, made_at=result.started_at), nl=False)


def _exportable(record: RunRecord) -> ExecutionResult:
    """What the run came to. An empty export would mean "looked, and found nothing"."""
    from automation_scripts.errors import InvalidParameters

    result = _result(record)
    if result is None:
        raise InvalidParameters(
            f"Run {record.execution_id} has no findings to export: it is {record.status} and left no result. "
            f"`automation show {record.execution_id}` tells more."
        )
    return result


def _result(record: RunRecord) -> ExecutionResult | None:
    """What the run came to, when it left that. Raises InvalidParameters for what this version cannot read."""
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.results import ExecutionResult

    if record.result is None:
        return None
    try:
        return ExecutionResult.from_dict(record.result)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidParameters(
            f"The result of run {record.execution_id} was written by another version of automation_scripts and cannot "
            f"be read ({type(error).__name__}: {error}). `automation show {record.execution_id} --format json` "
            "prints it as it is."
        ) from error


def _print_run(record: RunRecord, transitions: Sequence[Transition]) -> None:
    from automation_scripts.cli.console import STATUS_STYLES, complain, plain, stdout, styled, table
    from automation_scripts.cli.quantities import duration, local
    from automation_scripts.cli.summary import print_summary
    from automation_scripts.errors import InvalidParameters

    console = stdout()
    facts = table(
        ("", ""),
        (
            (name, styled(text, STATUS_STYLES) if name == "status" else plain(text))
            for name, text in _facts(record)
            if text
        ),
    )
    facts.show_header = False
    console.print(facts, "", sep="\n")
    steps = []
    for index, change in enumerate(transitions):
        after = duration((change.at - transitions[index - 1].at).total_seconds()) if index else ""
        steps.append((styled(change.to_state, STATUS_STYLES), local(change.at), after, change.reason))
    console.print(table(("state", "at", "after", "reason"), steps, right=("after",)), "", sep="\n")
    try:
        result = _result(record)
    except InvalidParameters as unreadable:
        complain(str(unreadable))
    else:
        if result is not None:
            print_summary(result)


def _facts(run: RunRecord) -> Iterator[tuple[str, str]]:
    """Name and text of each fact; the text is empty when there is nothing to tell."""
    from automation_scripts.cli.history import short
    from automation_scripts.cli.quantities import duration, local, size

    yield "run", run.execution_id
    yield "script", f"{run.script} ({run.category}, {run.level})"
    yield "status", run.status
    yield "dry run", "yes, nothing was changed" if run.dry_run else ""
    yield "environment", run.environment
    yield "user", run.user
    yield "started by", run.trigger
    yield "attempt", str(run.attempt) if run.attempt > 1 else ""
    yield "host", f"{run.host}, process {run.pid}" if run.pid else run.host
    yield "request", run.request_id or ""
    yield "approval", run.approval_id or ""
    yield "flow run", run.flow_run_id or ""
    yield "trace", run.trace_id or ""
    yield "started", local(run.start_time or run.requested_at)
    yield "ended", local(run.end_time) if run.end_time else ""
    yield "waited", duration(run.queued_s)
    yield "took", duration(run.duration_s)
    yield "CPU", duration(run.cpu_s)
    yield "peak memory", "" if run.max_rss_mb is None else size(run.max_rss_mb * 2**20)
    yield "read", size(run.read_bytes)
    yield "written", size(run.written_bytes)
    yield "findings", "" if run.result is not None else short(run.findings)
    yield "rolled back", (run.rollback_cause or "yes") if run.rolled_back else (run.rollback_cause or "")
    yield "error", ": ".join(part for part in (run.error_class, run.error_message) if part)
    name = "parameters"
    for key, value in run.parameters.items():
        if value not in ("", None):
            yield name, f"{key}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
            name = ""
