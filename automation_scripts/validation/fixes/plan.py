"""The plan of fixes: the new text of each file, what is left out, and the lines that will change."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from automation_scripts.results import ChangeAction, Finding, PredictedChange, Severity, TextEdit
from automation_scripts.validation.documents.edits import replacements
from automation_scripts.validation.input.text import LineIndex

_CONFIDENCE = 0.9


@dataclass(frozen=True, slots=True)
class DroppedFix:
    """A fix that is not offered, and why."""

    finding: Finding
    reason: str


@dataclass(slots=True)
class FilePlan:
    """The changes of one file. `before` and `after` are whole texts without byte order mark."""

    path: Path
    name: str
    before: str
    after: str
    fixed: list[Finding] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """SHA-256 of the text that the plan was made for; the file must still have it when it is written."""
        return text_digest(self.before)


@dataclass(slots=True)
class FixPlan:
    """What would be written, and what would not and why."""

    files: list[FilePlan] = field(default_factory=list)
    predicted_changes: list[PredictedChange] = field(default_factory=list)
    dropped: list[DroppedFix] = field(default_factory=list)

    @property
    def fixed(self) -> list[Finding]:
        """The findings that the plan mends, in the order of the files."""
        return [finding for file in self.files for finding in file.fixed]


def text_digest(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def predict(plan: FilePlan) -> list[PredictedChange]:
    """One change for each run of lines that is touched, with the very lines that will be written."""
    index = LineIndex(plan.before)
    blocks: list[_Block] = []
    for edit in sorted({e for f in plan.fixed for e in f.fix}, key=lambda e: (e.start_line, e.start_column)):
        if blocks and edit.start_line <= blocks[-1].last:
            blocks[-1].last = max(blocks[-1].last, _last_line(edit))
            blocks[-1].edits.append(edit)
        else:
            blocks.append(_Block(edit.start_line, _last_line(edit), [edit]))
    return [_change(plan, block, index) for block in blocks]


@dataclass(slots=True)
class _Block:
    first: int
    last: int
    edits: list[TextEdit]


def _change(plan: FilePlan, block: _Block, index: LineIndex) -> PredictedChange:
    reasons = [finding for finding in plan.fixed if not set(finding.fix).isdisjoint(block.edits)]
    start = index.line_start(block.first)
    end = index.line_start(block.last) + len(index.line_text(block.last))
    pieces: list[str] = []
    at = start
    for begin, stop, text in replacements(index, block.edits):
        pieces.extend((plan.before[at:begin], text))
        at = stop
    pieces.append(plan.before[at : max(at, end)])
    before = plan.before[start : max(at, end)]
    return PredictedChange(
        resource=f"{plan.name}:{block.first}",
        action=ChangeAction.UPDATE,
        before=before.rstrip("\r\n"),
        after="".join(pieces).rstrip("\r\n"),
        reason="; ".join(f"{finding.rule_id}: {finding.message}" for finding in reasons),
        risk="medium" if any(_risk(finding) == "medium" for finding in reasons) else "low",
        reversible=True,
        confidence=_CONFIDENCE,
    )


def _last_line(edit: TextEdit) -> int:
    """The last line that loses or gains text; an edit that ends at the start of a line leaves that line
    alone."""
    if edit.end_column == 1 and edit.end_line > edit.start_line:
        return edit.end_line - 1
    return edit.end_line


def _risk(finding: Finding) -> str:
    """Mending what no reader accepts changes no behaviour; anything else may."""
    if "syntax" in finding.tags or "unused" in finding.tags:
        return "low"
    return "medium" if finding.severity.at_least(Severity.MEDIUM) else "low"
