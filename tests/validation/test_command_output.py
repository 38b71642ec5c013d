"""What a team's own check command printed, as findings."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.command_output import read_output

ROOT = Path("/etc/app")


def _read(*lines: str, exit_code: int | None = 0) -> list[Finding]:
    return read_output(lines, name="own", root=ROOT, severity=Severity.LOW, exit_code=exit_code)


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("a.yaml:3:7: wrong", ("a.yaml", 3, 7, "wrong")),
        ("./dir/a.yaml:3: wrong: very", ("dir/a.yaml", 3, None, "wrong: very")),
        ("/etc/app/a.yaml:3:7 wrong", ("a.yaml", 3, 7, "wrong")),
        ("/elsewhere/a.yaml:1: x", ("/elsewhere/a.yaml", 1, None, "x")),
        ("\x1b[31ma.yaml:3:7:\x1b[0m wrong\r", ("a.yaml", 3, 7, "wrong")),
    ],
)
def test_lines_with_a_place_are_findings(line: str, place: tuple[str, int, int | None, str]) -> None:
    (finding,) = _read(line, exit_code=1)
    assert (finding.file, finding.line, finding.column, finding.message) == place
    assert finding.severity is Severity.LOW


def test_other_lines_are_none() -> None:
    assert _read("all is well", "12:30:00 started", "", "http://x:80/ is up") == []


def test_a_failure_without_a_place_is_told_with_the_last_line() -> None:
    (finding,) = _read("reading", "no such directive", "", exit_code=1)
    assert finding.severity is Severity.HIGH
    assert "exit code 1: no such directive" in finding.message


def test_a_command_that_was_ended_is_told_beside_what_it_found() -> None:
    findings = _read("a.yaml:1: x", exit_code=None)
    assert len(findings) == 2
    assert "time limit" in findings[1].message


@given(st.lists(st.text(max_size=40), max_size=5), st.sampled_from([0, 1, None]))
def test_any_output_is_read(lines: list[str], exit_code: int | None) -> None:
    for finding in _read(*lines, exit_code=exit_code):
        assert finding.message
