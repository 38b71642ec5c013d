"""Shared by the parsing tests: parse a text as a file of some name, and show what was found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from automation_scripts.results import Finding
from automation_scripts.validation.documents.classes import CLASSES
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.parsing.files import parse_text

CLASS_TAGS = frozenset(CLASSES)


@pytest.fixture
def parse(tmp_path: Path) -> Callable[..., ParsedFile]:
    """Parse a text under a file name; nothing is written."""

    def run(text: str, name: str = "config.yaml") -> ParsedFile:
        return parse_text(tmp_path / name, name, text)

    return run


def check_findings(findings: list[Finding], name: str) -> None:
    """What holds for every finding of every parser: one class, the file's name, a position with its end."""
    for finding in findings:
        assert len(finding.tags) == 1, finding
        assert finding.tags[0] in CLASS_TAGS, finding
        assert finding.file == name
        assert finding.line is not None and finding.line >= 1
        assert finding.column is not None and finding.column >= 1
        if finding.end_line is not None and finding.end_column is not None:
            assert (finding.end_line, finding.end_column) >= (finding.line, finding.column)
        assert finding.message
