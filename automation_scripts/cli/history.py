"""`automation history` and `prune`: the runs that there were, and deleting the old ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.text import Text

    from automation_scripts.history.records import RunRecord
    from automation_scripts.history.store import HistoryStore


class ListFormat(StrEnum):
    """How the runs are printed."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


CSV_COLUMNS = (
    *("execution_id", "script", "category", "environment", "user", "trigger", "level", "status", "dry_run"),
    *("requested_at", "start_time", "end_time", "duration_s", "cpu_s", "max_rss_mb", "read_bytes", "written_bytes"),
    *("rolled_back", "rollback_cause", "error_class", "error_message", "flow_run_id", "trace_id"),
)
"""The fields of a run that a row has; the counts of its findings by severity follow."""


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("history")(history)
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

    A narrow terminal shows less of each run; --format json has everything.

    Examples:

        automation history --since 1d

        automation history --status active

        automation history --script config_validator --status failed --format json
    """
    from automation_scripts import catalog
    from automation_scripts.cli.quantities import moment
    from automation_scripts.storage.encoding import clean_text

    if script is not None:
        catalog.get(script)
    wanted = _statuses(status)
    begin = moment(since, "--since") if since is not None else None
    store = opened()
    records = store.list(
        script=script,
        status=wanted,
        # As it is stored: a word of the command line may hold what is no UTF-8.
        environment=None if environment is None else clean_text(environment),
        user=None if user is None else clean_text(user),
        since=begin,
        limit=limit,
    )
    if output_format is ListFormat.JSON:
        from automation_scripts.cli.console import print_json

        print_json([record.to_dict() for record in records])
    elif output_format is ListFormat.CSV:
        _print_csv(records)
    elif records:
        _print_table(records)
    elif any(choice is not None for choice in (script, status, environment, user, since)):
        typer.echo("No run matches.")
    else:
        typer.echo("No run yet. Start one: automation run SCRIPT")


def prune(
    older_than: str = typer.Option(
        ..., "--older-than", metavar="AGE", help="Delete runs that ended longer ago, such as 90d, or before a date."
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Only tell how many there are."),
) -> None:
    """Delete old runs from the history, with their results. Runs that have not ended stay.

    Examples:

        automation prune --older-than 90d --dry-run

        automation prune --older-than 2026-01-01
    """
    from automation_scripts.cli.quantities import counted, moment

    ended_before = moment(older_than, "--older-than")
    store = opened()
    if dry_run:
        typer.echo(f"{counted(_ended(store, ended_before), 'run')} would be deleted.")
    else:
        typer.echo(f"{counted(store.prune(ended_before), 'run')} deleted.")


def opened() -> HistoryStore:
    """The run history of the settings, in which the runs whose process is gone are marked as crashed."""
    from automation_scripts.governance.opened import open_store
    from automation_scripts.settings import load_settings

    store = open_store(load_settings())
    store.mark_crashed()
    return store


def _ended(store: HistoryStore, before: datetime) -> int:
    from sqlalchemy import func, select

    from automation_scripts.history.models import runs

    with store.database.read() as connection:
        query = select(func.count()).select_from(runs).where(runs.c.end_time < before)
        return int(connection.execute(query).scalar_one())


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


def _print_csv(records: list[RunRecord]) -> None:
    import csv
    import sys

    from automation_scripts.cli.console import printable
    from automation_scripts.history.records import SEVERITIES

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*CSV_COLUMNS, *(f"findings_{severity}" for severity in SEVERITIES)])
    for record in records:
        data = record.to_dict()
        counts = [record.findings.get(severity, 0) for severity in SEVERITIES]
        values = [data[column] for column in CSV_COLUMNS]
        writer.writerow([*(printable(value) if isinstance(value, str) else value for value in values), *counts])
    sys.stdout.flush()


NOTE_WIDTH = 24
"""A note with less room than that says nothing; it is left out."""
_LAYOUTS = (
    ("run", "script", "environment", "user", "by", "status", "started", "took", "findings", "note"),
    ("run", "script", "environment", "status", "started", "took", "findings", "note"),
    ("run", "script", "status", "ago", "took", "findings", "note"),
    ("id", "script", "status", "ago", "took", "findings"),
    ("id", "script", "status", "ago"),
    ("id", "status"),
    ("id",),
)
"""The columns, for ever narrower terminals."""
_TITLES = {"id": "run", "ago": "started"}
_GAP = 2


def chosen_layout(widths: Mapping[str, int], width: int) -> tuple[str, ...]:
    """The first layout whose columns fit into `width`, without those that are empty; the last one otherwise."""
    for layout in _LAYOUTS:
        present = tuple(name for name in layout if widths[name])
        needed = sum(min(widths[name], NOTE_WIDTH) if name == "note" else widths[name] for name in present)
        if needed + _GAP * (len(present) - 1) <= width:
            return present
    return _LAYOUTS[-1]


def _print_table(records: Sequence[RunRecord]) -> None:
    from rich.table import Table

    from automation_scripts.cli.console import stdout

    console = stdout()
    cells = {name: [render(record) for record in records] for name, render in _renderers().items()}
    widths = {name: max(cell.cell_len for cell in column) for name, column in cells.items()}
    widths = {name: width and max(width, len(_TITLES.get(name, name))) for name, width in widths.items()}
    layout = chosen_layout(widths, console.width)
    table = Table(box=None, pad_edge=False)
    room = console.width - sum(widths[name] + _GAP for name in layout if name != "note")
    for name in layout:
        table.add_column(
            _TITLES.get(name, name),
            justify="right" if name in ("took", "ago") else "left",
            no_wrap=True,
            max_width=room if name == "note" else None,
        )
    for row in zip(*(cells[name] for name in layout), strict=True):
        table.add_row(*row)
    console.print(table)


def _renderers() -> dict[str, Callable[[RunRecord], Text]]:
    from rich.text import Text

    from automation_scripts.cli.console import STATUS_STYLES, one_line, styled
    from automation_scripts.cli.quantities import ago, duration, local

    def plain(text: str) -> Text:
        return Text(one_line(text))

    now = datetime.now(UTC)
    return {
        "run": lambda run: plain(run.execution_id),
        "id": lambda run: plain(run.execution_id[:13]),  # enough for `automation show`
        "script": lambda run: plain(run.script),
        "environment": lambda run: plain(run.environment),
        "user": lambda run: plain(run.user),
        "by": lambda run: plain(run.trigger),
        "status": lambda run: styled(one_line(run.status), STATUS_STYLES),
        "started": lambda run: plain(local(run.start_time or run.requested_at)),
        "ago": lambda run: plain(ago(run.start_time or run.requested_at, now)),
        "took": lambda run: plain(duration(run.duration_s)),
        "findings": lambda run: plain(short(run.findings)),
        "note": lambda run: plain(first_line(run.error_message or run.rollback_cause or "")),
    }


def first_line(text: str, longest: int = 200) -> str:
    """The first line that says something, cut where it is too long for a table."""
    line = text.strip().partition("\n")[0].rstrip()
    return line if len(line) <= longest else line[: longest - 1] + "…"


def short(findings: Mapping[str, int]) -> str:
    """The counts of findings, each with the first letter of its severity: `1c 12l`."""
    return " ".join(f"{count}{severity[0]}" for severity, count in findings.items() if count)
