"""Files in a temporary folder, checked: what the tests of this folder share."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from automation_scripts.results import Finding
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.parsing.files import parse_file
from automation_scripts.validation.schemas.check import check_schemas


def write(folder: Path, name: str, text: str) -> Path:
    """Write a file below a folder, its text dedented."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return path


def parse(folder: Path, *names: str) -> list[ParsedFile]:
    """The named files of a folder, parsed."""
    return [parse_file(folder / name, name) for name in names]


def check(folder: Path, files: dict[str, str], **options: Any) -> list[Finding]:
    """The schema findings of files written below a folder."""
    for name, text in files.items():
        write(folder, name, text)
    return check_schemas(parse(folder, *files), root=folder, **options)


def brief(findings: list[Finding]) -> list[tuple[int | None, int | None, str]]:
    """(line, column, tag) of each finding."""
    return [(finding.line, finding.column, finding.tags[0]) for finding in findings]


def mended(folder: Path, finding: Finding) -> str:
    """The file's text with the finding's fix applied."""
    assert finding.file and finding.fix
    lines = (folder / finding.file).read_text(encoding="utf-8").splitlines(keepends=True)
    for edit in sorted(finding.fix, key=lambda e: (e.start_line, e.start_column), reverse=True):
        assert edit.start_line == edit.end_line
        line = lines[edit.start_line - 1]
        lines[edit.start_line - 1] = line[: edit.start_column - 1] + edit.text + line[edit.end_column - 1 :]
    return "".join(lines)
