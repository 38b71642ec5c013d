"""A run's result as a person reads it: what happened first, then the findings by file, then the changes."""

from __future__ import annotations

import io
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from automation_scripts.cli.console import SEVERITY_STYLES, STATUS_STYLES, one_line, plain, printable, stdout, styled

if TYPE_CHECKING:
    from rich.console import Console

    from automation_scripts.results import ExecutionResult, Finding, PredictedChange

MOST_SHOWN = 200
SEVERITY_ORDER = ("critical", "high", "medium", "low", "info")


def print_summary(result: ExecutionResult) -> None:
    """Write the summary to stdout."""
    _write(result, stdout())


def summary_text(result: ExecutionResult) -> str:
    """The summary without colours, for a file."""
    from rich.console import Console

    buffer = io.StringIO()
    _write(result, Console(file=buffer, width=120, color_system=None, highlight=False))
    return buffer.getvalue()


def print_findings(findings: list[Finding], files: int) -> None:
    """Write findings that belong to no run to stdout."""
    _findings_alone(findings, files, stdout())


def findings_text(findings: list[Finding], files: int) -> str:
    """The same without colours, for a file."""
    from rich.console import Console

    buffer = io.StringIO()
    _findings_alone(findings, files, Console(file=buffer, width=120, color_system=None, highlight=False))
    return buffer.getvalue()


def _findings_alone(findings: list[Finding], files: int, console: Console) -> None:
    _findings(findings, console)
    console.print(plain(_counted(findings, files)))


def _counted(findings: list[Finding], files: int | None) -> str:
    counts = Counter(finding.severity.value for finding in findings)
    parts = [f"{counts[severity]} {severity}" for severity in SEVERITY_ORDER if counts[severity]]
    where = f" in {files} files" if files is not None else ""
    return f"{len(findings)} findings{where}" + (f": {', '.join(parts)}" if parts else "")


def _write(result: ExecutionResult, console: Console) -> None:
    _findings(result.findings, console)
    _changes("Changes made", result.changes, console)
    if not result.changes:
        title = "Changes that would be made" if result.status == "dry_run" else "Proposed corrections"
        _changes(title, result.predicted_changes, console)
    _outcome(result, console)


def _outcome(result: ExecutionResult, console: Console) -> None:
    from rich.text import Text

    line = Text.assemble(
        styled(result.status.replace("_", " "), {k.replace("_", " "): v for k, v in STATUS_STYLES.items()}),
        one_line(
            f"  {result.script_name} in {result.environment}, {result.duration_s or 0:.2f} s, run {result.execution_id}"
        ),
    )
    console.print(line, soft_wrap=True)
    if result.findings or "files" in result.metrics:
        console.print(plain(_counted(result.findings, result.metrics.get("files"))))
    if result.message:
        console.print(plain(result.message), soft_wrap=True)


def _findings(findings: list[Finding], console: Console) -> None:
    from rich.text import Text

    shown = sorted(findings, key=_place)[:MOST_SHOWN] if len(findings) <= MOST_SHOWN else _worst(findings)
    for file, group in groupby(shown, key=lambda finding: finding.file or ""):
        console.print(Text(one_line(file) or "(whole folder)", style="bold"), soft_wrap=True)
        for finding in group:
            place = f"{finding.line}:{finding.column or 1}" if finding.line else ""
            console.print(
                Text.assemble(
                    f"  {place:>8}  ",
                    styled(f"{finding.severity.value:8}", {f"{k:8}": v for k, v in SEVERITY_STYLES.items()}),
                    " ",
                    one_line(finding.message),
                    (f"  [{one_line(finding.rule_id)}]", "dim"),
                ),
                soft_wrap=True,
            )
            if finding.suggestion:
                console.print(Text(f"            → {one_line(finding.suggestion)}", style="dim"), soft_wrap=True)
    if len(findings) > len(shown):
        console.print(f"… and {len(findings) - len(shown)} less severe findings; --format json shows all.")
    if findings:
        console.print()


def _worst(findings: list[Finding]) -> list[Finding]:
    worst = sorted(findings, key=lambda finding: -finding.severity.rank)[:MOST_SHOWN]
    return sorted(worst, key=_place)


def _place(finding: Finding) -> tuple[str, int, int]:
    return (finding.file or "", finding.line or 0, finding.column or 0)


def _changes(title: str, changes: list[PredictedChange], console: Console) -> None:
    from rich.text import Text

    if not changes:
        return
    console.print(Text(title, style="bold"))
    for change in changes[:MOST_SHOWN]:
        console.print(Text(one_line(f"  {change.action.value}  {change.resource}  {change.reason}")), soft_wrap=True)
        for sign, text, style in (("-", change.before, "red"), ("+", change.after, "green")):
            for line in str(text).splitlines() if text is not None else ():
                console.print(Text(f"    {sign} {printable(line)}", style=style), soft_wrap=True)
    if len(changes) > MOST_SHOWN:
        console.print(f"… and {len(changes) - MOST_SHOWN} more; --format json shows all.")
    console.print()
