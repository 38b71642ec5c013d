"""`automation stats`: success, execution time, resources and rollbacks, computed from the history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

    from automation_scripts.history.statistics import RunStatistics, Spread, SuccessRate


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
    since: str | None = typer.Option(None, "--since", help="Only runs ended since: 2d, 1h, or an ISO date."),
    output_format: StatsFormat = typer.Option(StatsFormat.TEXT, "--format", help="How to print them."),
) -> None:
    """Success rate by category, execution times, resource use, rollbacks and their causes.

    Counted are runs that have ended. Dry runs are left out; cancelled runs are counted but belong to no rate.

    Examples:

        automation stats --since 30d

        automation stats --script config_validator --format json
    """
    from datetime import UTC, datetime

    from automation_scripts import catalog
    from automation_scripts.cli.history import opened
    from automation_scripts.cli.quantities import moment

    if script is not None:
        catalog.get(script)
    if category is not None:
        _check_category(category)
    now = datetime.now(UTC)
    begin = moment(since, "--since") if since is not None else None
    store = opened()

    from automation_scripts.history.frames import runs_df
    from automation_scripts.history.statistics import compute

    frame = runs_df(store, script=script, category=category, measures=True)
    computed = compute(frame) if begin is None else compute(frame, window=now - begin, until=now)
    if output_format is StatsFormat.JSON:
        from automation_scripts.cli.console import print_json

        print_json(computed.to_dict())
    else:
        from automation_scripts.cli.console import stdout

        _print(computed, begin, stdout())


def _check_category(category: str) -> None:
    from automation_scripts.catalog import Category
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.suggest import nearest

    known = [known.value for known in Category]
    if category not in known:
        guess = nearest(category, known)
        hint = f" Did you mean '{guess}'?" if guess else ""
        raise InvalidParameters(f"--category: unknown '{category}'.{hint} Known: {', '.join(known)}.")


def _print(computed: RunStatistics, begin: datetime | None, console: Console) -> None:
    from rich.text import Text

    from automation_scripts.cli.console import table

    console.width = max(console.width, 80)  # narrower, the names would be squeezed out by the figures
    console.print(Text(_counted(computed, begin)), soft_wrap=True)
    if not computed.runs:
        return

    def show(title: str, titles: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> None:
        figures = tuple(name for name in titles[1:] if name not in ("", "causes"))
        console.print("", Text(title, style="bold"), table(titles, rows, right=figures), sep="\n")

    outcomes = ("succeeded", "failed", "timed out", "crashed", "cancelled")
    bars = "█░" if not console.options.ascii_only else "#."
    show("Success rate", ("category", "rate", "", *outcomes), _success_rows(computed, bars))
    spread = ("runs", "mean", "p50", "p95", "p99", "longest")
    show("Execution time", ("script", *spread), _time_rows(computed))
    show("Resources", ("script", *spread[:-1], "most"), _resource_rows(computed))
    show("Rollbacks", ("script", "runs", "rolled back", "rate", "causes"), _rollback_rows(computed))


def _counted(computed: RunStatistics, begin: datetime | None) -> str:
    """What the figures were made of, and what was left out."""
    from automation_scripts.cli.quantities import counted, local

    since = f" since {local(begin)}" if begin else ""
    parts = [f"{counted(computed.runs, 'ended run')} counted{since}."]
    if computed.dry_runs:
        parts.append(f"Left out: {counted(computed.dry_runs, 'dry run')}.")
    if cancelled := computed.success_rate.cancelled:
        were = "was" if cancelled == 1 else "were"
        parts.append(f"{counted(cancelled, 'run')} {were} cancelled: in no rate and no time.")
    return " ".join(parts)


def _success_rows(computed: RunStatistics, bars: str) -> Iterator[tuple[str, ...]]:
    rates: dict[str, SuccessRate] = dict(computed.success_rate_by_category)
    if len(rates) > 1:
        rates["all"] = computed.success_rate
    for name, rate in rates.items():
        counts = (rate.succeeded, rate.failed, rate.timed_out, rate.crashed, rate.cancelled)
        yield name, _percent(rate.rate), _bar(rate.rate, bars), *(str(count) for count in counts)


def _time_rows(computed: RunStatistics) -> Iterator[tuple[str, ...]]:
    from automation_scripts.cli.quantities import duration

    for name, spread in computed.execution_time_s.items():
        yield name, *_figures(spread, duration)


def _resource_rows(computed: RunStatistics) -> Iterator[tuple[str, ...]]:
    from automation_scripts.cli.quantities import duration, size

    def mebibytes(count: float | None) -> str:
        return size(None if count is None else count * 2**20)

    shown: dict[str, tuple[str, Callable[[float | None], str]]] = {
        "cpu_s": ("CPU", duration),
        "max_rss_mb": ("peak memory", mebibytes),
        "read_bytes": ("read", size),
        "written_bytes": ("written", size),
    }
    for name, measures in computed.resources.items():
        yield (name,)  # on a row of its own: with a column for it, a terminal of 80 columns is too narrow
        for measure, spread in measures.items():
            label, written = shown[measure]
            yield f"  {label}", *_figures(spread, written)


def _rollback_rows(computed: RunStatistics) -> Iterator[tuple[str, ...]]:
    rates = computed.success_rate_by_script
    for name, rolled in computed.rollbacks.items():
        rate = rates[name]
        runs = rate.succeeded + rate.failed + rate.timed_out + rate.crashed
        causes = ", ".join(f"{cause} ({count})" for cause, count in rolled.causes.items())
        yield name, str(runs), str(rolled.count), _percent(rolled.rate), causes


def _figures(spread: Spread, written: Callable[[float | None], str]) -> list[str]:
    values = (spread.mean, spread.p50, spread.p95, spread.p99, spread.max)
    return [str(spread.count), *(written(value) or "-" for value in values)]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _bar(share: float | None, bars: str, width: int = 10) -> str:
    """Full only when all of it is, and never empty while there is something: 99.9 % is not all."""
    if share is None:
        return ""
    full = round(share * width)
    if 0 < share < 1:
        full = min(max(full, 1), width - 1)
    return bars[0] * full + bars[1] * (width - full)
