"""`automation stats`: success, execution time, resources and rollbacks, computed from the history."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from automation_scripts.history.statistics import RunStatistics, Spread


class StatsFormat(StrEnum):
    """How the statistics are printed."""

    TEXT = "text"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("stats")(stats)


def stats(
    script: str | None = typer.Option(None, "--script", help="Only runs of this script."),
    category: str | None = typer.Option(None, "--category", help="Only scripts of this category."),
    since: str | None = typer.Option(None, "--since", help="Only runs started since: 2d, 1h, or an ISO date."),
    output_format: StatsFormat = typer.Option(StatsFormat.TEXT, "--format", help="How to print them."),
) -> None:
    """Success rate by category, execution times, resource use, rollbacks and their causes.

    Dry runs are left out; cancelled runs are counted but belong to no rate.

    Examples:

        automation stats --since 30d

        automation stats --script config_validator --format json
    """
    from automation_scripts import catalog
    from automation_scripts.cli.history import _store, moment
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.history.frames import runs_df
    from automation_scripts.history.statistics import compute
    from automation_scripts.suggest import nearest

    if script is not None:
        catalog.get(script)
    if category is not None and category not in list(catalog.Category):
        guess = nearest(category, list(catalog.Category))
        hint = f" Did you mean '{guess}'?" if guess else ""
        raise InvalidParameters(f"--category: unknown '{category}'.{hint} Known: {', '.join(catalog.Category)}.")
    begin = moment(since) if since else None
    store = _store()
    store.mark_crashed()
    computed = compute(runs_df(store, script=script, category=category, since=begin, measures=True))
    if output_format is StatsFormat.JSON:
        from automation_scripts.cli.console import print_json

        print_json(computed.to_dict())
        return
    from automation_scripts.cli.console import stdout

    console = stdout()
    note = f" ({computed.dry_runs} dry runs left out)" if computed.dry_runs else ""
    console.print(f"{computed.runs} runs{note}")
    if computed.runs:
        _print(computed, console)


def _print(computed: RunStatistics, console: Console) -> None:
    from rich.table import Table

    table = Table("category", "success", "", "succeeded", "failed", "timed out", "crashed", "cancelled", box=None)
    for name, rate in computed.success_rate_by_category.items():
        share = "" if rate.rate is None else f"{rate.rate:.1%}"
        counts = (rate.succeeded, rate.failed, rate.timed_out, rate.crashed, rate.cancelled)
        table.add_row(name, share, _bar(rate.rate), *(str(count) for count in counts))
    console.print("\n[bold]Success rate by category[/]", table, sep="\n")

    table = Table("script", "runs", "mean", "p50", "p95", "p99", "longest", box=None)
    for name, spread in computed.execution_time_s.items():
        table.add_row(name, *_cells(spread, "s", 1.0))
    console.print("\n[bold]Execution time[/]", table, sep="\n")

    table = Table("script", "of", "runs", "mean", "p50", "p95", "p99", "most", box=None)
    units = {"cpu_s": ("CPU", "s", 1.0), "max_rss_mb": ("peak memory", "MiB", 1.0)}
    units |= {"read_bytes": ("read", "MiB", 2**-20), "written_bytes": ("written", "MiB", 2**-20)}
    for name, measures in computed.resources.items():
        for measure, spread in measures.items():
            label, unit, factor = units[measure]
            table.add_row(name, label, *_cells(spread, unit, factor))
    console.print("\n[bold]Resources[/]", table, sep="\n")

    table = Table("script", "rollbacks", "share", "causes", box=None)
    for name, rolled in computed.rollbacks.items():
        causes = ", ".join(f"{cause} ({count})" for cause, count in rolled.causes.items())
        table.add_row(name, str(rolled.count), "" if rolled.rate is None else f"{rolled.rate:.1%}", causes)
    console.print("\n[bold]Rollbacks[/]", table, sep="\n")


def _cells(spread: Spread, unit: str, factor: float) -> list[str]:
    values = (spread.mean, spread.p50, spread.p95, spread.p99, spread.max)
    return [str(spread.count), *("" if value is None else f"{value * factor:.2f} {unit}" for value in values)]


def _bar(share: float | None, width: int = 20) -> str:
    return "" if share is None else "█" * round(share * width) + "░" * (width - round(share * width))
