"""Texts that say themselves what must be found in them: `# expect: tag` at the end of a line, several with commas.

A check is right when it finds exactly what is marked, on exactly those lines, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from automation_scripts.results import Finding
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.parsing.files import parse_text

_MARK = re.compile(r"(?:#|//) expect: ([\w, -]+?)\s*$")
Check = Callable[[Sequence[ParsedFile]], list[Finding]]


def parsed(text: str, name: str = "config.yaml", folder: Path = Path("/nowhere")) -> ParsedFile:
    """One text as a file of this name; it must parse."""
    file = parse_text(folder / name, name, text)
    assert file.documents, [finding.message for finding in file.findings]
    return file


def expected(text: str) -> list[tuple[int, str]]:
    """(line, tag) of every mark."""
    return [
        (number, tag.strip())
        for number, line in enumerate(text.splitlines(), 1)
        if (match := _MARK.search(line))
        for tag in match[1].split(",")
    ]


def told(findings: Iterable[Finding]) -> list[tuple[int, str]]:
    """(line, tag) of every finding; each must have exactly one tag and a place."""
    result = []
    for finding in findings:
        assert len(finding.tags) == 1 and finding.line is not None and finding.column is not None
        assert finding.end_line is not None and finding.end_column is not None
        assert (finding.end_line, finding.end_column) > (finding.line, finding.column)
        result.append((finding.line, finding.tags[0]))
    return sorted(result)


def assert_marked(check: Check, text: str, name: str = "config.yaml", ignore: Iterable[str] = ()) -> list[Finding]:
    """Run a check on one text and compare with its marks; tags to `ignore` are left out of the comparison."""
    found = [finding for finding in check([parsed(text, name)]) if finding.tags[0] not in set(ignore)]
    assert told(found) == sorted(expected(text)), [(f.line, f.tags, f.message) for f in found]
    return found
