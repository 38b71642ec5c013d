"""What of a validation is shown: suppressions first, then the baseline, then only what changed. Pure, in one call."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from automation_scripts.results import Finding
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.team.baseline import Baseline, apply_baseline, stale_findings
from automation_scripts.validation.team.changed import changed_findings
from automation_scripts.validation.team.git_changes import Changes
from automation_scripts.validation.team.suppressions import Hidden, apply_suppressions


@dataclass(frozen=True, slots=True)
class Review:
    """Findings as a team wants to see them."""

    shown: list[Finding]
    """By place, with what is wrong with suppressions and the baseline."""
    hidden: list[Hidden]
    """Suppressed in the source, or accepted."""
    unchanged: list[Finding]
    """Left out because nothing about them changed."""
    to_accept: list[Finding]
    """What a new baseline accepts: everything that is not suppressed."""

    def counts(self) -> str:
        """What is not shown, for people: `2 suppressed, 5 accepted, 3 on unchanged lines`; empty when all is shown."""
        suppressed = sum(1 for one in self.hidden if not one.accepted)
        parts = {
            "suppressed": suppressed,
            "accepted": len(self.hidden) - suppressed,
            "on unchanged lines": len(self.unchanged),
        }
        return ", ".join(f"{count} {what}" for what, count in parts.items() if count)


def review(
    findings: Sequence[Finding],
    files: Iterable[ParsedFile],
    *,
    root: Path,
    today: date,
    baseline: Baseline | None = None,
    changes: Changes | None = None,
    whole_files: bool = False,
    own_rules: Collection[str] = (),
    not_run: Collection[str] = ("command", "expectation"),
) -> Review:
    """Sort findings into what is shown and what is not, and why.

    Args:
        findings: of the whole tree, as reported.
        files: the parsed files.
        root: the folder that `Finding.file` is relative to.
        today: for suppressions that end.
        baseline: what the team accepted; None for no baseline.
        changes: since which revision; None for everything.
        whole_files: whether everything counts in a file that was touched.
        own_rules: ids of the user's rules.
        not_run: families that this run left out.
    """
    parsed = list(files)
    suppressed = apply_suppressions(
        findings, parsed, today=today, baseline=baseline, root=root, own_rules=own_rules, not_run=not_run
    )
    hidden = list(suppressed.hidden)
    kept = suppressed.kept
    if baseline is not None:
        applied = apply_baseline(kept, baseline, root=root, checked={file.name for file in parsed})
        why = f"accepted in {baseline.path.name}"
        hidden += [Hidden(finding, "external", why, accepted=True) for finding in applied.accepted]
        kept = [*applied.kept, *stale_findings(applied.stale, baseline, root)]
    shown = [*kept, *suppressed.about]
    unchanged: list[Finding] = []
    if changes is not None:
        shown, unchanged = changed_findings(shown, changes, root=root, files=parsed, whole_files=whole_files)
    shown.sort(key=lambda f: (f.file or "", f.line or 0, f.column or 0, f.rule_id, f.message))
    return Review(shown, hidden, unchanged, suppressed.kept)
