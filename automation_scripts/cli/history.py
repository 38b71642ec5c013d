"""`automation history`, `show` and `prune`: what was run, and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from automation_scripts.history.records import RunRecord, Transition
    from automation_scripts.history.store import HistoryStore


class ListFormat(StrEnum):
    """How the runs are printed."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


class ShowFormat(StrEnum):
    """How one run is printed."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


CSV_COLUMNS = (
    *("execution_id", "script", "category", "environment", "user", "trigger", "status", "start_time", "end_time"),
    *("duration_s", "cpu_s", "max_rss_mb", "error_class", "flow_run_id"),
)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("history")(history)
    app.command("show")(show)
    app.command("prune")(prune)


def history(
    script: str | None = typer.Option(None, "--script", help="Only runs of this script."),
    status: str | None = typer.Option(None, "--status", help="Only runs in this state; `active` for all unfinished."),
    environment: str | None = typer.Option(None, "--environment", "-e", help="Only runs in this environment."),
    user: str | None = typer.Option(None, "--user", "-u", help="Only runs of this user."),
    since: str | None = typer.Option(None, "--since", help="Only runs started since: 2d, 1h, or an ISO date."),
    limit: int = typer.Option(20, "--limit", min=1, max=100_000, help="At most so many, newest first."),
    output_format: ListFormat = typer.Option(ListFormat.TEXT, "--format", help="How to print them."),
) -> None:
    """List the runs, newest first. Runs whose process is gone are marked as crashed before.

    Examples:

        automation history --since 1d

        automation history --script config_validator --status failed --format json
    """
    if script is not None:
        _known_script(script)
    wanted = _statuses(status)
    begin = moment(since) if since else None
    store = _store()
    store.mark_crashed()
    records = store.list(script=script, status=wanted, environment=environment, user=user, since=begin, limit=limit)
    if output_format is ListFormat.JSON:
        from automation_scripts.cli.console import print_json

        print_json([record.to_dict() for record in records])
    elif output_format is ListFormat.CSV:
        _print_csv(records)
    elif records:
        _print_table(records)
    else:
        filtered = any((script, status, environment, user, since))
        typer.echo("No run matches." if filtered else "No run yet. Start one: automation run SCRIPT")


def show(
    run: str = typer.Argument(..., metavar="RUN", help="A run's id, the beginning of one, or `last`."),
    output_format: ShowFormat = typer.Option(ShowFormat.TEXT, "--format", help="How to print it."),
) -> None:
    """Show one run: its states, what it used, its findings and changes.

    Examples:

        automation show last

        automation show exec_1f2e --format sarif
    """
    store = _store()
    store.mark_crashed()
    record = store.get(_last(store) if run == "last" else run)
    transitions = store.transitions(record.execution_id)
    if output_format is ShowFormat.JSON:
        from automation_scripts.cli.console import print_json

        print_json({**record.to_dict(), "transitions": [transition.to_dict() for transition in transitions]})
    elif output_format is ShowFormat.SARIF:
        from automation_scripts.cli.console import print_json
        from automation_scripts.results import Finding
        from automation_scripts.sarif import to_sarif

        findings = (record.result or {}).get("findings", ())
        print_json(to_sarif([Finding.from_dict(finding) for finding in findings]))
    else:
        _print_run(record, transitions)


def prune(
    older_than: str = typer.Option(..., "--older-than", help="Delete runs that ended longer ago: 90d, 52w, or a date."),
) -> None:
    """Delete old runs from the history. Runs that have not ended stay.

    Example:

        automation prune --older-than 90d
    """
    deleted = _store().prune(moment(older_than))
    typer.echo(f"{deleted} runs deleted.")


def moment(text: str) -> datetime:
    """A point in time: `2d` ago, or an ISO date or time (local when it names no zone).

    Raises:
        InvalidParameters: it is neither.
    """
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.settings.values import parse_duration

    try:
        return datetime.now(UTC) - timedelta(seconds=parse_duration(text))
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidParameters(
            f"{text!r} is no time. Write a duration such as 30m, 1h or 2d, or a date such as 2026-11-24."
        ) from None


def _store() -> HistoryStore:
    from automation_scripts.history.opened import open_store
    from automation_scripts.settings import load_settings

    settings = load_settings()
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return open_store(settings)


def _known_script(name: str) -> None:
    from automation_scripts import catalog

    catalog.get(name)


def _statuses(status: str | None) -> list[str] | None:
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.states import ACTIVE, State
    from automation_scripts.suggest import nearest

    if status is None:
        return None
    if status == "active":
        return [state.value for state in ACTIVE]
    known = [state.value for state in State]
    if status not in known:
        guess = nearest(status, [*known, "active"])
        hint = f" Did you mean '{guess}'?" if guess else ""
        raise InvalidParameters(f"--status: there is no state '{status}'.{hint} Known: active, {', '.join(known)}.")
    return [status]


def _last(store: HistoryStore) -> str:
    from automation_scripts.errors import InvalidParameters

    newest = store.list(limit=1)
    if not newest:
        raise InvalidParameters("There is no run yet. Start one: automation run SCRIPT")
    return newest[0].execution_id


def _print_csv(records: list[RunRecord]) -> None:
    import csv
    import sys

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for record in records:
        data = record.to_dict()
        writer.writerow([data[column] for column in CSV_COLUMNS])


def _print_table(records: list[RunRecord]) -> None:
    from rich.table import Table

    from automation_scripts.cli.console import STATUS_STYLES, plain, stdout, styled

    table = Table(box=None, pad_edge=False)
    table.add_column("run", no_wrap=True, min_width=21)
    for title in ("script", "environment", "user", "by"):
        table.add_column(title)
    table.add_column("status", no_wrap=True)
    table.add_column("started", no_wrap=True)
    for title in ("took", "findings", "note"):
        table.add_column(title)
    for record in records:
        table.add_row(
            record.execution_id,
            record.script,
            plain(record.environment),
            plain(record.user),
            record.trigger,
            styled(record.status, STATUS_STYLES),
            _local(record.start_time or record.requested_at),
            _duration(record.duration_s),
            _short(record.findings),
            plain((record.error_message or "").split("\n")[0][:100]),
        )
    stdout().print(table)


def _print_run(record: RunRecord, transitions: list[Transition]) -> None:
    from rich.table import Table

    from automation_scripts.cli.console import STATUS_STYLES, plain, stdout, styled
    from automation_scripts.cli.summary import print_summary
    from automation_scripts.results import ExecutionResult

    console = stdout()
    facts = Table(box=None, show_header=False, pad_edge=False)
    for name, value in _facts(record):
        facts.add_row(name, styled(record.status, STATUS_STYLES) if name == "status" else plain(value))
    console.print(facts)
    console.print()
    steps = Table("state", "at", "after", "reason", box=None, pad_edge=False)
    before = None
    for transition in transitions:
        after = "" if before is None else f"{(transition.at - before).total_seconds():.3f} s"
        steps.add_row(
            styled(transition.to_state, STATUS_STYLES), _local(transition.at), after, plain(transition.reason)
        )
        before = transition.at
    console.print(steps)
    console.print()
    if record.result is not None:
        print_summary(ExecutionResult.from_dict(record.result))


def _facts(record: RunRecord) -> list[tuple[str, str]]:
    facts: list[tuple[str, Any]] = [
        ("run", record.execution_id),
        ("script", f"{record.script} ({record.category})"),
        ("status", record.status),
        ("environment", record.environment),
        ("user", record.user),
        ("started by", record.trigger),
        ("level", record.level),
        ("host", f"{record.host}, process {record.pid}"),
        ("request", record.request_id),
        ("approval", record.approval_id),
        ("flow run", record.flow_run_id),
        ("trace", record.trace_id),
        ("waited", _duration(record.queued_s)),
        ("took", _duration(record.duration_s)),
        ("CPU", _duration(record.cpu_s)),
        ("peak memory", None if record.max_rss_mb is None else f"{record.max_rss_mb:.0f} MiB"),
        ("read", _bytes(record.read_bytes)),
        ("written", _bytes(record.written_bytes)),
        (
            "parameters",
            ", ".join(f"{key}={value}" for key, value in record.parameters.items() if value not in ("", None)),
        ),
        ("error", record.error_message),
    ]
    return [(name, str(value)) for name, value in facts if value not in (None, "")]


def _short(findings: Any) -> str:
    parts = [f"{count}{severity[0]}" for severity, count in findings.items() if count]
    return " ".join(parts)


def _local(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.2f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _bytes(count: int | None) -> str | None:
    return None if count is None else f"{count / 2**20:.1f} MiB"
