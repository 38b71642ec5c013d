"""All findings of one validation: sorted, each place once, counted, and as Markdown and table rows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from automation_scripts.results import Finding, Severity

MOST_SHOWN = 500
"""Findings in the Markdown report and the table; the result itself holds all."""
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&])")
# Control characters, what changes the direction of text or cannot be seen, and halves of surrogate pairs, which no
# UTF-8 file or request can hold.
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]+"
)


class Hidden(Protocol):
    """A finding that is not shown: suppressed in the source, or accepted in a baseline."""

    @property
    def finding(self) -> Finding: ...

    @property
    def kind(self) -> str: ...

    @property
    def justification(self) -> str: ...

    @property
    def accepted(self) -> bool: ...


class Report:
    """What was found.

    Args:
        findings: of all checks, in any order; where two say the same of one place, the more severe one is kept.
        files: how many files were read.
        hidden: findings that are suppressed in the source or accepted; they are counted and not shown.
    """

    def __init__(self, findings: Iterable[Finding], files: int, hidden: Sequence[Hidden] = ()) -> None:
        self.findings = sorted(_once(findings), key=_place)
        self.files = files
        self.hidden = list(hidden)

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
            "suppressed": sum(not one.accepted for one in self.hidden),
            "accepted": sum(one.accepted for one in self.hidden),
        }

    def rows(self) -> list[dict[str, Any]]:
        """The worst findings as rows of a table."""
        return [
            {
                "severity": finding.severity.value,
                "file": plain(finding.file or ""),
                "line": finding.line or "",
                "rule": plain(finding.rule_id),
                "message": plain(finding.message),
                "suggestion": plain(finding.suggestion or ""),
            }
            for finding in self._shown()
        ]

    def markdown(self) -> str:
        """A report for people. Text from the files is escaped: it cannot become markup."""
        counts = ", ".join(f"{count} {severity}" for severity, count in self.by_severity().items() if count)
        lines = ["# Configuration validation", "", f"{len(self.findings)} findings in {self.files} files. {counts}", ""]
        if self.hidden:
            lines += [f"{len(self.hidden)} more are suppressed or accepted.", ""]
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


def _once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Two families of checks may find one mistake: what they say of the same class at the same place is told once."""
    places: dict[tuple[Any, ...], dict[str, list[Finding]]] = {}
    for finding in _distinct(findings):
        tag = finding.tags[0] if finding.tags else finding.rule_id
        place: tuple[Any, ...] = (tag, finding.file, finding.line, finding.column)
        if finding.line is None:
            place = (*place, finding.rule_id, finding.message)
        places.setdefault(place, {}).setdefault(_family(finding), []).append(finding)
    for families in places.values():
        best, *others = sorted(families.values(), key=_weight, reverse=True)
        yield from best
        for other in others:
            # A family with more to say than the best one means more than one mistake: two missing keys of one mapping.
            if len(other) > len(best):
                yield from other


def _distinct(findings: Iterable[Finding]) -> Iterable[Finding]:
    """The same sentence of the same rule about the same place, once; the more severe one stays."""
    kept: dict[tuple[Any, ...], Finding] = {}
    for finding in findings:
        key = (finding.rule_id, finding.message, finding.file, finding.line, finding.column)
        if key not in kept or finding.severity.rank > kept[key].severity.rank:
            kept[key] = finding
    return kept.values()


def _family(finding: Finding) -> str:
    return finding.rule_id.partition("/")[0]


def _weight(findings: list[Finding]) -> tuple[int, bool, bool, int]:
    """Severity first; then what helps more: a fix, a suggestion, an exact resource."""
    return (
        max(finding.severity.rank for finding in findings),
        any(finding.fix for finding in findings),
        any(finding.suggestion for finding in findings),
        max(len(finding.resource or "") for finding in findings),
    )


def _place(finding: Finding) -> tuple[str, int, int, str, str]:
    return (finding.file or "", finding.line or 0, finding.column or 0, finding.rule_id, finding.message)


def plain(text: str) -> str:
    """The text in one line, without characters that a reader could not see or a terminal would act upon."""
    return _CONTROL.sub(" ", text)


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", plain(text)).replace("\\<", "&lt;").replace("\\>", "&gt;").replace("\\&", "&amp;")
