"""Findings as annotations of GitHub Actions: workflow commands on standard output that show up beside the lines.

GitHub shows ten errors, ten warnings and ten notices of a step and drops the rest, so the worst come first and a last
annotation says how many there are. What is printed is what findings say; they hold no secret values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from automation_scripts.results import Finding, Severity

MOST_OF_A_LEVEL = 10
"""Annotations of one level that GitHub shows for a step."""
LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}
_LONGEST = 4000
_CONTROL = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def to_annotations(findings: Sequence[Finding], *, folder: str = "") -> str:
    """The lines to print, worst first; empty when there is nothing to say.

    Args:
        findings: what is shown.
        folder: the path from the repository's root to the folder that `Finding.file` is relative to.
    """
    ordered = sorted(findings, key=lambda f: (-f.severity.rank, f.file or "", f.line or 0, f.column or 0, f.rule_id))
    by_level: dict[str, list[Finding]] = {"error": [], "warning": [], "notice": []}
    for finding in ordered:
        by_level[LEVELS[finding.severity]].append(finding)
    # The notice that says what is left out takes a place itself.
    shown = {level: found[:MOST_OF_A_LEVEL] for level, found in by_level.items()}
    left_out = len(findings) - sum(map(len, shown.values()))
    if left_out and len(shown["notice"]) == MOST_OF_A_LEVEL:
        shown["notice"].pop()
        left_out += 1
    lines = [_annotation(level, finding, folder) for level, found in shown.items() for finding in found]
    if left_out:
        counts = ", ".join(f"{len(found)} {level}s" for level, found in by_level.items() if found)
        lines.append(
            f"::notice title=automation validate::{left_out} of {len(findings)} findings are not shown here "
            f"({counts}): GitHub shows {MOST_OF_A_LEVEL} of a level. The log and the SARIF report hold all."
        )
    return "".join(f"{line}\n" for line in lines)


def _annotation(level: str, finding: Finding, folder: str) -> str:
    properties = [("title", f"{finding.rule_id} ({finding.severity})")]
    if finding.file:
        prefix = folder.strip("/")
        place = [("file", f"{prefix}/{finding.file}" if prefix and prefix != "." else finding.file)]
        properties = [*place, *_region(finding), *properties]
    told = ",".join(f"{name}={_escaped(value, _PROPERTY)}" for name, value in properties)
    message = finding.message + (f"\n{finding.suggestion}" if finding.suggestion else "")
    return f"::{level} {told}::{_escaped(message[:_LONGEST], _DATA)}"


def _region(finding: Finding) -> Iterable[tuple[str, str]]:
    if not finding.line:
        return
    yield "line", str(finding.line)
    end = finding.end_line or finding.line
    # Ends are exclusive here and inclusive there; and GitHub takes columns only within one line.
    if end > finding.line and finding.end_column == 1:
        end -= 1
    if end > finding.line:
        yield "endLine", str(end)
        return
    yield "endLine", str(finding.line)
    if finding.column:
        yield "col", str(finding.column)
        if finding.end_line == finding.line and finding.end_column and finding.end_column > finding.column:
            yield "endColumn", str(finding.end_column - 1)


def _escaped(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(character, character) for character in _CONTROL.sub(" ", text))
