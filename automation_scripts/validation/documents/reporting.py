"""Findings about a text by offsets: positions, fixes as edits, and an end to endless repetition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from automation_scripts.results import Finding, Severity, TextEdit
from automation_scripts.validation.documents.edits import Replacement
from automation_scripts.validation.input.limits import DEFAULT_LIMITS, Limits
from automation_scripts.validation.input.text import LineIndex


class Reporter:
    """Collects the findings of one file. Offsets count code points; an end before its start is moved to
    it."""

    def __init__(self, name: str, index: LineIndex, limits: Limits = DEFAULT_LIMITS) -> None:
        self.name = name
        self.index = index
        self.findings: list[Finding] = []
        self._limit = limits.max_findings
        self._counts: Counter[str] = Counter()

    def report(
        self,
        rule_id: str,
        message: str,
        start: int,
        end: int,
        *,
        severity: Severity = Severity.HIGH,
        tag: str = "syntax",
        suggestion: str | None = None,
        edits: Iterable[Replacement] = (),
        resource: str | None = None,
    ) -> None:
        """Add one finding for the text from `start` to `end`; `tag` is its class."""
        if self.is_full(rule_id):
            return
        size = len(self.index.text)
        start = min(start, size)
        span = self.index.span(start, max(start, min(end, size)))
        self.add(
            Finding(
                rule_id,
                severity,
                message,
                file=self.name,
                line=span.line,
                column=span.column,
                end_line=span.end_line,
                end_column=span.end_column,
                resource=resource,
                suggestion=suggestion,
                fix=self.text_edits(edits),
                tags=(tag,),
            )
        )

    def is_full(self, rule_id: str) -> bool:
        """True when no more findings of a rule are taken: making them would be in vain."""
        return self._counts[rule_id] > self._limit

    def add(self, finding: Finding) -> None:
        """Add a finding that is made already. Past the limit for its rule, one last finding says that there
        are more."""
        self._counts[finding.rule_id] += 1
        if self._counts[finding.rule_id] <= self._limit:
            self.findings.append(finding)
        elif self._counts[finding.rule_id] == self._limit + 1:
            self.findings.append(
                Finding(
                    finding.rule_id,
                    Severity.INFO,
                    f"There are more than {self._limit} findings of this kind in the file; the rest is not listed.",
                    file=self.name,
                    line=finding.line,
                    column=finding.column,
                    suggestion="Mend the listed ones and run again.",
                    tags=finding.tags,
                )
            )

    def text_edits(self, edits: Iterable[Replacement]) -> tuple[TextEdit, ...]:
        """Replacements by offset as edits by line and column."""
        position = self.index.position
        return tuple(TextEdit(self.name, *position(start), *position(end), text) for start, end, text in edits)

    def ordered(self) -> list[Finding]:
        """The findings in the order of the text."""
        return sorted(self.findings, key=lambda f: (f.line or 0, f.column or 0))
