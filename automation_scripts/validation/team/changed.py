"""Only what a change has to answer for: findings on lines that changed, and those whose other end changed.

A finding is about a change when its own lines were touched; when it says that something lacks, and lines went away
inside that thing; when its sentence names a line or file that was touched; and when what it misses was removed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from automation_scripts.results import Finding
from automation_scripts.validation.documents.tree import Kind, Node, ParsedFile
from automation_scripts.validation.team.git_changes import Changes, FileChange

_ABSENCES = frozenset(
    {
        "missing-required",
        "no-limits",
        "writable-rootfs",
        "priv-escalation",
        "auth-off",
        "unencrypted",
        "drift",
        "syntax",
    }
)
"""Classes of findings that can come from lines that went away."""
_LINKS = frozenset({"dangling-ref", "conflict", "cycle", "dup-name", "port-collision", "drift", "outlier", "unused"})
"""Classes of findings with another end, which may stand in another file."""
_LINES = re.compile(r"\b[Ll]ines? (\d+)")
_QUOTED = re.compile(r"'([^'\n]{1,200})'|`([^`\n]{1,200})`|\"([^\"\n]{1,200})\"")


def changed_findings(
    findings: Sequence[Finding],
    changes: Changes,
    *,
    root: Path,
    files: Iterable[ParsedFile] = (),
    whole_files: bool = False,
) -> tuple[list[Finding], list[Finding]]:
    """The findings that a change has to answer for, and the others.

    Args:
        findings: of the whole tree.
        changes: from `changes_since`.
        root: the folder that `Finding.file` is relative to.
        files: the parsed files, so that it is known where things end.
        whole_files: whether everything in a file counts that was touched anywhere.
    """
    judge = _Judge(changes, root, {file.name: file for file in files}, {f.file for f in findings if f.file})
    kept: list[Finding] = []
    left_out: list[Finding] = []
    for finding in findings:
        (kept if judge.concerns(finding, whole_files) else left_out).append(finding)
    return kept, left_out


class _Judge:
    def __init__(self, changes: Changes, root: Path, files: Mapping[str, ParsedFile], names: Iterable[str]) -> None:
        self.changes = changes
        self.files = files
        self.changed = {name: change for name in {*files, *names} if (change := changes.of(root / name)) is not None}
        self._ends: dict[str, dict[tuple[int, int], int]] = {}

    def concerns(self, finding: Finding, whole_files: bool) -> bool:
        if finding.file is None:
            return True
        change = self.changed.get(finding.file)
        if change is not None and (whole_files or change.whole or self._is_here(finding, change)):
            return True
        return not _LINKS.isdisjoint(finding.tags) and self._other_end_changed(finding)

    def _is_here(self, finding: Finding, change: FileChange) -> bool:
        if finding.line is None:
            return True
        end = max(finding.end_line or finding.line, finding.line)
        if end > finding.line and finding.end_column == 1:
            end -= 1
        if change.touches(finding.line, end):
            return True
        if "syntax" in finding.tags:
            # Where a reader stumbles is seldom where the mistake was made.
            return True
        if any(change.touches(line, line) for line in map(int, _LINES.findall(finding.message))):
            return True
        if _ABSENCES.isdisjoint(finding.tags):
            return False
        return change.shortened(finding.line, self._end_of_thing(finding, end))

    def _end_of_thing(self, finding: Finding, end: int) -> int:
        """The last line of the map or list that a finding points at, by its first character or its key."""
        file = self.files.get(finding.file or "")
        if file is None:
            return end
        if file.name not in self._ends:
            self._ends[file.name] = _ends_of(file)
        return max(end, self._ends[file.name].get((finding.line or 0, finding.column or 0), end))

    def _other_end_changed(self, finding: Finding) -> bool:
        for name, change in self.changed.items():
            if name != finding.file and name in finding.message and _names_touched(name, change, finding.message):
                return True
        if "dangling-ref" not in finding.tags and "unused" not in finding.tags:
            return False
        names = {text.removeprefix("./") for found in _QUOTED.findall(finding.message) for text in found if text}
        return any(
            name in self.changes.removed_words or any(f"/{gone}".endswith(f"/{name}") for gone in self.changes.gone)
            for name in names
        )


def _names_touched(name: str, change: FileChange, message: str) -> bool:
    """Whether a sentence names a changed file, and if it names a line of it, one that changed."""
    for found in re.finditer(rf"(?<![\w./-]){re.escape(name)}(?::(\d+))?(?![\w/-]|\.\w)", message):
        if found[1] is None or change.touches(int(found[1]), int(found[1])):
            return True
    return False


def _ends_of(file: ParsedFile) -> dict[tuple[int, int], int]:
    ends: dict[tuple[int, int], int] = {}
    waiting: list[Node] = [document.root for document in file.documents]
    while waiting:
        node = waiting.pop()
        _note(ends, node, node)
        if node.kind is Kind.SEQ:
            waiting += node.children
        elif node.kind is Kind.MAP:
            for number, (key, value) in enumerate(node.entries):
                _note(ends, key, value)
                if number == 0:
                    _note(ends, key, node)
                waiting.append(value)
    return ends


def _note(ends: dict[tuple[int, int], int], where: Node, what: Node) -> None:
    place = (where.span.line, where.span.column)
    ends[place] = max(ends.get(place, 0), what.span.end_line)
