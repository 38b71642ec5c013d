"""The result of a run as a person reads it."""

from __future__ import annotations

import re

from automation_scripts.cli.summary import MOST_SHOWN, summary_text
from automation_scripts.results import ChangeAction, Finding, PredictedChange, Severity
from tests.cli.conftest import make_result

CHANGE = PredictedChange("a.yaml:3", ChangeAction.UPDATE, before="port: 80\nold", after="port: 443", reason="insecure")


def test_findings_stand_under_their_file_in_the_order_of_their_lines() -> None:
    findings = [
        Finding("r/late", Severity.LOW, "late", file="b.yaml", line=20, column=3),
        Finding("r/folder", Severity.INFO, "for all"),
        Finding("r/first", Severity.CRITICAL, "first", file="a.yaml", line=9, suggestion="mend it"),
        Finding("r/early", Severity.HIGH, "early", file="b.yaml", line=3, column=1),
    ]
    text = summary_text(make_result(findings=findings, metrics={"files": 7}, duration_s=1.5, message="well done"))
    lines = [re.sub(r"\s+", " ", line).strip() for line in text.splitlines() if line.strip()]
    assert lines == [
        "(whole folder)",
        "info for all [r/folder]",
        "a.yaml",
        "9:1 critical first [r/first]",
        "→ mend it",
        "b.yaml",
        "3:1 high early [r/early]",
        "20:3 low late [r/late]",
        "succeeded config_validator in staging, 1.50 s, run exec_1",
        "4 findings in 7 files: 1 critical, 1 high, 1 low, 1 info",
        "well done",
    ]


def test_changes_are_told_as_what_they_are() -> None:
    assert "Proposed corrections" in summary_text(make_result(predicted_changes=[CHANGE]))
    assert "Changes that would be made" in summary_text(make_result(status="dry_run", predicted_changes=[CHANGE]))
    made = summary_text(make_result(predicted_changes=[CHANGE], changes=[CHANGE]))
    assert made.count("update  a.yaml:3  insecure") == 1
    assert "Changes made" in made
    assert "    - port: 80\n    - old\n    + port: 443\n" in made


def test_a_run_that_found_nothing_is_one_line_or_two() -> None:
    assert len(summary_text(make_result()).splitlines()) == 1
    assert "0 findings in 3 files" in summary_text(make_result(metrics={"files": 3}))
    assert "timed out" in summary_text(make_result(status="timed_out", message="Stopped at the time limit"))


def test_of_very_many_findings_the_worst_are_shown() -> None:
    findings = [Finding("r", Severity.LOW, f"m{number}", file="a", line=number + 1) for number in range(500)]
    worst = Finding("r", Severity.CRITICAL, "the worst", file="z", line=1)
    text = summary_text(make_result(findings=[*findings, worst]))
    assert "the worst" in text
    assert f"{501 - MOST_SHOWN} less severe findings" in text
    assert "501 findings: 1 critical, 500 low" in text
