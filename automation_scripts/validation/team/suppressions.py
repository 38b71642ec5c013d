"""Inline suppressions: comments that say which finding is not to be shown, why, and until when.

    image: redis:latest   # automation: ignore[latest-tag] pinned by the registry's mirror (until 2026-12-31)
    # automation: ignore[k8s/no-limits, writable-rootfs] limits are set by the operator
    - name: worker
    # automation: ignore-start[secret/*] fixtures of the test suite
    # automation: ignore-end
    # automation: ignore-file[drift/*] a sample, as the very first lines of a file

A comment on a line of its own speaks of the next line with content, and of the whole text that begins there. What is
named is a rule id, a class, or a family. Without a reason, or after its day, a suppression hides nothing. Errors of
syntax are never hidden: nobody knows what else the file says. JSON has no comments, so suppressions for it stand in
the baseline file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from automation_scripts.results import Finding
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.team.baseline import Baseline, file_names, is_about_itself, shown_name
from automation_scripts.validation.team.scopes import EVERYWHERE, Scope, marked, scopes_of
from automation_scripts.validation.team.suppression_findings import about


@dataclass(frozen=True, slots=True)
class Hidden:
    """A finding that is not shown. `kind` is SARIF's word: `inSource` for a comment, `external` for the baseline file."""

    finding: Finding
    kind: str
    justification: str
    accepted: bool = False
    """True for one that the baseline lists, and not a suppression."""


class Suppressed(NamedTuple):
    """Findings against the suppressions of their files."""

    kept: list[Finding]
    hidden: list[Hidden]
    about: list[Finding]
    """What is wrong with the suppressions themselves."""


def apply_suppressions(
    findings: Sequence[Finding],
    files: Iterable[ParsedFile],
    *,
    today: date,
    baseline: Baseline | None = None,
    root: Path | None = None,
    own_rules: Collection[str] = (),
    not_run: Collection[str] = (),
) -> Suppressed:
    """Hide what is suppressed, and say what is wrong with suppressions.

    Args:
        findings: of all checks, as reported.
        files: the files as parsed.
        today: a suppression counts through the day it names.
        baseline: its suppressions count too.
        root: the folder that `Finding.file` is relative to; by default the baseline's own.
        own_rules: ids of the user's rules, so that they are not called unknown.
        not_run: families that this run left out (`expectation`): a suppression of theirs is not called unused.
    """
    parsed = list(files)
    scopes = [scope for file in marked(parsed) for scope in scopes_of(file)]
    if baseline is not None:
        scopes += _sidecars(baseline, root, {file.name for file in parsed})
    if not scopes:
        return Suppressed(list(findings), [], [])
    by_file: dict[str, list[Scope]] = defaultdict(list)
    for scope in scopes:
        by_file[scope.file].append(scope)
    used: dict[Scope, set[str]] = {scope: set() for scope in scopes}
    kept: list[Finding] = []
    hidden: list[Hidden] = []
    for finding in findings:
        hider = _hider(finding, by_file.get(finding.file or "", ()), today, used)
        if hider is None:
            kept.append(finding)
        else:
            hidden.append(Hidden(finding, "external" if hider.external else "inSource", hider.reason))
    known = {finding.rule_id for finding in findings} | set(own_rules)
    broken = {finding.file for finding in findings if "syntax" in finding.tags}
    return Suppressed(kept, hidden, about(used, today, known, broken, not_run))


def _hider(finding: Finding, scopes: Iterable[Scope], today: date, used: dict[Scope, set[str]]) -> Scope | None:
    """The suppression that hides a finding; all that mean it are noted as used, so that none is called unused."""
    hider = None
    if "syntax" in finding.tags or is_about_itself(finding):
        return None
    for scope in scopes:
        if scope.covers(finding) and (name := scope.named(finding)) is not None:
            used[scope].add(name)
            works = scope.reason and not scope.wrong and (scope.until is None or today <= scope.until)
            if works and hider is None:
                hider = scope
    return hider


def _sidecars(baseline: Baseline, root: Path | None, checked: Collection[str]) -> list[Scope]:
    names = file_names(baseline, root, checked)
    shown = shown_name(baseline, root)
    return [
        Scope(
            names[sidecar.file],
            sidecar.rules,
            0,
            EVERYWHERE,
            sidecar.reason,
            sidecar.until,
            Span(0, 0, sidecar.line, 1, sidecar.line, 1),
            shown,
            sidecar.resource,
            external=True,
        )
        for sidecar in baseline.suppressions
        if sidecar.file in names
    ]
