"""Fixes as a plan: chosen, tried on a copy, read again, and only then offered.

A fix is kept when the finding it mends is gone afterwards and nothing new was found. What a dry run shows is the very
plan that `write_fixes` writes, and a crash while it writes leaves each file old or new, never broken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from automation_scripts.results import Finding
from automation_scripts.validation.documents.edits import (
    OverlappingEditsError,
    Replacement,
    apply_edits,
    overlap,
    replacements,
)
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.fixes.plan import DroppedFix, FilePlan, FixPlan, predict
from automation_scripts.validation.fixes.trial import Revalidate, Trial
from automation_scripts.validation.fixes.writing import write_fixes
from automation_scripts.validation.input.limits import DEFAULT_LIMITS, Limits
from automation_scripts.validation.input.text import LineIndex

__all__ = [
    "DroppedFix",
    "FilePlan",
    "FixPlan",
    "OverlappingEditsError",
    "Revalidate",
    "apply_edits",
    "plan_fixes",
    "write_fixes",
]

_MAX_TRIALS = 100


def plan_fixes(
    files: Sequence[ParsedFile],
    findings: Sequence[Finding],
    revalidate: Revalidate | None = None,
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> FixPlan:
    """Choose the fixes that work together and prove each on a copy. Nothing is written.

    Args:
        files: the files as they were read.
        findings: what was found in them; those without a fix are passed over.
        revalidate: the checks to run again on a changed file, besides parsing it. Without it only the parser
        and the
            comparison of YAML versions judge a fix.
        limits: the bounds that files are read with.
    """
    plan = FixPlan()
    by_name = {file.name: file for file in files}
    wanted: dict[str, list[Finding]] = defaultdict(list)
    for finding in sorted(findings, key=_order):
        if not finding.fix:
            continue
        names = {edit.file for edit in finding.fix}
        if len(names) > 1:
            plan.dropped.append(DroppedFix(finding, "its edits touch more than one file"))
        elif (name := next(iter(names))) not in by_name:
            plan.dropped.append(DroppedFix(finding, f"{name} was not read"))
        else:
            wanted[name].append(finding)
    for name in sorted(wanted):
        changed = _plan_file(by_name[name], wanted[name], revalidate, limits, plan.dropped)
        if changed is not None:
            plan.files.append(changed)
            plan.predicted_changes.extend(predict(changed))
    return plan


def _order(finding: Finding) -> tuple[int, str, int, int]:
    """Worst first: where two fixes overlap, the one that matters more is taken."""
    return (-finding.severity.rank, finding.file or "", finding.line or 0, finding.column or 0)


def _plan_file(
    file: ParsedFile,
    wanted: list[Finding],
    revalidate: Revalidate | None,
    limits: Limits,
    dropped: list[DroppedFix],
) -> FilePlan | None:
    index = LineIndex(file.text)
    chosen: list[Finding] = []
    taken: list[Replacement] = []
    for finding in wanted:
        try:
            spans = replacements(index, finding.fix)
        except ValueError as error:
            dropped.append(DroppedFix(finding, str(error)))
            continue
        if any(overlap(span, other) for span in spans for other in taken):
            dropped.append(DroppedFix(finding, "it overlaps the fix of a worse finding; run again after that one"))
            continue
        chosen.append(finding)
        taken.extend(spans)
    if not chosen:
        return None
    trial = Trial(file, revalidate, limits)
    kept = _proved(trial, chosen, dropped)
    if not kept:
        return None
    after = apply_edits(file.text, [edit for finding in kept for edit in finding.fix])
    return FilePlan(file.path, file.name, file.text, after, kept)


def _proved(trial: Trial, chosen: list[Finding], dropped: list[DroppedFix]) -> list[Finding]:
    """Those that work together. A group that does not is halved, so a few bad ones cost few trials."""
    kept: list[Finding] = []
    waiting = [chosen]
    while waiting:
        group = waiting.pop()
        if trial.count >= _MAX_TRIALS:
            reason: str | None = f"only {_MAX_TRIALS} trials are made for one file; run again after these"
        else:
            reason = trial.refuses(kept, group)
        if reason is None:
            kept.extend(group)
        elif len(group) == 1 or trial.count >= _MAX_TRIALS:
            dropped.extend(DroppedFix(finding, reason) for finding in group)
        else:
            middle = len(group) // 2
            waiting.extend((group[middle:], group[:middle]))
    return kept
