"""The baseline: findings that a team has accepted, so that only new ones are shown.

Lines of the checked files are not in it: an entry is known again by its rule, file, place in the document and sentence
(see `identity`). Equal findings of one file share an entry with their number and the lines they stood on, so that a new
one among them can be told. A file that was moved keeps its entries when its name or its folder stays.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from automation_scripts.errors import InvalidParameters
from automation_scripts.results import Finding, Severity
from automation_scripts.validation.fixes.atomic_write import replace_file
from automation_scripts.validation.team.baseline_file import Entry, Sidecar, parse, render
from automation_scripts.validation.team.baseline_matching import counted, entry_of, match
from automation_scripts.validation.team.whole_files import write_new

BASELINE_NAME = "automation-baseline.json"
"""What the file is called unless the caller says otherwise."""

ABOUT_ITSELF = frozenset({"baseline", "suppression"})
"""Families of findings about these mechanisms: they are never accepted and never suppressed."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a baseline file holds. The files it names are relative to the folder of `path`."""

    path: Path
    entries: tuple[Entry, ...] = ()
    suppressions: tuple[Sidecar, ...] = ()
    """Suppressions for files that cannot hold a comment."""
    text: str = field(default="", repr=False)


class Applied(NamedTuple):
    """Findings against a baseline."""

    kept: list[Finding]
    """Those that are not accepted."""
    accepted: list[Finding]
    stale: list[Entry]
    """What is accepted and was not found; `count` is how many of it are missing."""


def read_baseline(path: Path, *, missing_ok: bool = False) -> Baseline:
    """Read a baseline file; an empty baseline when it does not exist and `missing_ok`.

    Raises:
        InvalidParameters: when it does not exist, is no regular file, or does not hold what it should; with the line.
    """
    if missing_ok and not os.path.lexists(path):
        return Baseline(path)
    content = parse(path)
    return Baseline(path, tuple(content.entries), tuple(content.suppressions), content.text)


def write_baseline(
    path: Path,
    findings: Sequence[Finding],
    *,
    root: Path | None = None,
    before: Baseline | None = None,
    checked: Collection[str] | None = None,
) -> Baseline:
    """Accept these findings: write the file when its content changes, and answer with what it holds.

    Args:
        path: the file; it need not exist.
        findings: all that were found and are not suppressed. Findings about the baseline or suppressions are left out.
        root: the folder that `Finding.file` is relative to; by default the baseline's own.
        before: the baseline as read; its suppressions stay, and the entries of files that were not checked.
        checked: names of the files that were looked at, as in `Finding.file`; None when everything was.

    Raises:
        InvalidParameters: when the file cannot be written.
    """
    before = before or Baseline(path)
    names = _Names(path, root, checked, findings)
    accepted = counted(entry_of(f, names.of(f)) for f in findings if not is_about_itself(f))
    new = {entry.fingerprint for entry in accepted}
    kept = [entry for entry in before.entries if not names.judged(entry.file) and entry.fingerprint not in new]
    entries = sorted([*kept, *accepted])
    text = render(entries, before.suppressions)
    if text != before.text:
        _write(path, text.encode())
    return Baseline(path, tuple(entries), before.suppressions, text)


def apply_baseline(
    findings: Sequence[Finding],
    baseline: Baseline,
    *,
    root: Path | None = None,
    checked: Collection[str] | None = None,
) -> Applied:
    """Which findings are accepted.

    Args:
        findings: what was found, suppressed findings left out.
        baseline: as read.
        root: the folder that `Finding.file` is relative to; by default the baseline's own.
        checked: names of the files that were looked at; entries of other files are not stale. None for all.
    """
    names = _Names(baseline.path, root, checked, findings)
    judged = [number for number, finding in enumerate(findings) if not is_about_itself(finding)]
    entries = [entry_of(findings[number], names.of(findings[number])) for number in judged]
    taken, missing = match(entries, baseline.entries, names.is_gone)
    accepted = {judged[number] for number in taken}
    return Applied(
        [finding for number, finding in enumerate(findings) if number not in accepted],
        [finding for number, finding in enumerate(findings) if number in accepted],
        [entry for entry in missing if names.judged(entry.file)],
    )


def stale_findings(stale: Iterable[Entry], baseline: Baseline, root: Path | None = None) -> list[Finding]:
    """One remark for each entry that nothing answers to any more, at its line of the baseline file."""
    name = shown_name(baseline, root)
    return [
        Finding(
            "baseline/stale",
            Severity.INFO,
            f"Accepted and no longer found: {entry.rule} in {entry.file or 'the whole folder'}"
            + (f" ({entry.count} times)" if entry.count > 1 else "")
            + f": {entry.message}",
            file=name,
            line=entry.line or None,
            column=1 if entry.line else None,
            resource=entry.fingerprint,
            suggestion="Run with --update-baseline to take it out.",
            tags=("unused",),
        )
        for entry in stale
    ]


def shown_name(baseline: Baseline, root: Path | None) -> str:
    """What findings call the baseline file: relative to `root`, by default its bare name."""
    if root is None:
        return baseline.path.name
    return Path(os.path.relpath(os.path.realpath(baseline.path), os.path.realpath(root))).as_posix()


def file_names(baseline: Baseline, root: Path | None, checked: Iterable[str]) -> dict[str, str]:
    """What the baseline calls each checked file → what findings call it."""
    names = _Names(baseline.path, root, None, ())
    return {names.of_file(name): name for name in checked}


def is_about_itself(finding: Finding) -> bool:
    """Whether a finding is about a baseline or a suppression."""
    return finding.rule_id.partition("/")[0] in ABOUT_ITSELF


class _Names:
    """What files are called in a baseline, and which of them this run can judge."""

    def __init__(
        self, path: Path, root: Path | None, checked: Collection[str] | None, findings: Iterable[Finding]
    ) -> None:
        self._folder = Path(os.path.realpath(path.parent))
        self._prefix = "" if root is None else os.path.relpath(os.path.realpath(root), self._folder)
        self._checked = None if checked is None else {self.of_file(name) for name in checked}
        # A file that cannot be read lacks its other findings today; they are not gone.
        self._broken = {self.of(finding) for finding in findings if "syntax" in finding.tags}

    def of(self, finding: Finding) -> str:
        return self.of_file(finding.file or "")

    def judged(self, file: str) -> bool:
        """Whether a file was looked at and could be read, or is gone."""
        if file in self._broken:
            return False
        return self._checked is None or file in self._checked or self.is_gone(file)

    def is_gone(self, file: str) -> bool:
        """Whether a file of the baseline is there no longer."""
        return not os.path.lexists(self._folder / file)

    def of_file(self, file: str) -> str:
        if not file or self._prefix in ("", "."):
            return file
        return Path(os.path.normpath(f"{self._prefix}/{file}")).as_posix()


def _write(path: Path, data: bytes) -> None:
    try:
        if path.exists():
            replace_file(path, data)
        else:
            write_new(path, data)
    except OSError as error:
        why = error.strerror or str(error)
        raise InvalidParameters(
            f"baseline: {path} cannot be written: {why}. Give a file in a folder that exists and can be written."
        ) from error
