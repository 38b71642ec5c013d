"""All findings of one validation: sorted, each place once, counted, and as Markdown and table rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from automation_scripts.results import Finding, Severity

MOST_SHOWN = 500
"""Findings in the Markdown report and the table; the result itself holds all."""
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class Report:
    """What was found.

    Args:
        findings: of all checks, in any order; where two say the same of one place, the more severe one is kept.
        files: how many files were read.
    """

    def __init__(self, findings: Iterable[Finding], files: int) -> None:
        self.findings = sorted(_once(findings), key=_place)
        self.files = files

    def by_severity(self) -> dict[str, int]:
        """How many findings of each severity, worst first, zeros included."""
        counts = Counter(finding.severity for finding in self.findings)
        return {severity.value: counts[severity] for severity in Severity}

    def metrics(self) -> dict[str, Any]:
        """Flat numbers for the run's result."""
        classes = Counter(finding.tags[0] for finding in self.findings if finding.tags)
        return {
            "files": self.files,
            "findings": len(self.findings),
            **{f"findings_{severity}": count for severity, count in self.by_severity().items()},
            "findings_by_class": dict(sorted(classes.items())),
        }

    def rows(self) -> list[dict[str, Any]]:
        """The worst findings as rows of a table."""
        return [
            {
                "severity": finding.severity.value,
                "file": _plain(finding.file or ""),
                "line": finding.line or "",
                "rule": finding.rule_id,
                "message": _plain(finding.message),
                "suggestion": _plain(finding.suggestion or ""),
            }
            for finding in self._shown()
        ]

    def markdown(self) -> str:
        """A report for people. Text from the files is escaped: it cannot become markup."""
        counts = ", ".join(f"{count} {severity}" for severity, count in self.by_severity().items() if count)
        lines = ["# Configuration validation", "", f"{len(self.findings)} findings in {self.files} files. {counts}", ""]
        shown = self._shown()
        file = None
        for finding in sorted(shown, key=_place):
            if finding.file != file or file is None:
                file = finding.file
                lines += ["", f"## {_escaped(file or 'The whole folder')}", ""]
                lines += ["| line | severity | finding | rule |", "|---|---|---|---|"]
            message = _escaped(finding.message) + (f" → {_escaped(finding.suggestion)}" if finding.suggestion else "")
            lines.append(
                f"| {finding.line or ''} | {finding.severity.value} | {message} | {_escaped(finding.rule_id)} |"
            )
        if len(shown) < len(self.findings):
            lines += ["", f"{len(self.findings) - len(shown)} less severe findings are left out here."]
        return "\n".join(lines) + "\n"

    def _shown(self) -> list[Finding]:
        return sorted(self.findings, key=lambda finding: (-finding.severity.rank, _place(finding)))[:MOST_SHOWN]


def _once(findings: Iterable[Finding]) -> Iterable[Finding]:
    """Two families may find one mistake: the same class at the same place is told once, by the more severe one."""
    kept: dict[tuple[Any, ...], Finding] = {}
    for finding in findings:
        tag = finding.tags[0] if finding.tags else finding.rule_id
        key: tuple[Any, ...] = (tag, finding.file, finding.line, finding.column)
        if finding.line is None:
            key = (*key, finding.rule_id, finding.message)
        other = kept.get(key)
        if other is None or _better(finding, other):
            kept[key] = finding
    return kept.values()


def _better(finding: Finding, other: Finding) -> bool:
    return (finding.severity.rank, bool(finding.fix)) > (other.severity.rank, bool(other.fix))


def _place(finding: Finding) -> tuple[str, int, int, str, str]:
    return (finding.file or "", finding.line or 0, finding.column or 0, finding.rule_id, finding.message)


def _plain(text: str) -> str:
    return _CONTROL.sub(" ", text)


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", _plain(text)).replace("\\<", "&lt;").replace("\\>", "&gt;").replace("\\&", "&amp;")
